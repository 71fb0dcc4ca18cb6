"""``ringfence geography``: areas and postcodes."""

from pathlib import Path

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Areas and postcodes.", no_args_is_help=True)
    app.add_typer(group, name="geography")

    @group.callback()
    def geography() -> None:
        """Areas and postcodes."""

    @group.command()
    def load(
        postcodes: Path | None = typer.Argument(None, help="A postcode directory of your own (CSV)."),
        again: bool = typer.Option(False, "--again", help="Load even what is there already."),
    ) -> None:
        """Load the areas and the postcodes that come with Ringfence, or a postcode directory of your own."""
        from ringfence.cli import session
        from ringfence.geography import load

        with session.server() as embedded:
            session.ready(embedded, typer.echo)
            with session.login("ringfence_owner") as owner:
                load.ensure(owner, typer.echo, postcodes, again)
