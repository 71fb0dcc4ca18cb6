"""``ringfence power``: of planted outbreaks, how many do the methods find, and how soon?"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def power(
        counts: Path | None = typer.Option(
            None, "--counts", exists=True, dir_okay=False, help="Published daily counts; without, made-up ones."
        ),
        from_date: datetime = typer.Option("2020-05-01", "--from", formats=["%Y-%m-%d"], help="Of them the first day."),
        to_date: datetime = typer.Option("2020-08-29", "--to", formats=["%Y-%m-%d"], help="Of them the last day."),
        authorities: int = typer.Option(12, "--authorities", min=1, help="How many, drawn by lot, small and large."),
        outbreaks: int = typer.Option(40, "--outbreaks", min=2, help="Of each extent and size."),
        quiet: int = typer.Option(8, "--quiet", min=2, help="Replications without an outbreak."),
        seed: int = typer.Option(1, "--seed", help="The same seed gives the same figures."),
        plot: Path | None = typer.Option(None, "--plot", dir_okay=False, help="Where to write the drawing (SVG)."),
    ) -> None:
        """Plant outbreaks in real counts: what is found and how soon, beside exceedance alone, at one false-alarm rate."""
        from datetime import UTC

        from ringfence.geography.atlas import packaged
        from ringfence.simulation import lands, powertable
        from ringfence.simulation import power as studies
        from ringfence.simulation.counts import read

        if counts is None:
            chosen = [lands.generated(seed + each) for each in range(authorities)]
        else:
            published = read(counts, packaged(), today=datetime.now(UTC).date())
            chosen = lands.real(published.cases, from_date.date(), to_date.date(), authorities, seed)
        needed = studies.HISTORY + studies.HORIZON + 1
        short = [each for each in chosen if len(each.counts) <= needed]
        if short or not chosen:
            raise ValueError(f"A study needs more than {needed} days of counts: give an earlier --from or a later --to")
        for said in studies.study(chosen, quiet=quiet, outbreaks=outbreaks, seed=seed):
            if isinstance(said, str):
                typer.echo(said, err=True)
            else:
                typer.echo(powertable.table(said), nl=False)
                if plot is not None:
                    plot.write_text(powertable.drawing(said))
