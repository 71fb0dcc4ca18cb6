"""``ringfence demonstration``: what ``./run`` plays on its first start, and who can sign in to it."""

import typer


def register(app: typer.Typer) -> None:
    """Add the commands, which ``./run`` calls."""
    group = typer.Typer(help="The demonstration.", hidden=True, no_args_is_help=True)
    app.add_typer(group, name="demonstration")

    @group.command()
    def play() -> None:
        """Play two weeks of a synthetic wave that end at the present minute."""
        from ringfence.cli import session

        with session.database(typer.echo):
            from datetime import UTC, datetime

            from ringfence.simulation import demonstration, hands

            demonstration.play(now=datetime.now(UTC), say=typer.echo, processes=hands.processes())

    @group.command()
    def people() -> None:
        """Say who can sign in, and what each of them sees."""
        from ringfence.simulation import cast

        for line in cast.people():
            typer.echo(line)
