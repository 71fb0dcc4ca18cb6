"""Finding a person: by what, whom, and what the audit learns of it."""

import pytest
from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import handover, search, work
from ringfence.base.references import reference
from ringfence.queries.search import find
from ringfence.rules.access import Refused, system_scope
from tests.town import BLACKBURN, ENGLAND, HOUR, INTAKE, LUTON, MINUTE, START, SWEEP, events, row

NOW = START + HOUR
SEARCH = system_scope("search")


def called(town, given, family, area=BLACKBURN, nhs=None, postcode="BB1 1AA", **more):
    """A trace of somebody of this name, before anything is caught up."""
    trace = town.trace(area, **more)
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE people SET given_name = %s, family_name = %s, nhs_number = %s, postcode = %s WHERE id ="
            " (SELECT person_id FROM traces WHERE id = %s)",
            [given, family, nhs, postcode, trace],
        )
    return trace


@pytest.fixture
def people(town):
    found = {
        "aisha": called(town, "Aisha", "Khan", nhs="9990000018", phone="07700900123"),
        "adam": called(town, "Adam", "Khan", postcode="BB2 2BB"),
        "khanna": called(town, "Anil", "Khanna"),
        "kahn": called(town, "Adele", "Kahn", phone="", phone_other="01632960101"),
        "luton": called(town, "Aisha", "Khan", LUTON, nhs="9990000026", phone="07700900124"),
    }
    assert search.catch_up(by=SEARCH, now=NOW) == 5
    return found


def names(town, text, name="Nia"):
    return [hit.name for hit in find(scope=town.by(name), text=text, now=NOW).hits]


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("999 000 0018", ["Aisha Khan"]),
        ("07700 900 123", ["Aisha Khan"]),
        ("01632 960101", ["Adele Kahn"]),
        ("bb22bb", ["Adam Khan"]),
        ("Aisha Khan", ["Aisha Khan", "Adam Khan", "Anil Khanna", "Adele Kahn"]),
        ("KHAN, AÏSHA", ["Aisha Khan", "Adam Khan", "Anil Khanna", "Adele Kahn"]),
        ("Khan", ["Adam Khan", "Aisha Khan", "Anil Khanna", "Adele Kahn"]),
        ("Khan BB2 2BB", ["Adam Khan"]),
        ("Khan Zed", []),
        ("999 000 0026", []),
        ("07700 900 124", []),
    ],
)
def test_by_what_somebody_is_found(town, people, typed, wanted):
    assert names(town, typed) == wanted


def test_by_the_reference_of_a_trace(town, people):
    ref = str(row(people["adam"], "ref")[0])
    assert names(town, ref.lower().replace("-", "")) == ["Adam Khan"]
    assert names(town, str(row(people["luton"], "ref")[0])) == []


def test_what_only_begins_or_sounds_alike_says_so(town, people):
    hits = find(scope=town.by("Nia"), text="Aisha Khan", now=NOW).hits
    assert [hit.alike for hit in hits] == [False, False, True, True]


def test_everybody_finds_those_of_their_own_area(town, people):
    for name in ("Nia", "Lola", "Dora"):
        assert len(names(town, "Khan", name)) == 4, name
    assert names(town, "Khan", "Lars") == ["Aisha Khan"]
    assert names(town, "Khan", "Hana") == []


@pytest.mark.parametrize("name", ["Gil", "Olu", "Charlie"])
def test_who_may_not_search(town, name):
    with pytest.raises(Refused):
        find(scope=town.by(name), text="Khan", now=NOW)


def test_a_hit_says_with_whom_the_traces_are_and_whether_they_open(town, people):
    (trace,) = find(scope=town.by("Nia"), text="9990000018", now=NOW).hits[0].traces
    assert (trace.ref, trace.reason, trace.team, trace.closed, trace.opens) == (
        row(people["aisha"], "ref")[0],
        "case",
        "Blackburn with Darwen ring-fenced team",
        False,
        True,
    )
    # The local team may know of them before the clock passes the trace to it, and cannot open it.
    assert find(scope=town.by("Lola"), text="9990000018", now=NOW).hits[0].traces[0].opens is False
    assert find(scope=town.by("Dora"), text="9990000018", now=NOW).hits[0].traces[0].opens is True
    handover.sweep(by=SWEEP, now=START + 25 * HOUR)
    assert find(scope=town.by("Lola"), text="9990000018", now=NOW).hits[0].traces[0].opens is True


def test_a_number_and_a_reference_are_found_before_the_worker_has_caught_up(town):
    trace = called(town, "Ann", "Lee", nhs="9990000018")
    assert names(town, "9990000018") == ["Ann Lee"]
    assert names(town, str(row(trace, "ref")[0])) == ["Ann Lee"]
    assert names(town, "Lee") == []
    assert search.catch_up(by=SEARCH, now=NOW) == 1
    assert names(town, "Lee") == ["Ann Lee"]


def test_a_changed_name_is_found_by_both(town, people):
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute("UPDATE people SET family_name = 'Novak' WHERE nhs_number = '9990000018'")
    assert search.catch_up(by=SEARCH, now=NOW) == 1
    assert names(town, "Novak") == names(town, "07700900123") == ["Aisha Novak"]
    assert "Aisha Novak" in names(town, "Khan")


def test_another_area_finds_whom_it_comes_to_know_and_no_longer_whom_it_knew(town, people):
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO standings (person_id, area, why, from_at) SELECT person_id, %s, 'contact', %s FROM traces WHERE id = %s",
            [LUTON, NOW, people["adam"]],
        )
    search.catch_up(by=SEARCH, now=NOW)
    assert names(town, "Khan", "Lars") == ["Adam Khan", "Aisha Khan"]
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute("UPDATE standings SET until_at = from_at WHERE area = %s AND why = 'contact'", [LUTON])
    assert names(town, "Khan", "Lars") == ["Aisha Khan"]
    assert names(town, "bb2 2bb", "Lars") == []


def test_a_number_that_a_team_added(town, people):
    with walls.transaction(town.by("Nia")), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO details (person_id, kind, value, source, added_at, added_by, team_id)"
            " SELECT person_id, 'phone', '+44 7700 900199', 'The neighbour', %s, %s, team_id FROM traces WHERE id = %s",
            [NOW, town.users["Nia"].pk, people["adam"]],
        )
    search.catch_up(by=SEARCH, now=NOW)
    assert names(town, "07700900199") == ["Adam Khan"]


def test_a_person_has_one_line_with_the_traces_closed_ones_last(town, people):
    with walls.transaction(SWEEP), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE traces SET closed_at = %s, outcome = 'not_reached', queued = false WHERE id = %s",
            [NOW, people["aisha"]],
        )
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO traces (ref, shard, reason, person_id, case_id, authority, team_id, area, owned_since,"
            " created_at, why, priority, due_at, due_why, queued, phone)"
            " SELECT %s, 0, 'case', person_id, case_id, authority, team_id, area, %s, %s, '', 5, %s, '', true, ''"
            " FROM traces WHERE id = %s",
            [reference(900), NOW, NOW, NOW, people["aisha"]],
        )
    search.catch_up(by=SEARCH, now=NOW)
    (hit,) = find(scope=town.by("Nia"), text="9990000018", now=NOW).hits
    assert [(trace.ref, trace.closed) for trace in hit.traces] == [
        (reference(900), False),
        (row(people["aisha"], "ref")[0], True),
    ]


def test_each_search_is_logged_without_its_words(town, people):
    find(scope=town.by("Nia"), text="Khan BB2 2BB", now=NOW)
    find(scope=town.by("Nia"), text="Nobody", now=NOW)
    assert [(user, opened, detail) for user, opened, _, _, detail in events("people.searched")] == [
        (town.users["Nia"].pk, True, {"by": ["postcode", "name"], "found": 1}),
        (town.users["Nia"].pk, False, {"by": ["name"], "found": 0}),
    ]


def test_there_are_more_than_are_shown(town, monkeypatch):
    for number in range(4):
        called(town, f"Ann{number}", "Lee")
    search.catch_up(by=SEARCH, now=NOW)
    monkeypatch.setattr("ringfence.queries.search.MOST", 3)
    found = find(scope=town.by("Nia"), text="Lee", now=NOW)
    assert (len(found.hits), found.more) == (3, True)


def test_everybody_is_caught_up_once(town, monkeypatch):
    monkeypatch.setattr(search, "AT_ONCE", 2)
    for _ in range(5):
        town.trace()
    assert search.catch_up(by=SEARCH, now=NOW) == 5
    assert search.catch_up(by=SEARCH, now=NOW + MINUTE) == 0
    assert [detail["people"] for *_, detail in events("search.caught_up")] == [2, 2, 1]


def test_the_pool_finds_those_without_an_authority(town):
    called(town, "Ann", "Lee", None)
    search.catch_up(by=SEARCH, now=NOW)
    assert work.claim(team=town.team("pool", ENGLAND), by=town.by("Pat"), now=NOW) is not None
    assert names(town, "Lee", "Pat") == ["Ann Lee"]
    assert names(town, "Lee") == []
