"""``ringfence detect``: look for clusters in the record now, or in published counts as they were known on past days."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import typer

from ringfence.rules.plural import counted


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def detect(
        areas: bool = typer.Option(
            False, "--areas", help="Also look at every area as a whole, as the worker does once a day."
        ),
        counts: Path | None = typer.Option(
            None, "--counts", exists=True, dir_okay=False, help="Published daily counts instead of the record."
        ),
        from_date: datetime | None = typer.Option(
            None, "--from", formats=["%Y-%m-%d"], help="With --counts: the first day."
        ),
        to_date: datetime | None = typer.Option(
            None, "--to", formats=["%Y-%m-%d"], help="With --counts: the last day."
        ),
        replications: int = typer.Option(999, "--replications", min=99, help="With --counts: of the scan."),
        as_json: bool = typer.Option(False, "--json", help="As JSON."),
    ) -> None:
        """Find clusters and put them on the directors' lists; with --counts say what the list would have shown each day."""
        import json

        if counts is not None:
            if from_date is None:
                raise ValueError(
                    "--counts goes with --from: the day whose list is asked for, such as --from 2020-06-05"
                )
            views = list(_views(counts, from_date, to_date or from_date, replications))
            if as_json:
                typer.echo(json.dumps({"days": views}, indent=1, ensure_ascii=False))
            else:
                for each in views:
                    first = each["list"][0]["evidence"] if each["list"] else "nothing"
                    typer.echo(
                        f"{each['day']}: {counted(len(each['list']), 'authority', 'authorities')} on the list; first: {first}"
                    )
            return

        from ringfence.cli import session

        with session.database(lambda line: typer.echo(line, err=True)):
            from datetime import UTC

            from ringfence.actions import alerts, detection
            from ringfence.rules.access import system_scope

            now, by = datetime.now(UTC), system_scope("detection")
            done = detection.look(by=by, now=now)
            more = detection.look_at_areas(by=by, now=now) if areas else alerts.Looked()
            told = {
                "at": now.isoformat(timespec="seconds"),
                "found": done.found + more.found,
                "updated": done.updated + more.updated,
                "ended": more.ended,
            }
            if as_json:
                typer.echo(json.dumps(told))
            else:
                typer.echo(f"{told['found']} new alerts, {told['updated']} brought up to date, {told['ended']} over.")


def _views(file: Path, first: datetime, last: datetime, replications: int) -> Any:
    from datetime import UTC

    from ringfence.geography.atlas import packaged
    from ringfence.rules import alerts
    from ringfence.simulation import asat
    from ringfence.simulation.counts import read

    atlas = packaged()
    counts = read(file, atlas, today=datetime.now(UTC).date())
    day = first.date()
    while day <= last.date():
        found = asat.view(counts, atlas, day, replications)
        yield {
            "day": day.isoformat(),
            "list": [
                {
                    "area": each.area,
                    "name": atlas.area(each.area).name,
                    "method": each.method.value,
                    "evidence": alerts.evidence(each),
                    "rank": alerts.rank(each, day),
                    "log_likelihood_ratio": each.score,
                    "false_alarms_a_year": each.false_alarms,
                }
                for each in found.findings
            ],
        }
        day += timedelta(days=1)
