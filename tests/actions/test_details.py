"""What a team knows beside what the laboratory gave."""

from __future__ import annotations

import pytest
from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import attempts, details, handover, work
from ringfence.actions.errors import Invalid, NotFound
from ringfence.queries.traces import trace as read_trace
from ringfence.rules.access import Refused
from ringfence.rules.attempts import Action
from tests.town import HOUR, INTAKE, LEICESTER, MINUTE, START, SWEEP, events, row

NOW = START + 26 * HOUR
COUNCIL = "Council tax"


@pytest.fixture
def trace(town):
    """A trace that the clock passed to Blackburn's local team."""
    made = town.trace(phone="07700900001", email="someone@example.org")
    handover.sweep(by=SWEEP, now=NOW)
    return made


def add(town, trace, value="01632 960 199", kind="phone", name="Lola", source=COUNCIL):
    return details.add(trace=trace, kind=kind, value=value, source=source, by=town.by(name, NOW), now=NOW)


def given(trace):
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.phone, p.phone_other, p.email, p.address FROM people p JOIN traces t ON t.person_id = p.id"
            " WHERE t.id = %s",
            [trace],
        )
        return cursor.fetchone()


def test_both_teams_see_it_with_its_source_and_nothing_given_is_overwritten(town, trace):
    before = given(trace)
    assert add(town, trace).value == "01632960199"
    add(town, trace, "next.door@example.org", "email", source="Neighbour")
    ref = str(row(trace, "ref")[0])
    for name in ("Lola", "Nia", "Dora"):
        record = read_trace(scope=town.by(name, NOW), ref=ref, now=NOW)
        assert [(each.kind, each.value, each.source, each.by_name) for each in record.details] == [
            ("phone", "01632960199", COUNCIL, "Lola"),
            ("email", "next.door@example.org", "Neighbour", "Lola"),
        ]
    assert given(trace) == before
    assert [(user, found) for user, _, found, _, _ in events("detail.added")] == [
        (town.users["Lola"].pk, trace),
        (town.users["Lola"].pk, trace),
    ]


def test_the_same_again_is_one_row(town, trace):
    first = add(town, trace)
    assert add(town, trace, "+44 1632 960199", source="School") == details.Known(
        first.detail, "phone", "01632960199", again=True
    )


def test_the_national_team_adds_what_it_learns_too(town, trace):
    assert add(town, trace, name="Nia").detail


@pytest.mark.parametrize(
    ("kind", "value", "source", "field"),
    [
        ("phone", "", COUNCIL, "value"),
        ("phone", "call me", COUNCIL, "value"),
        ("phone", "07700 900001", COUNCIL, "value"),
        ("email", "Someone@Example.org", COUNCIL, "value"),
        ("email", "nobody", COUNCIL, "value"),
        ("address", "1 high street", COUNCIL, "value"),
        ("address", "x" * 301, COUNCIL, "value"),
        ("address", "2 High Street", " ", "source"),
        ("pigeon", "2 High Street", COUNCIL, "detail_kind"),
    ],
)
def test_what_cannot_be_used_is_told_beside_its_field(town, trace, kind, value, source, field):
    with pytest.raises(Invalid) as problem:
        add(town, trace, value, kind, source=source)
    assert problem.value.field == field


def test_only_the_teams_that_work_on_it(town, trace):
    with pytest.raises(NotFound):
        add(town, trace, name="Lars")
    with pytest.raises(Refused):
        add(town, trace, name="Dora")


def test_another_number_is_left_to_try_until_it_is_marked_as_wrong(town, trace):
    claimed = work.claim(team=town.team("local"), by=town.by("Lola", NOW), now=NOW)
    added = add(town, trace)
    done = attempts.record(
        trace=trace,
        version=claimed.version,
        kind="call",
        outcome="wrong_number",
        by=town.by("Lola", NOW),
        now=NOW + MINUTE,
    )
    assert (done.next.action, row(trace, "phone")) == (Action.RETRY, ("01632960199",))
    by = town.by("Lola", NOW)
    assert not details.mark(trace=trace, detail=added.detail, wrong=True, by=by, now=NOW).again
    assert details.mark(trace=trace, detail=added.detail, wrong=True, by=by, now=NOW).again
    with pytest.raises(Invalid, match="marked as wrong"):
        add(town, trace)
    details.mark(trace=trace, detail=added.detail, wrong=False, by=by, now=NOW)
    assert add(town, trace).again


@pytest.mark.parametrize(("added", "action"), [(False, Action.CLOSE), (True, Action.RETRY)])
def test_another_email_or_address_keeps_the_trace_open(town, added, action):
    trace = town.trace(LEICESTER, phone="07700900005", email="someone@example.org")
    by = town.by("Nick")
    if added:
        details.add(trace=trace, kind="email", value="other@example.org", source="School", by=by, now=START)
    version = work.claim(team=town.team("national", LEICESTER), by=by, now=START).version
    done = attempts.record(trace=trace, version=version, kind="email", outcome="wrong_number", by=by, now=START)
    assert done.next.action is Action.RETRY, "the telephone is left"
    done = attempts.record(trace=trace, version=done.version, kind="call", outcome="wrong_number", by=by, now=START)
    assert done.next.action is action


def test_a_trace_without_a_number_gets_the_first_one(town):
    trace = town.trace(phone="")
    details.add(trace=trace, kind="phone", value="01632960199", source="School", by=town.by("Nia"), now=START)
    details.add(trace=trace, kind="phone", value="01632960198", source="School", by=town.by("Nia"), now=START)
    assert row(trace, "phone") == ("01632960199",)


def test_a_number_that_somebody_is_on_is_added_all_the_same(town):
    town.trace(phone="01632960199", priority=1)
    trace = town.trace(phone="")
    work.claim(team=town.team("national"), by=town.by("Noah"), now=START)
    by = town.by("Nia")
    work.claim(team=town.team("national"), by=by, now=START)
    assert details.add(trace=trace, kind="phone", value="01632960199", source="School", by=by, now=START).detail
    assert row(trace, "phone") == ("",)


def test_a_detail_of_somebody_else_is_not_there(town, trace):
    added = add(town, trace)
    other = town.trace(now=NOW)
    with pytest.raises(NotFound):
        details.mark(trace=other, detail=added.detail, wrong=True, by=town.by("Nia", NOW), now=NOW)
