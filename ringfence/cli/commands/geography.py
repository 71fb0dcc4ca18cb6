"""``ringfence geography``: load postcodes, an authority's own boundaries, and ask where a postcode lies."""

from pathlib import Path

import typer

from ringfence.rules.plural import counted

POSTCODES = typer.Option(
    None,
    "--postcodes",
    metavar="FILE",
    help="A directory of your own: the ONS postcode directory's CSV or Code-Point Open.",
)

AUTHORITY = typer.Option(None, "--authority", metavar="CODE", help="Whose boundaries and populations they are.")

BOUNDARIES = typer.Option(
    None,
    "--boundaries",
    metavar="FILE",
    help="GeoJSON of the authority and its postcode sectors: longitude and latitude, or EPSG:27700 where it says so.",
)

POPULATIONS = typer.Option(
    None, "--populations", metavar="FILE", help="CSV of their residents, with the columns code and population."
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Authorities, postcodes and boundaries.", no_args_is_help=True)
    app.add_typer(group, name="geography")

    @group.command()
    def load(
        postcodes: Path | None = POSTCODES,
        again: bool = typer.Option(False, "--again", help="Also when it is there already."),
        authority: str | None = AUTHORITY,
        boundaries: Path | None = BOUNDARIES,
        populations: Path | None = POPULATIONS,
    ) -> None:
        """Load the areas and the postcodes, unless they are there already; and an authority's own boundaries."""
        from ringfence.cli import session

        own = boundaries is not None or populations is not None
        if own != (authority is not None):
            raise typer.BadParameter("Give --authority together with --boundaries, --populations or both.")
        with session.database(typer.echo, geography=False):
            from ringfence.geography import load as loading

            with session.login("ringfence_owner") as owner:
                loads = loading.ensure(owner, typer.echo, postcodes, again)
                # Making the database has loaded the areas: that they are there is news only where nothing was to be done.
                for done in [] if any(each.fresh for each in loads) else loads:
                    typer.echo(f"The {done.what} are there already, from {done.source}.")
            if authority is not None:
                typer.echo(_give(authority, boundaries, populations))

    @group.command()
    def where(postcodes: list[str] = typer.Argument(..., metavar="POSTCODE...")) -> None:
        """Say where postcodes lie, in any spelling, and why."""
        from ringfence.cli import session

        with session.database(typer.echo):
            from ringfence.geography import resolve

            for text, place in resolve.place(postcodes).items():
                typer.echo(f"{place.postcode or text}: {place.why}")


def _give(authority: str, boundaries: Path | None, populations: Path | None) -> str:
    from datetime import UTC, datetime

    from ringfence.actions import shapes
    from ringfence.geography import boundaries as files
    from ringfence.rules.access import system_scope

    given = files.read(boundaries, populations)
    kept = shapes.give(area=authority, given=given, by=system_scope("geography"), now=datetime.now(UTC))
    if not kept.fresh:
        return f"{given.source} is there already."
    given_now = counted(kept.boundaries, "boundary", "boundaries"), counted(kept.populations, "population")
    return f"{authority} has {' and '.join(given_now)} of its own now."
