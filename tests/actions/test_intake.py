"""Line lists into the record: what each row becomes, and that every row becomes something."""

import gzip
import io
from datetime import date, timedelta

import pytest
from django.db import connection, transaction

from ringfence.accounts import walls
from ringfence.actions import intake, sources, work
from ringfence.actions.errors import Invalid, NotFound
from ringfence.feeds.linelist import SourceMapping
from ringfence.queries.deliveries import receipt
from ringfence.rules.access import Refused
from ringfence.simulation.linelists import test_number as number_of
from tests.deliveries import NOW, counts, deliver, events, line, problems, receive, record, select, sheet
from tests.town import BLACKBURN, ENGLAND, HOUR, INTAKE, LEICESTER, LUTON, START, SWEEP

DAY = 24 * HOUR

pytestmark = pytest.mark.usefixtures("afterwards_as_before")


@pytest.fixture(scope="module")
def town(django_db_blocker, country):
    """The country, built once; each test's own changes are rolled back."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield country.restore()
        transaction.set_rollback(True)


@pytest.fixture
def afterwards_as_before(town, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_a_positive_opens_a_case_and_its_trace(town):
    got = deliver(sheet(line("S1", "Ann", Phone="07700 900001"), line("S2", "Cat"), line("S3", "Dan")))
    assert (got.rows, got.accepted, got.duplicate, got.quarantined, got.positives, got.cases_opened) == (
        3,
        3,
        0,
        0,
        3,
        3,
    )
    assert got.balances and got.status == "done" and problems() == []
    teams = {who: (team, phone) for who, _, _, team, _, _, phone, _ in record()["traces"]}
    assert teams == {
        "Ann Lee 1985-03-04": (town.team("national"), "07700900001"),
        "Cat Day 1990-12-31": (town.team("local", LUTON), ""),
        "Dan Day 2015-06-01": (town.team("national", LEICESTER), ""),
    }
    assert events("case.opened") == 3
    assert (events("delivery.received"), events("delivery.batch"), events("delivery.done")) == (1, 1, 1)


def test_without_a_known_authority_it_is_the_pool_s(town):
    deliver(sheet(line("S1", "Ann", Postcode="ZZ99 9ZZ"), line("S2", "Dan", Postcode="nowhere")))
    assert [row[2:4] for row in record()["traces"]] == [("", town.team("pool", "E92000001"))] * 2


@pytest.mark.parametrize("result", ["Negative", "Void"])
def test_a_negative_or_void_opens_nothing_and_creates_nobody(result):
    got = deliver(sheet(line("S1", "Ann", result=result), line("S2", "Bob", result=result)))
    assert (got.accepted, got.positives, got.cases_opened) == (2, 0, 0)
    assert counts() == {"people": 0, "standings": 0, "results": 2, "cases": 0, "traces": 0, "quarantines": 0}


@pytest.mark.parametrize("result", ["Negative", "Void"])
def test_a_negative_or_void_joins_somebody_known(result):
    deliver(sheet(line("S1", "Ann")))
    before = {name: rows for name, rows in record().items() if name != "results"}
    deliver(sheet(line("S2", "Ann", result=result, Phone="07700 900009"), line("S3", "Bob", result=result)))
    assert [row[6:] for row in record()["results"]] == [
        ("Ann Lee 1985-03-04", 1),
        ("Ann Lee 1985-03-04", None),
        (None, None),
    ]
    assert {name: rows for name, rows in record().items() if name != "results"} == before


@pytest.mark.parametrize(
    ("days", "cases"),
    [
        ([0, 90], [(1, 0, 90)]),
        ([0, 91], [(1, 0, 0), (2, 91, 91)]),
        ([0, 90, 180], [(1, 0, 180)]),
        ([0, 90, 181], [(1, 0, 90), (2, 181, 181)]),
        ([90, 0], [(1, 0, 90)]),
        ([91, 0], [(1, 91, 91), (2, 0, 0)]),
        ([0, 200, 110], [(1, 0, 0), (2, 110, 200)]),
        ([5, 5, 5], [(1, 5, 5)]),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_episodes(days, cases, together):
    begin = date(2026, 4, 1)
    rows = [line(f"S{n}", "Ann", on=(begin + timedelta(day)).isoformat()) for n, day in enumerate(days)]
    for part in [rows] if together else [[row] for row in rows]:
        deliver(sheet(*part))
    found = [
        (episode, (first - begin).days, (last - begin).days) for _, episode, first, last, _, _ in record()["cases"]
    ]
    assert found == cases
    assert [row[7] for row in sorted(record()["results"])] and len(record()["traces"]) == 1
    # One open trace: the later episode is pursued in it.
    # One open trace, which pursues the later episode.
    assert record()["traces"][0][1] == max(cases, key=lambda case: case[1])[0]


def test_a_reinfection_after_the_trace_was_closed_is_traced_anew():
    deliver(sheet(line("S1", "Ann", on="2026-05-01")))
    close_as_reached()
    deliver(sheet(line("S2", "Ann", on="2026-11-14"), line("S3", "Ann", on="2026-11-15")))
    assert sorted((row[1], row[7]) for row in record()["traces"]) == [(1, False), (2, True)]


def test_the_nhs_number_comes_first():
    deliver(sheet(line("S1", "Ann")))
    deliver(sheet(line("S2", "Ann", Given_name="Anne", Postcode="LU1 1AA", Date_of_birth="1985-04-03")))
    assert counts()["people"] == 1 and counts()["cases"] == 1


def test_then_exactly_the_same_name_birth_date_and_postcode():
    deliver(sheet(line("S1", "Cat")))
    deliver(
        sheet(
            line("S2", "Cat", Given_name="CAT", Postcode="lu11aa"),
            line("S3", "Cat", Given_name="Kat"),
            line("S4", "Cat", Date_of_birth="1990-12-30"),
            line("S5", "Cat", Postcode="BB1 1AA"),
        )
    )
    assert counts()["people"] == 4
    of = {row[1]: row[6] for row in record()["results"]}
    assert of["S1"] == of["S2"] == "Cat Day 1990-12-31"


def test_two_nhs_numbers_are_two_people_whatever_else_is_the_same():
    deliver(sheet(line("S1", "Ann"), line("S2", "Ann", NHS_number=number_of(9))))
    assert counts()["people"] == 2


@pytest.mark.parametrize("together", [True, False])
def test_a_number_that_comes_later_is_kept(together):
    rows = [
        line("S1", "Cat"),
        line("S2", "Cat", NHS_number=number_of(7)),
        line("S3", "Cat", NHS_number=number_of(7), Postcode="BB1 1AA"),
    ]
    for part in [rows] if together else [[row] for row in rows]:
        deliver(sheet(*part))
    assert [row[1] for row in record()["people"]] == [number_of(7)]
    assert counts()["cases"] == 1


@pytest.mark.parametrize("together", [True, False])
def test_what_several_rows_tell_is_kept_together(together):
    rows = [
        line("S1", "Ann", on="2026-11-13", Address="1 High Street"),
        line("S2", "Ann", on="2026-11-14", Phone="07700 900001"),
        line("S3", "Ann", on="2026-11-15", **{"E-mail": "ann@example.org"}),
        line("S4", "Ann", on="2026-11-15", Care_home="Y"),
    ]
    for part in [rows] if together else [[row] for row in rows]:
        deliver(sheet(*part))
    assert record()["people"][0][3:] == ("07700900001", "ann@example.org", "1 High Street", True)


def test_what_is_learnt_of_somebody_waiting_reaches_the_trace():
    deliver(sheet(line("S1", "Ann")))
    deliver(sheet(line("S2", "Ann", Phone="07700 900001")))
    assert record()["traces"][0][6] == "07700900001"


def test_a_move_ends_one_standing_and_begins_another():
    deliver(sheet(line("S1", "Ann")))
    deliver(sheet(line("S2", "Ann", Postcode="LU1 1AA")), now=NOW + DAY)
    standings = {row[1:] for row in record()["standings"]}
    assert {(BLACKBURN, "lives", False), (LUTON, "lives", True)} <= standings
    assert record()["people"][0][2] == "LU1 1AA"
    history = select_history("postcode")
    assert history == ["BB1 1AA"]
    # The case stays where it was opened, and those who work it still know whom they call.
    assert record()["cases"][0][4] == BLACKBURN
    assert (BLACKBURN, "lived", True) in standings


def placed():
    return select(
        "SELECT t.authority, t.area, k.kind, n.area, f.area, t.owned_since, t.handovers, t.queued, t.due_at,"
        " t.passes_to_id IS NOT NULL FROM traces t JOIN teams k ON k.id = t.team_id"
        " LEFT JOIN teams n ON n.id = t.national_team_id LEFT JOIN teams f ON f.id = t.from_team_id"
    )


def history():
    with walls.transaction(SWEEP), connection.cursor() as cursor:
        cursor.execute(
            "SELECT f.area, f.kind, h.since, n.area, n.kind, h.at, h.reason FROM handovers h"
            " JOIN teams f ON f.id = h.from_team_id JOIN teams n ON n.id = h.to_team_id ORDER BY h.trace_id, h.seq"
        )
        return cursor.fetchall()


def test_an_open_trace_follows_the_person():
    """From Blackburn's national team to Luton, whose local team works cases from the start, and on to Leicester."""
    deliver(sheet(line("S1", "Ann")))
    assert placed()[0][:3] == (BLACKBURN, BLACKBURN, "national")
    deliver(sheet(line("S2", "Ann", Postcode="LU1 1AA")), now=NOW + DAY)
    ((authority, area, kind, national, before, since, moves, queued, _, passes),) = placed()
    assert (authority, area, kind, national, before) == (LUTON, LUTON, "local", LUTON, BLACKBURN)
    assert (since, moves, queued, passes) == (NOW + DAY, 1, True, False)
    deliver(sheet(line("S3", "Ann", Postcode="LE1 1AA")), now=NOW + 2 * DAY)
    ((authority, _, kind, _, before, since, moves, _, due, _),) = placed()
    assert (authority, kind, before, moves) == (LEICESTER, "national", LUTON, 2)
    assert due == NOW + DAY, "the clock runs on from the day they were transferred"
    assert history() == [
        (BLACKBURN, "national", NOW, LUTON, "local", NOW + DAY, "moved"),
        (LUTON, "local", NOW + DAY, LEICESTER, "national", NOW + 2 * DAY, "moved"),
    ]
    assert events("trace.moved") == 2 and problems() == []
    # The case stays with the authority in which it was opened.
    assert record()["cases"][0][4] == BLACKBURN


def test_a_trace_in_the_pool_goes_to_the_authority_that_a_better_postcode_gives(town):
    deliver(sheet(line("S1", "Ann", Postcode="nowhere")))
    assert record()["traces"][0][3] == town.team("pool", ENGLAND)
    deliver(sheet(line("S2", "Ann")))
    assert record()["traces"][0][2:4] == (BLACKBURN, town.team("national"))
    assert record()["traces"][0][5] == NOW + DAY


def test_a_trace_moves_within_the_delivery_that_opened_it():
    deliver(sheet(line("S1", "Ann"), line("S2", "Ann", Postcode="LE1 1AA")))
    assert placed()[0][:3] == (LEICESTER, LEICESTER, "national")
    assert [row[-1] for row in history()] == ["moved"]


def test_a_trace_that_somebody_has_open_and_one_that_is_closed_stay(town):
    deliver(sheet(line("S1", "Ann"), line("S2", "Bob")))
    nia = town.by("Nia", NOW)
    work.claim(team=town.team("national"), by=nia, now=NOW)
    claimed = select(
        "SELECT p.given_name FROM traces t JOIN people p ON p.id = t.person_id WHERE claimed_by IS NOT NULL"
    )
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE traces SET closed_at = %s, outcome = 'not_reached', queued = false WHERE claimed_by IS NULL", [NOW]
        )
    deliver(sheet(*(line(f"T{who}", who, Postcode="LE1 1AA") for who in ("Ann", "Bob"))), now=NOW + HOUR)
    assert [row[0] for row in placed()] == [BLACKBURN, BLACKBURN] and len(claimed) == 1
    assert history() == []


def close_without_details():
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute("UPDATE traces SET closed_at = %s, outcome = 'no_details', queued = false", [NOW])


def close_as_reached():
    with walls.transaction(INTAKE), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE traces SET closed_at = %s, outcome = 'reached', queued = false, reached_at = %s,"
            " reached_by_kind = 'national' WHERE closed_at IS NULL",
            [NOW, NOW],
        )


def test_a_number_opens_a_trace_again_that_was_closed_for_want_of_one():
    deliver(sheet(line("S1", "Ann")))
    close_without_details()
    deliver(sheet(line("S2", "Ann", Address="1 High Street")), now=NOW + HOUR)
    assert select("SELECT outcome FROM traces") == [("no_details",)]
    deliver(sheet(line("S3", "Ann", Phone="07700 900001")), now=NOW + HOUR)
    assert select("SELECT outcome, closed_at, queued, phone FROM traces") == [("", None, True, "07700900001")]
    assert events("trace.reopened") == 1 and problems() == []


def test_a_trace_of_an_earlier_episode_stays_closed():
    deliver(sheet(line("S1", "Ann", on="2026-06-01")))
    close_without_details()
    deliver(sheet(line("S2", "Ann", Phone="07700 900001")), now=NOW + HOUR)
    assert sorted(select("SELECT outcome, phone FROM traces")) == [("", "07700900001"), ("no_details", "")]


def test_a_move_within_an_authority_ends_no_standing():
    deliver(sheet(line("S1", "Ann")))
    deliver(sheet(line("S2", "Ann", Postcode="BB1 1AB")), now=NOW + DAY)
    assert [row[1:] for row in record()["standings"]] == [(BLACKBURN, "lives", True)]


def test_an_older_result_moves_nobody_back():
    deliver(sheet(line("S1", "Ann", on="2026-11-15", Phone="07700 900001")))
    deliver(
        sheet(line("S2", "Ann", on="2026-10-01", Postcode="LU1 1AA", Phone="07700 900002", Address="1 High Street")),
        now=NOW + DAY,
    )
    person = record()["people"][0]
    assert person[2:4] == ("BB1 1AA", "07700900001")
    assert person[5] == ""  # an address of the place before is no address of this one
    assert [row[1:] for row in record()["standings"]] == [(BLACKBURN, "lives", True)]
    assert record()["cases"][0][2].isoformat() == "2026-10-01"


def test_an_older_result_elsewhere_is_traced_where_they_live(town):
    deliver(sheet(line("S1", "Ann")))
    close_without_details()
    deliver(sheet(line("S2", "Ann", on="2026-05-01", Postcode="LU1 1AA")), now=NOW + DAY)
    _, (authority, area, *_) = sorted(placed(), key=lambda row: row[7])
    assert (authority, area) == (BLACKBURN, BLACKBURN)
    # The case is of those where they lived then, who may know whose it is.
    assert (LUTON, "lived", True) in [row[1:] for row in record()["standings"]]


def test_also_of_whom_only_the_practice_says_where_that_is(town):
    deliver(sheet(line("S1", "Ann", Postcode="LE1 9ZZ", GP_postcode="LE1 1AA")))
    close_without_details()
    deliver(sheet(line("S2", "Ann", on="2026-05-01", Postcode="LU1 1AA")), now=NOW + DAY)
    assert [row[0] for row in placed() if row[7]] == [LEICESTER]


def test_a_result_without_a_place_is_traced_where_they_are_known_to_live(town):
    deliver(sheet(line("S1", "Ann", on="2026-05-01")))
    close_without_details()
    deliver(sheet(line("S2", "Ann", Postcode="")), now=NOW + DAY)
    assert [row[0] for row in placed() if row[7]] == [BLACKBURN]


def test_a_new_trace_has_the_number_that_is_known():
    deliver(sheet(line("S1", "Ann", on="2026-05-01", Phone="07700 900001")))
    close_as_reached()
    deliver(sheet(line("S2", "Ann", Phone="")), now=NOW + DAY)
    assert [row[6] for row in record()["traces"]] == ["07700900001"] * 2


def test_a_trace_that_a_number_opens_again_goes_where_they_live_now(town):
    deliver(sheet(line("S1", "Ann")))
    close_without_details()
    deliver(sheet(line("S2", "Ann", Postcode="LE1 1AA")), now=NOW + HOUR)
    deliver(sheet(line("S3", "Ann", Postcode="LE1 1AA", Phone="07700 900001")), now=NOW + DAY)
    assert [(row[0], row[7]) for row in placed()] == [(LEICESTER, True)]


def test_two_numbers_that_one_list_brings_are_both_heeded(town):
    deliver(sheet(line("S1", "Ann", on="2026-05-01")))
    close_as_reached()
    deliver(sheet(line("S2", "Ann", on="2026-11-14")), now=NOW + HOUR)
    close_without_details()
    rows = line("S3", "Ann", Phone="07700 900001"), line("S4", "Ann", on="2026-05-02", Phone_2="07700 900002")
    deliver(sheet(*rows), now=NOW + DAY)
    assert sorted((row[1], row[7]) for row in record()["traces"]) == [(1, False), (2, True)]


def test_where_two_rows_of_a_list_move_somebody_the_last_one_that_is_listed_counts(town):
    deliver(sheet(line("S1", "Ann")))
    deliver(sheet(line("S2", "Ann", Postcode="LU1 1AA"), line("S3", "Ann", Postcode="LU1 9ZZ")), now=NOW + DAY)
    assert [row[0] for row in placed()] == [LUTON]
    assert (LUTON, "lives", True) in [row[1:] for row in record()["standings"]]


def test_the_same_file_twice_changes_nothing():
    data = sheet(line("S1", "Ann"), line("S2", "Bob", result="Negative"), line("", "Cat"))
    first = deliver(data)
    before = record()
    again = deliver(data, now=NOW + DAY, source="Another", filename="other.csv")
    assert again.again and again.ref == first.ref and again.source == "Lab"
    assert record() == before and len(select("SELECT 1 FROM deliveries")) == 1


def test_overlapping_files():
    deliver(sheet(*(line(f"S{n}", "Ann", result="Negative") for n in range(10))))
    got = deliver(sheet(*(line(f"S{n}", "Ann", result="Negative") for n in range(5, 15))))
    assert (got.rows, got.accepted, got.duplicate) == (10, 5, 5)
    assert counts()["results"] == 15 and problems() == []


def test_the_same_specimen_twice_in_a_file():
    got = deliver(sheet(line("S1", "Ann"), line("S1", "Ann"), line("S2", "Ann")))
    assert (got.rows, got.accepted, got.duplicate, got.cases_opened) == (3, 2, 1, 1)


@pytest.mark.parametrize("together", [True, False])
def test_a_known_specimen_with_another_result_is_not_lost(together):
    rows = [line("S1", "Ann", result="Void"), line("S1", "Ann"), line("S2", "Bob")]
    got = [deliver(sheet(*part)) for part in ([rows] if together else [rows[:1], rows[1:]])][-1]
    assert (got.duplicate, got.quarantined, got.accepted) == (0, 1, 2 if together else 1)
    assert record()["quarantines"][0][2:4] == (
        "result",
        "is positive of 2026-11-15, where the record has this specimen as void of 2026-11-15: ask the laboratory which "
        "is right",
    )
    assert problems() == []


def test_a_specimen_number_used_again_is_not_lost():
    deliver(sheet(line("S1", "Ann", on="2026-04-01")))
    assert deliver(sheet(line("S1", "Bob"))).quarantined == 1
    assert "is positive of 2026-11-15" in record()["quarantines"][0][3]


def test_specimens_of_two_laboratories_are_two():
    assert deliver(sheet(line("S1", "Ann"))).accepted == 1
    assert deliver(sheet(line("S1", "Bob")), source="Another").accepted == 1


def test_bad_rows_are_set_aside_and_good_ones_proceed():
    data = sheet(
        line("S1", "Ann"),
        line("", "Bob"),
        line("S3", "Bob", on="2026-11-18"),
        line("S4", "Bob", NHS_number="9990000019"),
        line("S5", "Bob"),
    )
    data += b'too,few\r\n"S7,a quotation mark left open\r\n\r\n' + sheet(line("S9", "Cat")).split(b"\r\n")[1] + b"\r\n"
    got = deliver(data)
    assert (got.rows, got.accepted, got.quarantined) == (8, 3, 5)
    assert [(number, field) for _, number, field, _, _ in sorted(record()["quarantines"])] == [
        (3, "specimen_id"),
        (4, "specimen_date"),
        (5, "nhs_number"),
        (7, "row"),
        (8, "row"),
    ]
    assert sorted(record()["quarantines"])[3][4] == "too,few"
    assert problems() == []


def test_a_backslash_is_a_sign_like_any_other():
    strange = {"Given_name": "Ann\\N", "Address": "\\N", "Phone": "07700 900001"}
    deliver(sheet(line("S\\1", "Ann", **strange)), source="Lab\\t")
    assert select("SELECT given_name, address FROM people") == [("Ann\\N", "\\N")]
    assert select("SELECT laboratory, specimen_id FROM results") == [("Lab\\t", "S\\1")]


def test_a_row_with_a_nul_is_set_aside():
    got = deliver(sheet(line("S1", "Ann"), line("S2", "Bob", Address="1\0High Street")))
    assert (got.accepted, got.quarantined) == (1, 1)


ENCODINGS = {
    "utf-8": lambda data: data,
    "utf-8-sig": lambda data: b"\xef\xbb\xbf" + data,
    "utf-16": lambda data: data.decode().encode("utf-16"),
    "cp1252": lambda data: data.decode().encode("cp1252"),
    "gzip utf-8": gzip.compress,
    "utf-16-le": lambda data: data.decode().encode("utf-16-le"),
    "utf-16-be": lambda data: data.decode().encode("utf-16-be"),
    "gzip utf-16-le": lambda data: gzip.compress(data.decode().encode("utf-16-le")),
    "gzip utf-16": lambda data: gzip.compress(data.decode().encode("utf-16")),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings(encoding):
    got = deliver(ENCODINGS[encoding](sheet(line("S1", "Ann", Family_name="Müller"))))
    assert (got.encoding, got.accepted) == (encoding, 1)
    assert record()["people"][0][0] == "Ann Müller 1985-03-04"
    assert any("Windows-1252" in warning for warning in got.warnings) == (encoding == "cp1252")


def test_a_line_that_names_the_separator_is_a_line_of_the_file_and_no_row():
    rows = sheet(line("S1", "Ann"), line("S2", "Bob", on="never")).decode().replace(",", ";")
    got = deliver(f"sep=;\r\n{rows}".encode())
    assert (got.rows, got.accepted, got.quarantined, got.balances) == (2, 1, 1, True)
    assert select("SELECT row_number FROM quarantines") == [(4,)], "after that line, the header and the first row"
    got = deliver(b"sep=#\n" + sheet(line("S3", "Cat")))
    assert (got.status, got.rows) == ("refused", 0)
    assert "ask for the file with one of them" in got.refusal


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"\n \n", "nothing but empty lines"),
        (b"PK\x03\x04...", "Excel workbook"),
        (gzip.compress(b"PK\x03\x04...", mtime=0), "Excel workbook"),
        (gzip.compress(sheet(), mtime=0)[:-5], "cut off"),
        (b"a,b\n1,2\n", "not a line list"),
        (b'"a,b\n1,2\n', "never closed"),
    ],
    ids=["empty", "blank", "workbook", "workbook in gzip", "cut off", "other headers", "open quote"],
)
def test_what_is_no_line_list_is_kept_and_refused(data, word):
    got = deliver(data)
    assert got.status == "refused" and word in got.refusal
    assert set(counts().values()) == {0}
    assert problems() == []
    assert intake.process(delivery=got.ref, by=INTAKE, now=NOW).status == "refused"


def test_pieces_of_any_size_are_the_same_delivery():
    data = sheet(line("S1", "Ann"))
    first = receive(gzip.compress(data, mtime=0))
    pieces = (bytes([each]) for each in gzip.compress(data, mtime=0))
    again = intake.receive(stream=pieces, source="Lab", by=INTAKE, now=NOW)
    assert again.again and again.ref == first.ref and again.encoding == "gzip utf-8"


def test_a_mapping_of_the_source_is_used():
    data = b"Lab No,Taken,Covid\nS1,11/15/2026,covid:neg\n"
    assert deliver(data).status == "refused"
    headers = {"Lab no": "specimen_id", "Taken": "specimen_date", "Covid": "result"}
    mapping = SourceMapping(headers, True, {"covid:neg": "negative"})
    sources.set_mapping(source=" Lab ", mapping=mapping, by=INTAKE, now=NOW)
    # The bytes came before and were refused; now that they can be read, they are.
    got = deliver(data, source="LAB")
    assert (got.status, got.accepted) == ("done", 1) and not got.again
    assert deliver(data).again and problems() == []


def test_the_sender_s_count():
    data = sheet(line("S1", "Ann"))
    got = intake.receive(stream=io.BytesIO(data), source="Lab", expected_rows=3, by=INTAKE, now=NOW)
    assert (
        "The sender said 3 rows; the file holds 1" in intake.process(delivery=got.ref, by=INTAKE, now=NOW).warnings[0]
    )


def test_telephone_numbers_that_a_spreadsheet_spoilt_are_pointed_out():
    spoilt = "7.7009E+09"
    got = deliver(sheet(line("S1", "Ann", Phone=spoilt), line("S2", "Bob", Phone=""), line("S3", "Cat", Phone=spoilt)))
    assert got.warnings == (
        "The telephone number of 66% of the positive results cannot be one and was left empty. Look at how the file "
        "writes it: a spreadsheet makes 7.7E+09 of it.",
    )
    assert deliver(sheet(line("S4", "Ann", result="Negative", Phone=spoilt), line("S5", "Bob"))).warnings == ()


@pytest.mark.parametrize("last", [0, 1])
def test_spoilt_telephone_numbers_are_counted_in_every_part(town, last):
    phones = ("7.7009E+09", "7.7009E+09", "07700 900001", "07700 900002")
    rows = [
        line(f"S{n}", "Ann", Date_of_birth=f"1980-01-0{n}", Family_name="ABCD"[n - 1] * 3, NHS_number="", Phone=phone)
        for n, phone in enumerate(phones, 1)
    ]
    ref = receive(sheet(*rows)).ref
    first = intake.process(delivery=ref, by=INTAKE, now=NOW, part=1 - last, parts=2)
    assert (first.status, first.warnings) == ("processing", ())
    assert receipt(ref, scope=town.by("Olu"), now=NOW)[0].warnings == ()
    done = intake.process(delivery=ref, by=INTAKE, now=NOW, part=last, parts=2)
    assert (done.status, done.positives) == ("done", 4)
    assert done.warnings[0].startswith("The telephone number of 50% of the positive results")


def test_what_cannot_be_asked_of_intake():
    with pytest.raises(Invalid, match="1 to 60 characters"):
        receive(b"x", source=" ")
    with pytest.raises(NotFound):
        intake.process(delivery="DAAA-AAA", by=INTAKE, now=NOW)
    ref = receive(sheet(line("S1", "Ann"))).ref
    for part, parts in ((0, 0), (1, 1), (-1, 2), (0, 17)):
        with pytest.raises(Invalid, match="1 to 16 parts"):
            intake.process(delivery=ref, by=INTAKE, now=NOW, part=part, parts=parts)
    intake.process(delivery=ref, by=INTAKE, now=NOW, part=1, parts=2)
    with pytest.raises(Invalid, match="being read in 2 parts"):
        intake.process(delivery=ref, by=INTAKE, now=NOW)
    assert problems() and "half read" in problems()[0]
    assert intake.process(delivery=ref, by=INTAKE, now=NOW, part=0, parts=2).status == "done"
    assert problems() == []


def test_nothing_is_allocated_without_teams(town):
    from ringfence.accounts.models import Team
    from ringfence.queries.allocation import NotEstablished

    Team.objects.filter(kind="pool").update(closed_at=START)
    with pytest.raises(NotEstablished, match="partnerships establish"):
        deliver(sheet(line("S1", "Ann")))


def test_a_row_in_quarantine_is_settled(town):
    from ringfence.queries import deliveries

    deliver(sheet(line("", "Ann")))
    olu = town.by("Olu")
    (row,), more, total, _ = deliveries.quarantine(scope=olu, now=NOW)
    assert (row.row_number, row.field, row.settled_at, more, total) == (2, "specimen_id", None, False, 1)
    with pytest.raises(Invalid):
        intake.settle(quarantine=row.id, settlement=" ", by=olu, now=NOW)
    with pytest.raises(Refused):
        intake.settle(quarantine=row.id, settlement="sent again", by=town.by("Nia"), now=NOW)
    intake.settle(quarantine=row.id, settlement="sent again", by=olu, now=NOW)
    with pytest.raises(NotFound):
        intake.settle(quarantine=row.id, settlement="sent again", by=olu, now=NOW)
    assert deliveries.quarantine(scope=olu, now=NOW) == ((), False, 0, False)
    (settled,), *_ = deliveries.quarantine(scope=olu, now=NOW, settled=True)
    assert settled.settlement == "sent again"
    assert events("quarantine.settled") == 1 and problems() == []


def select_history(column):
    """Former values of people, which no scope of intake may read: asked as somebody of the area."""
    from django.db import connection

    from ringfence.accounts import walls
    from ringfence.rules.access import Scope

    with walls.transaction(Scope("person", 1, standing=(BLACKBURN, LUTON))), connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM people_history ORDER BY history_id")
        return [row[0] for row in cursor.fetchall()]
