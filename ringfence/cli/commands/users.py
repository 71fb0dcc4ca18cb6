"""``ringfence user``: who signs in."""

from typing import Any

import typer

from ringfence.rules.access import ROLES

ROLE = f"One of {', '.join(ROLES)}."
AREA = "The authority, or for health protection the region: name or code. The team follows from the role."
TEAM = "The number of a team, in place of --area."


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="People who sign in.", no_args_is_help=True)
    app.add_typer(group, name="user")

    @group.command()
    def add(
        email: str = typer.Argument(help="The e-mail address they sign in with."),
        name: str = typer.Option(..., help="Their name."),
        role: str = typer.Option(..., help=ROLE),
        area: str = typer.Option("", help=AREA),
        team: int = typer.Option(0, help=TEAM),
        type_password: bool = typer.Option(
            False, "--type-password", help="Ask for a password; otherwise one is made and printed once."
        ),
    ) -> None:
        """Add a person with one role."""
        from ringfence.cli import session

        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True) if type_password else None
        with session.database(typer.echo, geography=False):
            from datetime import UTC, datetime

            from ringfence.actions import accounts
            from ringfence.rules.access import system_scope

            scope = system_scope("accounts")
            where = _where(role, area, team)
            added = accounts.add_user(
                email=email, name=name, role=role, password=password, by=scope, now=datetime.now(UTC), **where
            )
            typer.echo(f"{ROLES[role].name} {email} was added.")
            if added.password:
                typer.echo(f"Password, shown this once: {added.password}")

    @group.command("role")
    def give(
        email: str = typer.Argument(help="Who is to have the role; they sign in already."),
        role: str = typer.Option(..., help=ROLE),
        area: str = typer.Option("", help=AREA),
        team: int = typer.Option(0, help=TEAM),
    ) -> None:
        """Give somebody a further role, or one anew."""
        from ringfence.cli import session

        with session.database(typer.echo, geography=False):
            from datetime import UTC, datetime

            from ringfence.actions import accounts
            from ringfence.rules.access import system_scope

            where = _where(role, area, team)
            accounts.give_role(
                user=_user(email), role=role, by=system_scope("accounts"), now=datetime.now(UTC), **where
            )
            typer.echo(f"{email} has a further role: {ROLES[role].name.lower()}.")

    @group.command("list")
    def everybody() -> None:
        """List everybody who can sign in, with their roles."""
        from ringfence.cli import session

        with session.database(typer.echo, geography=False):
            from datetime import UTC, datetime

            from ringfence.queries import accounts
            from ringfence.rules.access import system_scope

            people = accounts.users(scope=system_scope("accounts"), now=datetime.now(UTC))
            if not people:
                typer.echo("Nobody yet. Add the first: ./run ringfence user add EMAIL --name NAME --role operations")
            for person in people:
                state = "" if person.active else " (deactivated)"
                typer.echo(f"{person.email}  {person.name}{state}")
                for place in person.places:
                    until = f", until {place.until_at:%-d %B %Y %H:%M} UTC" if place.until_at else ""
                    typer.echo(f"    {place.role}, {place.where}{' (lent)' if place.lent else ''}{until}")

    @group.command()
    def password(email: str = typer.Argument(help="Whose password to set.")) -> None:
        """Set somebody's password; it is asked for."""
        from ringfence.cli import session

        typed = typer.prompt("New password", hide_input=True, confirmation_prompt=True)
        with session.database(typer.echo, geography=False):
            from datetime import UTC, datetime

            from ringfence.actions import accounts
            from ringfence.rules.access import system_scope

            scope = system_scope("accounts")
            accounts.set_password(user=_user(email), password=typed, by=scope, now=datetime.now(UTC))
            typer.echo("The password was set; sessions that were open have ended.")

    @group.command()
    def deactivate(email: str = typer.Argument(help="Who is to sign in no more.")) -> None:
        """Let nobody sign in with this address any more, and end every role they have."""
        from ringfence.cli import session

        with session.database(typer.echo, geography=False):
            from datetime import UTC, datetime

            from ringfence.actions import accounts
            from ringfence.rules.access import system_scope

            accounts.deactivate(user=_user(email), by=system_scope("accounts"), now=datetime.now(UTC))
            typer.echo(f"{email} can no longer sign in.")

    @group.command()
    def activate(email: str = typer.Argument(help="Who is to sign in again.")) -> None:
        """Let somebody who was deactivated sign in again; their roles are to be given anew."""
        from ringfence.cli import session

        with session.database(typer.echo, geography=False):
            from datetime import UTC, datetime

            from ringfence.actions import accounts
            from ringfence.rules.access import system_scope

            accounts.activate(user=_user(email), by=system_scope("accounts"), now=datetime.now(UTC))
            typer.echo(f"{email} can sign in again. Give them a role: ringfence user role {email} --role ROLE")


def _user(email: str) -> int:
    from ringfence.queries import accounts
    from ringfence.rules.access import system_scope

    found = accounts.user_called(email, scope=system_scope("accounts"))
    if found is None:
        raise typer.BadParameter(f"nobody signs in with {email}; see: ringfence user list", param_hint="EMAIL")
    return found


def _where(role: str, area: str, team: int) -> dict[str, Any]:
    """The team or the area of a role, as the verb takes them."""
    from ringfence.queries import accounts
    from ringfence.rules.access import system_scope

    scope = system_scope("accounts")
    if role not in ROLES:
        raise typer.BadParameter(f"{role} is not one of {', '.join(ROLES)}", param_hint="--role")
    level = ROLES[role].level
    if level == "nation":
        return {}
    if team and level == "team":
        return {"team": team}
    if not area:
        raise typer.BadParameter("say for which authority or region", param_hint="--area")
    try:
        code, area = accounts.area_called(area, scope=scope)
    except ValueError as problem:
        raise typer.BadParameter(str(problem), param_hint="--area") from None
    if level == "area":
        return {"area": code}
    found = accounts.team_for(role, code, scope=scope)
    if found is None:
        hint = (
            "its local team opens when the authority joins: ringfence partnerships join"
            if role.startswith("local")
            else "first run: ringfence partnerships establish"
        )
        raise typer.BadParameter(f"{area} has no team for this role; {hint}", param_hint="--area")
    return {"team": found}
