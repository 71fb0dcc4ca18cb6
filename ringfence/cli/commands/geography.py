"""``ringfence geography``: load postcodes, and ask where one lies."""

from pathlib import Path

import typer

POSTCODES = typer.Option(
    None,
    "--postcodes",
    metavar="FILE",
    help="A directory of your own: the ONS postcode directory's CSV or Code-Point Open.",
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Authorities and postcodes.", no_args_is_help=True)
    app.add_typer(group, name="geography")

    @group.command()
    def load(
        postcodes: Path | None = POSTCODES,
        again: bool = typer.Option(False, "--again", help="Also when it is there already."),
    ) -> None:
        """Load the areas and the postcodes, unless they are there already."""
        from ringfence.cli import session

        with session.database(typer.echo, geography=False):
            from ringfence.geography import load as loading

            with session.login("ringfence_owner") as owner:
                for done in loading.ensure(owner, typer.echo, postcodes, again):
                    if not done.fresh:
                        typer.echo(f"The {done.what} are there already, from {done.source}.")

    @group.command()
    def where(postcodes: list[str] = typer.Argument(..., metavar="POSTCODE...")) -> None:
        """Say where postcodes lie, in any spelling, and why."""
        from ringfence.cli import session

        with session.database(typer.echo):
            from ringfence.geography import resolve

            for text, place in resolve.place(postcodes).items():
                typer.echo(f"{place.postcode or text}: {place.why}")
