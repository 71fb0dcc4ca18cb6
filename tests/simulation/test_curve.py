"""Curves played into the record: every count met, with its dates, under the policy of those dates."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ringfence.accounts import walls
from ringfence.actions import intake
from ringfence.geography import resolve
from ringfence.queries import plays
from ringfence.queries.policy import service_policy
from ringfence.rules.access import system_scope
from ringfence.simulation import curve
from ringfence.simulation.curve import CurveProblem
from tests.simulation.test_counts import HEADER

NOW = datetime(2026, 11, 22, 12, 5, tzinfo=UTC)
INTAKE = system_scope("intake")

pytestmark = pytest.mark.usefixtures("homes")


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Leicester before and after tracing began, a district since merged, and two areas published as one."""
    path = tmp_path / "daily.csv"
    path.write_text(
        HEADER + 'E06000016,Leicester,ltla,2020-03-09,2,2\nE06000016,Leicester,ltla,2020-06-22," 35 ",37\n'
        "E06000016,Leicester,ltla,2020-06-24,12,49\nE07000004,Aylesbury Vale,ltla,2020-06-22,3,3\n"
        "E07000005,Chiltern,ltla,2020-06-22,2,2\nE09000012,Hackney and City of London,ltla,2020-06-23,4,4\n"
    )
    return path


def cases() -> dict[tuple[str, date], int]:
    """The cases of the record by authority and first specimen, and the days on which they were opened."""
    with walls.transaction(INTAKE), resolve.connection.cursor() as cursor:
        cursor.execute("SELECT ltla, first_specimen_date, count(*) FROM cases GROUP BY 1, 2")
        return {(area, day): count for area, day, count in cursor.fetchall()}


def opened() -> list[tuple[object, ...]]:
    with walls.transaction(INTAKE), resolve.connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT opened_at FROM cases ORDER BY 1")
        return list(cursor.fetchall())


def test_every_count_is_met_under_the_policy_of_its_date(
    published: Path, say: Callable[[str], None], said: list[str]
) -> None:
    played = curve.play_counts(published, seed=1, now=NOW, say=say)
    assert played.unmet == ()
    assert (played.positives, played.cases, played.quarantined) == (58, 58, 0)
    june = [date(2020, 6, day) for day in (22, 23, 24)]
    assert cases() == {
        ("E06000016", date(2020, 3, 9)): 2,
        ("E06000016", june[0]): 35,
        ("E06000016", june[2]): 12,
        ("E06000060", june[0]): 5,
        ("E09000012", june[1]): 4,
    }
    # Eight in the morning of London's summer; what was taken before there was tracing came on its first day.
    assert opened() == [
        (datetime(2020, 5, 28, 7, tzinfo=UTC),),
        *((datetime(2020, 6, day, 7, tzinfo=UTC),) for day in (23, 24, 25)),
    ]
    assert not service_policy(NOW).exercise
    assert any("E07000004, 3 cases, counts in E06000060" in line for line in said)


def test_traces_are_with_the_national_team_of_the_successor(published: Path, say: Callable[[str], None]) -> None:
    curve.play_counts(published, seed=1, now=NOW, say=say)
    with walls.transaction(INTAKE), resolve.connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT k.kind, k.area FROM traces t JOIN teams k ON k.id = t.team_id"
            " JOIN cases c ON c.id = t.case_id WHERE c.ltla = 'E06000060'"
        )
        assert cursor.fetchall() == [("national", "E06000060")]


def test_the_same_curve_twice_is_refused_and_another_seed_adds_to_it(
    published: Path, say: Callable[[str], None]
) -> None:
    curve.play_counts(published, seed=1, now=NOW, say=say)
    before = cases()
    with pytest.raises(CurveProblem, match="in the record already"):
        curve.play_counts(published, seed=1, now=NOW, say=say)
    assert cases() == before
    again = curve.play_counts(published, seed=2, now=NOW, say=say)
    assert again.unmet == ()
    assert cases() == {key: 2 * count for key, count in before.items()}


def test_a_count_that_the_record_does_not_hold_is_found(published: Path, say: Callable[[str], None]) -> None:
    """Somebody else's rows for the same day do not make up for a row that went to quarantine."""
    curve.play_counts(published, seed=1, now=NOW, say=say)
    wanted = {("E06000016", date(2020, 6, 22)): 36}
    refs = [ref for (ref,) in _deliveries()]
    unmet = list(curve.counts.differences(wanted, plays.cases_of(refs, scope=INTAKE)))
    assert "E06000016 on 2020-06-22: 36 wanted, 35 positives and 35 cases in the record" in unmet


def _deliveries() -> list[tuple[str]]:
    with walls.transaction(INTAKE), resolve.connection.cursor() as cursor:
        cursor.execute("SELECT ref FROM deliveries ORDER BY id")
        return list(cursor.fetchall())


def test_nothing_is_played_among_real_people(published: Path, say: Callable[[str], None]) -> None:
    intake.receive(stream=[b"Specimen ID\n"], source="Royal Infirmary", by=INTAKE, now=NOW)
    with pytest.raises(CurveProblem, match="a delivery that was not simulated"):
        curve.play_counts(published, seed=1, now=NOW, say=say)
    assert cases() == {}


def test_a_made_up_wave_has_so_many_cases_and_runs_under_the_exercise_policy(
    say: Callable[[str], None], said: list[str]
) -> None:
    played = curve.play_wave(days=3, cases=40, seed=7, now=NOW, say=say, trace=True)
    assert played.unmet == ()
    assert played.cases == 40 == sum(cases().values())
    assert service_policy(NOW).exercise
    assert any("exercise policy" in line for line in said)
    with walls.transaction(system_scope("sweep")), resolve.connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(*) FILTER (WHERE at > %s) FROM attempts", [NOW])
        tries, later = cursor.fetchone()
    assert tries > 10
    assert later == 0
