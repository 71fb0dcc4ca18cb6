"""Files longer than what a spreadsheet program holds: every row is there."""

import threading
from datetime import date

import pytest

from ringfence.actions import intake
from ringfence.simulation import linelists
from tests.deliveries import NOW, problems, select
from tests.town import INTAKE

pytestmark = pytest.mark.usefixtures("real_town")


def read(count, positive):
    """A line list of ``count`` rows and one that is bad, read."""

    def pieces():
        rows = linelists.rows(count, positive=positive, postcodes=["BB1 1AA", "LE1 1AA"], seed=1, on=date(2026, 11, 15))
        yield from linelists.text(rows)
        yield b"the last row is bad\r\n"

    got = intake.receive(stream=pieces(), source="Lab", expected_rows=count + 1, by=INTAKE, now=NOW)
    return intake.process(delivery=got.ref, by=INTAKE, now=NOW)


def balances(got, count):
    assert (got.status, got.rows, got.accepted, got.duplicate, got.quarantined) == ("done", count + 1, count, 0, 1)
    assert got.warnings == ()
    assert select("SELECT count(*), min(row_number), max(row_number) FROM results") == [(count, 2, count + 1)]
    assert problems() == []


def test_one_row_more_than_an_old_spreadsheet_holds():
    balances(read(65_537, 0.01), 65_537)


def test_a_reader_that_is_stopped_leaves_no_thread_behind():
    class Stopped(Exception):
        pass

    def stop(rows):
        raise Stopped

    rows = linelists.rows(30_000, positive=0.01, postcodes=["BB1 1AA"], seed=2, on=date(2026, 11, 15))
    got = intake.receive(stream=linelists.text(rows), source="Lab", by=INTAKE, now=NOW)
    with pytest.raises(Stopped):
        intake.process(delivery=got.ref, by=INTAKE, now=NOW, progress=stop)
    assert not [each for each in threading.enumerate() if each.name.startswith("intake")]
    assert 0 < select("SELECT rows FROM delivery_parts")[0][0] < 30_000


@pytest.mark.nightly
def test_one_row_more_than_a_spreadsheet_holds():
    balances(read(1_048_577, 0.05), 1_048_577)
