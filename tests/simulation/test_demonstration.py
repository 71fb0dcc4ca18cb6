"""The demonstration, small: two days, some dozens of cases, through the same verbs."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ringfence.accounts import walls
from ringfence.accounts.models import User
from ringfence.geography import resolve
from ringfence.queries.policy import service_policy
from ringfence.rules.access import system_scope
from ringfence.simulation import cast, demonstration
from ringfence.simulation.crew import Tally
from tests.database import Database
from tests.simulation.conftest import FIGURES, ask, settle

NOW = datetime(2026, 11, 20, 15, 7, 30, tzinfo=UTC)
START = NOW - timedelta(days=2)


@pytest.fixture(scope="module")
def played(django_db_setup: Database, django_db_blocker: Any) -> Iterator[Tally]:
    """Two days, played once for the tests of this module, with real commits."""
    with django_db_blocker.unblock():
        try:
            settle()
            yield demonstration.play(now=NOW, say=lambda _: None, days=2, cases=60, seed=5, processes=2)
        finally:
            django_db_setup.reset()
            resolve.forget()


def test_every_try_counts_and_somebody_is_reached(played: Tally) -> None:
    rows = ask(FIGURES)
    assert len(rows) > 60
    assert played.tries == sum(row[5] for row in rows) > 60
    told = ask("SELECT count(*) FROM attempts WHERE through_id IS NOT NULL")[0][0]
    assert played.reached + told == sum(row[6] == "reached" for row in rows) > 10


def test_interviews_name_contacts_and_places(played: Tally) -> None:
    ((named, homes),) = ask("SELECT count(*), count(*) FILTER (WHERE household) FROM contacts", "interviews")
    assert named > homes > 0
    assert ask("SELECT count(*) FROM traces WHERE reason = 'contact'")[0][0] > 0
    assert ask("SELECT count(*) FROM settings", "interviews")[0][0] > 0
    assert ask("SELECT count(*) FROM referrals", "interviews")[0][0] > 0
    assert ask("SELECT count(*) FROM interviews WHERE latest > taken_up", "interviews")[0][0] == 0


def test_every_delivery_balances_and_one_was_refused(played: Tally) -> None:
    deliveries = ask("SELECT status, rows, accepted, duplicate, quarantined FROM deliveries", "intake")
    assert all(rows == accepted + duplicate + aside for _, rows, accepted, duplicate, aside in deliveries)
    assert [status for status, *_ in deliveries].count("refused") == 1
    assert {status for status, *_ in deliveries} == {"done", "refused"}


def test_who_has_a_trace_got_it_when_the_one_before_gave_it_away(played: Tally) -> None:
    broken = ask(
        "SELECT t.id FROM traces t LEFT JOIN handovers h ON h.trace_id = t.id AND h.seq = t.handovers"
        " WHERE (t.handovers = 0 AND t.owned_since <> t.created_at)"
        " OR (t.handovers > 0 AND (h.to_team_id, h.at) IS DISTINCT FROM (t.team_id, t.owned_since))"
    )
    assert broken == []
    assert ask("SELECT count(*) FROM handovers WHERE reason = 'set_period'")[0][0] == played.handed_over > 0


def test_nothing_happens_after_the_end(played: Tally) -> None:
    latest = "SELECT max(at) FROM (SELECT at FROM attempts UNION ALL SELECT at FROM handovers) a"
    assert START < ask(latest)[0][0] <= NOW


def test_the_exercise_policy_holds_all_the_time(played: Tally) -> None:
    with walls.transaction(system_scope("accounts")):
        assert service_policy(START).exercise
        assert service_policy(NOW).exercise


def test_the_first_three_are_live_from_the_first_day(played: Tally) -> None:
    joined = ask("SELECT area FROM partnerships WHERE joined_at <= %s", values=(START,))
    assert {area for (area,) in joined} == {"E06000008", "E06000032", "E06000016"}


def test_somebody_watching_sees_the_clock(played: Tally) -> None:
    soon = ask(
        "SELECT count(*) FROM traces WHERE closed_at IS NULL AND passes_to_id IS NOT NULL AND due_at BETWEEN %s AND %s",
        values=(NOW, NOW + timedelta(minutes=20)),
    )
    assert soon[0][0] >= 2
    assert ask("SELECT count(DISTINCT team_id) FROM traces WHERE queued")[0][0] >= 2


def test_the_people_named_can_sign_in_and_the_staff_cannot(played: Tally) -> None:
    with walls.transaction(system_scope("accounts")):
        words = [word for line in cast.people() for word in line.split()]
        named = {word for word in words if word.endswith("@example.org")}
        assert (
            set(User.objects.filter(email__in=named).exclude(password__startswith="!").values_list("email", flat=True))
            == named
        )
        assert User.objects.get(email="tracer.blackburn@example.org").check_password(cast.PASSWORD)
        assert not User.objects.get(email="staff001@example.org").has_usable_password()
    assert cast.PASSWORD in words


@pytest.mark.nightly
def test_the_number_of_processes_changes_nothing(played: Tally, django_db_setup: Database) -> None:
    """So neither does playing twice: the same seed, the same moment, the same play. The last test of what was played."""
    two = ask(FIGURES)
    django_db_setup.reset()
    settle()
    demonstration.play(now=NOW, say=lambda _: None, days=2, cases=60, seed=5, processes=1)
    assert ask(FIGURES) == two
