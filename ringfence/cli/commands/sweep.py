"""``ringfence sweep``: do now what the worker does each minute."""

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def sweep(
        as_json: bool = typer.Option(False, "--json", help="Print the counts as JSON."),
    ) -> None:
        """Hand over what is due, and put back into the queues what is ready again."""
        import json

        from ringfence.cli import session

        with session.database(lambda line: typer.echo(line, err=True), geography=False):
            from datetime import UTC, datetime

            from ringfence.actions import handover, partnerships
            from ringfence.rules.access import system_scope

            now = datetime.now(UTC)
            applied = partnerships.apply_changes(by=system_scope("policy"), now=now)
            done = handover.sweep(by=system_scope("sweep"), now=now)
            counts = {
                "at": now.isoformat(timespec="seconds"),
                "handed_over": done.handed_over,
                "teams": len(done.teams),
                "woken": done.woken,
                "policies_taken_up": len(applied.areas),
            }
            if as_json:
                typer.echo(json.dumps(counts))
            else:
                typer.echo(
                    f"{done.handed_over} handed over to {len(done.teams)} local teams; "
                    f"{done.woken} put back into their queues."
                )
