"""``ringfence simulate``: a made-up or a real epidemic curve, played into the record."""

from pathlib import Path

import typer

from ringfence.rules.plural import counted

#: Unmet counts that are told one by one.
SHOWN = 10

COUNTS = typer.Option(
    None,
    "--counts",
    metavar="FILE",
    help="Daily counts of lower-tier authorities in the health agency's published format, CSV or gzip, in place of a "
    "made-up wave. Every count is met exactly.",
)


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def simulate(
        days: int = typer.Option(14, "--days", min=1, max=365, help="Days of a made-up wave, which ends now."),
        cases: int = typer.Option(1000, "--cases", min=1, max=500_000, help="Cases of a made-up wave."),
        seed: int = typer.Option(1, "--seed", min=0, help="The same seed gives the same people."),
        counts: Path | None = COUNTS,
        exercise: bool = typer.Option(
            False, "--exercise", help="Play counts under the exercise policy, not under the policy of their dates."
        ),
        trace: bool = typer.Option(False, "--trace", help="Also call everybody: slow, some dozens of tries a second."),
    ) -> None:
        """Play an epidemic curve into the record, about people who do not exist."""
        from ringfence.cli import FAILED, session

        with session.database(typer.echo):
            from datetime import UTC, datetime

            from ringfence.simulation import curve

            now = datetime.now(UTC)
            if counts is not None:
                played = curve.play_counts(counts, seed=seed, now=now, say=typer.echo, exercise=exercise, trace=trace)
            else:
                played = curve.play_wave(days=days, cases=cases, seed=seed, now=now, say=typer.echo, trace=trace)
            typer.echo(
                f"{counted(played.deliveries, 'delivery', 'deliveries')}, {counted(played.positives, 'positive')},"
                f" {counted(played.cases, 'case')} opened,"
                f" {counted(played.quarantined, 'row')} in quarantine."
            )
            if played.unmet:
                for line in played.unmet[:SHOWN]:
                    typer.echo(f"  {line}")
                typer.echo(f"{counted(len(played.unmet), 'count is', 'counts are')} not met.")
                raise typer.Exit(FAILED)
            typer.echo(
                "Every count is met: checked against the record, by authority and specimen date." if counts else ""
            )
