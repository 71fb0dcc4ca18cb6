"""``ringfence partnerships``: offer them to every authority, and see where each stands."""

import typer

from ringfence.rules.plural import counted


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Partnerships with the authorities.", no_args_is_help=True)
    app.add_typer(group, name="partnerships")

    @group.command()
    def establish() -> None:
        """Offer the partnership to every authority, each with its ring-fenced national team. Adds what is missing."""
        from ringfence.cli import session

        with session.database(typer.echo):
            from datetime import UTC, datetime

            from ringfence.actions import partnerships
            from ringfence.rules.access import system_scope

            done = partnerships.establish(by=system_scope("accounts"), now=datetime.now(UTC))
            typer.echo(
                f"Added: {counted(done.partnerships, 'authority', 'authorities')} and {counted(done.teams, 'team')}."
            )

    @group.command("list")
    def every() -> None:
        """List every authority and where it stands."""
        from ringfence.cli import session

        with session.database(typer.echo):
            from datetime import UTC, datetime

            from ringfence.queries import partnerships
            from ringfence.rules.access import system_scope

            lines = partnerships.authorities(scope=system_scope("accounts"), now=datetime.now(UTC))
            if not lines:
                typer.echo("None yet. Run: ./run ringfence partnerships establish")
            for line in lines:
                hours = f", {line.set_period_hours} h" if line.set_period_hours else ""
                typer.echo(f"{line.code}  {line.name}: {line.standing.words}; {line.model_words}{hours}")

    @group.command()
    def join(
        area: str = typer.Argument(help="The authority: a name or a code."),
        agreement: str = typer.Option("", help="Where the signed agreement is kept."),
    ) -> None:
        """Record that the authority agreed and joins now: its local team opens. Its policy is set on its page."""
        from ringfence.cli import session

        with session.database(typer.echo):
            from datetime import UTC, datetime

            from ringfence.actions import partnerships
            from ringfence.queries import accounts
            from ringfence.rules.access import system_scope

            scope, now = system_scope("accounts"), datetime.now(UTC)
            try:
                code, name = accounts.area_called(area, scope=scope)
            except ValueError as problem:
                raise typer.BadParameter(str(problem), param_hint="AREA") from None
            partnerships.agree(area=code, agreement=agreement, by=scope, now=now)
            partnerships.join(area=code, by=scope, now=now)
            typer.echo(f"{name} has joined. Say when traces pass to it on the page /authorities/{code}")
