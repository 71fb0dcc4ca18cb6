"""``ringfence policy``: which service-wide policy holds from when on."""

from datetime import datetime

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The service's dated policy: isolation, calling hours, tries.", no_args_is_help=True)
    app.add_typer(group, name="policy")

    @group.command("list")
    def every() -> None:
        """List the policies that hold, each from its day on, and those that can be named."""
        from ringfence.cli import session

        with session.database(typer.echo, geography=False):
            from datetime import UTC

            from ringfence.accounts import walls
            from ringfence.queries.policy import service_policies, service_policy
            from ringfence.rules.access import system_scope
            from ringfence.rules.policies import NAMED

            with walls.transaction(system_scope("accounts")):
                dated, today = service_policies(), service_policy(datetime.now(UTC))
            for each in dated:
                typer.echo(f"{each.from_date}  {each.name}{'   in force today' if each == today else ''}")
            typer.echo(f"Names: {', '.join(NAMED)}")

    @group.command("set")
    def put(
        name: str = typer.Argument(help="The name of a policy: ringfence policy list."),
        from_day: datetime = typer.Option(..., "--from", formats=["%Y-%m-%d"], help="The first day on which it holds."),
    ) -> None:
        """Let a policy hold from a day on, until a later one."""
        from ringfence.cli import session

        with session.database(typer.echo, geography=False):
            from datetime import UTC

            from ringfence.actions import service
            from ringfence.rules.access import system_scope

            by, now = system_scope("accounts"), datetime.now(UTC)
            service.name_policy(policy=name, from_date=from_day.date(), by=by, now=now)
            typer.echo(f"{name} holds from {from_day:%-d %B %Y} on.")
