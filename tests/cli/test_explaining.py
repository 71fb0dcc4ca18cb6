"""A failure on the command line is one line."""

import errno

import psycopg
import pytest
from django.db import DatabaseError, connection

from ringfence.cli import explain, session

FULL = "the disk is full. Make room, then run it again."


def test_a_full_disk_says_what_to_do():
    assert explain(OSError(errno.ENOSPC, "No space left on device")) == FULL
    assert explain(psycopg.errors.DiskFull("could not extend file")) == FULL


@pytest.mark.parametrize(
    ("code", "said", "told"),
    [
        (
            1,
            "psycopg.errors.DiskFull: cannot extend it: No space left on device\nHINT:  Check free disk space.\n",
            "failed: the disk is full. Make room",
        ),
        (-15, "", "was stopped by SIGTERM. Run it again"),
        (
            1,
            'Traceback (most recent call last):\nValueError: no\n\ndjango.db.utils.ProgrammingError: column "x"\nLINE 1: x\n',
            'failed: django.db.utils.ProgrammingError: column "x"',
        ),
        (1, "", "failed: no reason given"),
    ],
)
def test_a_migration_that_fails_is_one_line(code, said, told):
    assert told in session.why_not_migrated(code, said)


def test_also_when_the_database_s_disk_is_full_under_django(db):
    with pytest.raises(DatabaseError) as full, connection.cursor() as cursor:
        cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END $$")
    assert explain(full.value) == FULL
