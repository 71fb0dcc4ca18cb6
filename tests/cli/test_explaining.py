"""A failure on the command line is one line."""

import errno

import psycopg
import pytest
from django.db import DatabaseError, connection

from ringfence.cli import explain

FULL = "the disk is full. Make room, then run it again."


def test_a_full_disk_says_what_to_do():
    assert explain(OSError(errno.ENOSPC, "No space left on device")) == FULL
    assert explain(psycopg.errors.DiskFull("could not extend file")) == FULL


def test_also_when_the_database_s_disk_is_full_under_django(db):
    with pytest.raises(DatabaseError) as full, connection.cursor() as cursor:
        cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END $$")
    assert explain(full.value) == FULL
