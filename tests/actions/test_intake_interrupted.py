"""Readers that are killed, lose the database or meet one another: nothing is lost, doubled or half done."""

import re
from random import Random
from threading import Thread

import psycopg
import pytest
from django.db import DatabaseError, InterfaceError, connection, connections, transaction

from ringfence.actions import intake
from ringfence.cli import receiving
from ringfence.simulation.linelists import test_number as number_of
from tests.deliveries import NOW, deliver, events, line, problems, receive, record, select, sheet, wave
from tests.dying import Apart, apart
from tests.together import together
from tests.town import INTAKE

pytestmark = pytest.mark.usefixtures("real_town")


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """Many batches in a small file."""
    monkeypatch.setattr(intake, "CHUNK", 4096)


def spoilt(data):
    """Half of the telephone numbers as a spreadsheet writes them, so that the receipt tells how many they are."""
    return re.sub(rb",0\d{9}[0-4],", b",7.7E+09,", data)


def warnings():
    """What the receipts tell, each once."""
    return select("SELECT DISTINCT warnings FROM deliveries")


def undisturbed(data):
    """What the record holds after one process has read the delivery in peace; then it is as it was."""
    with transaction.atomic():
        deliver(data)
        found = record() | {"warnings": warnings()}
        transaction.set_rollback(True)
    return found


def agrees(expected):
    """The record is what it would be without any disturbance, and every count is right."""
    found = record() | {"warnings": warnings()}
    for name, rows in expected.items():
        assert found[name] == rows, name
    assert problems() == []
    assert events("case.opened") == len(expected["cases"])
    assert len({row[0] for row in found["traces"]}) == len(found["traces"])


class Sessions:
    """Ends this process's session in the database at a statement, as an administrator or a crash would."""

    def __init__(self, admin):
        self.admin, self.at, self.done = admin, 0, 0

    def __call__(self, execute, sql, params, many, context):
        self.done += 1
        if self.done == self.at:
            pid = connection.connection.info.backend_pid
            self.admin.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
        return execute(sql, params, many, context)


def read_with_ends(database, ref, random, most):
    """Read a delivery while the session is ended again and again; how often it was."""
    ended = 0
    with psycopg.connect(database.server.admin(), autocommit=True) as admin:
        for _ in range(1000):
            sessions = Sessions(admin)
            sessions.at = random.randrange(1, most)
            try:
                with connection.execute_wrapper(sessions):
                    receipt = intake.process(delivery=ref, by=INTAKE, now=NOW)
            except (DatabaseError, InterfaceError):
                ended += 1
                connection.close()
                assert all("half read" in each or "not read yet" in each for each in problems())
            else:
                assert receipt.status == "done"
                return ended
    raise AssertionError("a thousand processes did not get to the end")


def test_the_database_ends_the_session_again_and_again(django_db_setup):
    data = wave(60)
    expected = undisturbed(data)
    ended = read_with_ends(django_db_setup, receive(data).ref, Random(1), 80)
    assert ended >= 3
    agrees(expected)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(20))
def test_the_database_ends_the_session_hundreds_of_times(django_db_setup, seed):
    data = wave(600, seed)
    expected = undisturbed(data)
    # A process asks up to 53 statements before the first batch of its own is in the record.
    assert read_with_ends(django_db_setup, receive(data).ref, Random(seed), 80 + 5 * seed) >= 5
    agrees(expected)


def reader(ref, part=0, parts=1):
    """What a process reads; how it ended."""
    return lambda: receiving.read(ref, part, parts, lambda rows: None, lambda: NOW).status


def read_with_kills(ref, kills):
    for at in kills:
        code, status = apart(reader(ref), at)
        assert (code, status) in ((-9, None), (0, "done"))
        if code == 0:
            return
    assert apart(reader(ref)) == (0, "done")


def test_a_reader_is_killed_and_another_goes_on():
    data = spoilt(wave(120))
    expected = undisturbed(data)
    assert "The telephone number of" in str(expected["warnings"])
    ref = receive(data).ref
    # Before it says how far it came, and somewhere.
    read_with_kills(ref, ("UPDATE delivery_parts SET next_row", 70))
    agrees(expected)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(10))
def test_a_reader_is_killed_many_times(seed):
    data = wave(600, seed)
    expected = undisturbed(data)
    ref = receive(data).ref
    random = Random(seed)
    read_with_kills(ref, (random.randrange(1, 150) for _ in range(15)))
    agrees(expected)


def test_two_processes_read_what_one_would():
    data = wave(400)
    expected = undisturbed(data)
    ref = receive(data).ref
    ended = [each.end() for each in [Apart(reader(ref, part, 2)) for part in (0, 1)]]
    assert [code for code, _ in ended] == [0, 0] and "done" in [status for _, status in ended]
    agrees(expected)
    assert [each[0] > 0 for each in select("SELECT rows FROM delivery_parts")] == [True, True]


def test_the_same_bytes_from_four_at_once_are_one_delivery():
    data = wave(200)
    got = together(*[lambda: receive(data)] * 4)
    assert len({each.ref for each in got}) == 1
    assert sorted(each.again for each in got) == [False, True, True, True]
    assert len(select("SELECT 1 FROM deliveries")) == 1


def test_one_delivery_read_by_three_at_once():
    data = wave(200)
    expected = undisturbed(data)
    ref = receive(data).ref
    got = together(*[lambda: intake.process(delivery=ref, by=INTAKE, now=NOW)] * 3)
    assert all(isinstance(each, intake.Busy) or each.status == "done" for each in got)
    assert any(not isinstance(each, intake.Busy) for each in got)
    agrees(expected)


def met(database, first, second):
    """Two deliveries are read at once, so that each has decided before either has committed."""
    refs = [receive(sheet(row)).ref for row in (first, second)]
    where = database.server.admin(database.name)
    with psycopg.connect(where) as admin, psycopg.connect(where, autocommit=True) as watch:

        def waiting(count):
            while watch.execute(WAITING).fetchone() != (count,):
                assert all(each is None for each in gave)

        gave = [None, None]
        with admin.transaction():
            # Each batch ends with its audit event: there they stop.
            admin.execute("LOCK TABLE audit.events IN EXCLUSIVE MODE")
            threads = []
            for place, ref in enumerate(refs):
                threads.append(Thread(target=process, args=(ref, gave, place)))
                threads[-1].start()
                waiting(place + 1)
        for thread in threads:
            thread.join()
    assert [each.status for each in gave] == ["done", "done"]
    assert problems() == []


#: A short while from now, so that asking again and again leaves the processors to those who are waited for.
WAITING = (
    "SELECT count(*) FROM pg_sleep(0.01), pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def process(ref, gave, place):
    try:
        gave[place] = intake.process(delivery=ref, by=INTAKE, now=NOW)
    except Exception as problem:
        gave[place] = problem
    finally:
        connections.close_all()


@pytest.mark.parametrize("who", ["Ann", "Cat"])
def test_two_deliveries_meet_the_same_new_person(django_db_setup, who):
    met(django_db_setup, line("S1", who), line("S2", who))
    found = record()
    assert [len(found[name]) for name in ("people", "cases", "traces", "results")] == [1, 1, 1, 2]


@pytest.mark.parametrize("first", [0, 1])
def test_two_deliveries_meet_the_same_new_person_once_with_a_number(django_db_setup, first):
    rows = [line("S1", "Ann"), line("S2", "Ann", NHS_number="")]
    met(django_db_setup, rows[first], rows[1 - first])
    found = record()
    assert [len(found[name]) for name in ("people", "cases", "traces", "results")] == [1, 1, 1, 2]
    assert found["people"][0][1] == number_of(0)


def test_two_deliveries_tell_something_of_the_same_person(django_db_setup):
    deliver(sheet(line("S0", "Ann", on="2026-10-01")))
    met(django_db_setup, line("S1", "Ann", Phone="07700 900001"), line("S2", "Ann", **{"E-mail": "ann@example.org"}))
    assert select("SELECT phone, email FROM people") == [("07700900001", "ann@example.org")]


def test_two_deliveries_bring_two_numbers_for_the_same_person(django_db_setup):
    deliver(sheet(line("S0", "Cat", on="2026-10-01")))
    met(django_db_setup, *(line(f"S{n}", "Cat", NHS_number=number_of(n)) for n in (5, 6)))
    assert {row[1] for row in record()["people"]} == {number_of(5), number_of(6)}
    assert {row[6] for row in record()["results"]} == {"Cat Day 1990-12-31"} and len(record()["cases"]) == 2


@pytest.mark.parametrize("first", [0, 1])
def test_the_newer_of_two_deliveries_says_where_somebody_lives(django_db_setup, first):
    deliver(sheet(line("S0", "Ann", on="2026-11-01")))
    rows = line("S1", "Ann", on="2026-11-15"), line("S2", "Ann", on="2026-11-14", Postcode="LU1 1AA")
    met(django_db_setup, rows[first], rows[1 - first])
    assert record()["people"][0][2] == "BB1 1AA"


def test_two_lists_that_tell_of_the_same_people_row_after_row_both_come_to_their_end(monkeypatch):
    monkeypatch.setattr(intake, "CHUNK", 100)
    deliver(sheet(line("S0", "Ann", on="2026-10-01")))
    lists = [
        sheet(*(line(f"{letter}{n}", "Ann", Phone=f"07700 9{digit}{n:04d}") for n in range(40)))
        for digit, letter in enumerate("AB")
    ]
    refs = [receive(data, filename=f"{n}.csv").ref for n, data in enumerate(lists)]
    got = together(*(lambda ref=ref: intake.process(delivery=ref, by=INTAKE, now=NOW) for ref in refs))
    assert [each.status for each in got] == ["done", "done"]
    assert len(record()["people"]) == 1 and len(record()["results"]) == 81 and problems() == []


def test_a_trace_that_is_closed_while_a_reinfection_is_read_does_not_swallow_it(django_db_setup):
    deliver(sheet(line("S0", "Ann", on="2026-05-01")))
    ref = receive(sheet(line("S1", "Ann", on="2026-11-15"))).ref
    where = django_db_setup.server.admin(django_db_setup.name)
    gave = [None]
    with psycopg.connect(where) as admin, psycopg.connect(where, autocommit=True) as watch:
        with admin.transaction():
            # The trace was found open by then, and is pursued after the results are written.
            admin.execute("LOCK TABLE casework.results IN EXCLUSIVE MODE")
            thread = Thread(target=process, args=(ref, gave, 0))
            thread.start()
            while watch.execute(WAITING).fetchone() != (1,):
                assert gave == [None]
            admin.execute(CLOSE)
        thread.join()
    assert gave[0].status == "done" and gave[0].cases_opened == 1 and problems() == []
    assert sorted((row[1], row[7]) for row in record()["traces"]) == [(1, False), (2, True)]


CLOSE = """
UPDATE casework.traces SET closed_at = now(), queued = false, outcome = 'reached', reached_at = now(), reached_by_kind = 'national'
WHERE closed_at IS NULL
"""


def test_two_deliveries_move_the_same_episode(django_db_setup):
    deliver(sheet(line("S0", "Ann", on="2026-09-01")))
    met(django_db_setup, line("S1", "Ann", on="2026-07-01"), line("S2", "Ann", on="2026-11-01"))
    ((_, episode, first, last, _, _),) = record()["cases"]
    assert (episode, str(first), str(last)) == (1, "2026-07-01", "2026-11-01")


def test_two_deliveries_open_the_same_reinfection(django_db_setup):
    deliver(sheet(line("S0", "Ann", on="2026-05-01")))
    met(django_db_setup, line("S1", "Ann", on="2026-11-01"), line("S2", "Ann", on="2026-11-02"))
    assert [(row[1], str(row[3])) for row in record()["cases"]] == [(1, "2026-05-01"), (2, "2026-11-02")]


def test_two_deliveries_hold_the_same_specimen(django_db_setup):
    met(django_db_setup, line("S1", "Ann"), line("S1", "Ann", Phone="07700 900001"))
    assert sorted(select("SELECT accepted, duplicate FROM deliveries")) == [(0, 1), (1, 0)]


def test_overlapping_deliveries_at_once():
    everybody = ("Ann", "Bob", "Cat", "Dan")
    shared = [line(f"{who}-{day}", who, on=day) for who in everybody for day in ("2026-10-01", "2026-11-15")]
    lists = [
        sheet(*(line(f"{letter}{n}{who}", who) for n in range(40) for who in everybody), *shared) for letter in "ABC"
    ]
    got = together(*(lambda data=data, n=n: deliver(data, filename=f"{n}.csv") for n, data in enumerate(lists)))
    assert [each.status for each in got] == ["done"] * 3
    assert sum(each.accepted for each in got) == len(select("SELECT 1 FROM results"))
    assert problems() == []
    # However they met: nobody was opened twice, each has one case, and the case begins and ends where it should.
    assert len(record()["people"]) == 4
    cases = record()["cases"]
    assert len(cases) == 4 and len(record()["traces"]) == 4
    assert {(str(first), str(last)) for _, _, first, last, _, _ in cases} == {("2026-10-01", "2026-11-15")}
