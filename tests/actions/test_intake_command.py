"""``ringfence intake``, ``reconcile`` and ``source`` as people run them."""

import json
import os
import subprocess
import sys

import pytest

from tests.commands import APPLICATION, RUN
from tests.deliveries import line, record, sheet, wave

pytestmark = pytest.mark.usefixtures("real_town")


def run(*arguments, stdin=b""):
    """The exit code, what was printed, and what was said about failures."""
    done = RUN.invoke(APPLICATION, list(map(str, arguments)), input=stdin)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.stdout, done.stderr


def test_in_a_process_of_its_own(tmp_path):
    (tmp_path / "list.csv").write_bytes(wave(40))
    arguments = ["intake", str(tmp_path / "list.csv"), "--source", "Lab", "--json"]
    done = subprocess.run([sys.executable, "-m", "ringfence.cli", *arguments], capture_output=True, env=os.environ)
    assert done.returncode == 3 and done.stderr == b"" and json.loads(done.stdout)["status"] == "done"


def test_in_two_processes(tmp_path):
    (tmp_path / "list.csv").write_bytes(wave(60))
    code, said, _ = run("intake", tmp_path / "list.csv", "--source", "Lab", "--parts", 2, "--json")
    got = json.loads(said)
    assert code == 3 and got["status"] == "done" and got["balances"]
    # The one that waits to be told of a delivery ends when there is none.
    (tmp_path / "none.csv").write_bytes(b"")
    code, said, _ = run("intake", tmp_path / "none.csv", tmp_path / "list.csv", "--source", "Lab", "--parts", 2)
    assert code == 1 and "This file is empty" in said and "came before" in said


def test_another_process_that_fails():
    from ringfence.cli.receiving import Helpers, ReadingFailed, read_all
    from tests.deliveries import receive

    ref = receive(wave(60)).ref
    with Helpers(2) as helpers:
        helpers._started[0].kill()
        helpers._started[0].wait()
        with pytest.raises(ReadingFailed, match=f"a part of {ref} failed: it was killed"):
            read_all(ref, 2, lambda doing, rows: None, helpers)
    code, said, _ = run("intake", "--resume", "--json")
    assert code == 3 and json.loads(said)["status"] == "done"


def test_what_failed_in_the_middle_says_how_to_go_on(django_db_setup, tmp_path, monkeypatch):
    import psycopg

    from ringfence.cli import explain, receiving
    from ringfence.rules.deliveries import MOST_PARTS
    from tests.deliveries import receive, select

    monkeypatch.setattr(receiving, "PATIENCE", 0)
    (tmp_path / "list.csv").write_bytes(wave(10))
    ref = receive(wave(10)).ref
    ((number,),) = select("SELECT id FROM deliveries")
    with psycopg.connect(django_db_setup.server.admin(django_db_setup.name)) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [number * MOST_PARTS])
        done = RUN.invoke(APPLICATION, ["intake", str(tmp_path / "list.csv"), "--source", "Lab"])
    said = explain(done.exception)
    assert said.startswith("Another process is reading this delivery")
    assert said.endswith(f"{ref} is stored, and not read to its end. Go on with: ringfence intake --resume")
    assert run("intake", "--resume")[0] == 3


def test_how_many_processes_pay_is_known_before_a_file_is_received(tmp_path, monkeypatch):
    from ringfence.cli import receiving

    monkeypatch.setattr(receiving, "LARGE", 800)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    for data, many in ((b"a" * 800, 2), (b"a" * 799, 1), (b"\x1f\x8b" + b"a" * 98, 2), (b"\x1f\x8b" + b"a" * 97, 1)):
        (tmp_path / "file").write_bytes(data)
        with (tmp_path / "file").open("rb") as stream:
            assert receiving._worthwhile_for(stream) == many
            assert stream.read() == data


def test_a_day_s_work_on_the_command_line(tmp_path):
    good, bad, odd = tmp_path / "good.csv", tmp_path / "bad.csv", tmp_path / "odd.csv"
    good.write_bytes(sheet(line("S1", "Ann", on="2026-11-15"), line("S2", "Bob", result="Negative")))
    bad.write_bytes(wave(40))
    odd.write_bytes(b"Probe,Taken,Outcome\nP1,11/15/2026,covid:neg\n")
    mapping = tmp_path / "odd.toml"
    mapping.write_text(
        'month_first = true\n[headers]\nProbe = "specimen_id"\nTaken = "specimen_date"\n'
        '[results]\n"covid:neg" = "negative"\n'
    )

    code, said, wrong = run("intake", good, "--source", "Lab")
    assert (code, wrong) == (0, "")
    assert "good.csv from Lab" in said and "1 case opened" in said and "2 accepted, 1 of them positive" in said
    code, said, _ = run("intake", good, "--source", "Lab", "--json")
    got = json.loads(said)
    assert code == 0 and got["again"] and got["rows"] == 2 and got["balances"]
    assert run("intake", good, "--source", "Lab", "--expect", 2)[0] == 0
    code, said, _ = run("intake", good, "--source", "Lab", "--expect", 3)
    assert code == 1 and "came before" in said and "The sender said 3 rows; the file holds 2." in said

    code, said, _ = run("intake", "-", "--source", "Lab", "--expect", 50, "--json", stdin=bad.read_bytes())
    got = json.loads(said)
    assert (
        code == 1 and got["quarantined"] > 0 and got["rows"] == got["accepted"] + got["duplicate"] + got["quarantined"]
    )
    assert [warning for warning in got["warnings"] if "The sender said 50 rows" in warning] == got["warnings"][:1]

    code, said, _ = run("intake", odd, "--source", "Odd")
    assert code == 1 and "Refused: This is not a line list" in said and "ringfence source set" in said
    assert run("source", "set", "Odd", mapping)[0] == 0
    assert "covid:neg -> negative" in run("source", "list")[1]
    code, said, _ = run("intake", odd, "--source", "Odd")
    assert code == 0 and " 1 row\n" in said

    assert run("intake", "--resume")[:2] == (0, "Everything that was received has been read.\n")
    code, said, _ = run("reconcile")
    assert code == 0 and said.startswith("3 deliveries with ") and said.endswith(" rows; 3 balance.\n")


def test_wrong_use_is_one_line_and_code_2(tmp_path):
    code, _, wrong = run("intake", tmp_path / "none.csv", "--source", "Lab")
    assert (code, wrong) == (2, f"ringfence: {tmp_path / 'none.csv'} is not there\n")
    code, _, wrong = run("intake", tmp_path, "--source", "Lab")
    assert (code, wrong) == (2, f"ringfence: {tmp_path} is a folder; name the files in it\n")
    (tmp_path / "a.csv").write_bytes(b"x")
    for arguments, word in (
        (["intake", tmp_path / "a.csv"], "--source"),
        (["intake"], "say which files"),
        (["intake", "--resume", tmp_path / "a.csv"], "--resume"),
        (["source", "set", "Lab", tmp_path / "none.toml"], "none.toml"),
    ):
        code, _, wrong = run(*arguments)
        assert code == 2 and word in wrong
    assert record()["results"] == []


def test_what_was_half_read_is_found_and_read_to_the_end(login, tmp_path):
    from django.db import connections

    from ringfence.actions import intake
    from tests.deliveries import NOW, receive
    from tests.town import INTAKE

    got = receive(wave(60))
    intake.process(delivery=got.ref, by=INTAKE, now=NOW, part=1, parts=2)
    unread = tmp_path / "unread.csv"
    unread.write_bytes(sheet(line("S1", "Ann")))
    receive(unread.read_bytes())
    connections.close_all()
    code, said, _ = run("reconcile")
    assert code == 1 and "It is half read" in said and "It was received and not read yet" in said
    code, said, _ = run("intake", unread, "--source", "Lab")
    assert code == 0 and "1 accepted" in said and "nothing was changed" not in said
    code, said, _ = run("intake", "--resume", "--json")
    assert code == 3 and [json.loads(each)["status"] for each in said.splitlines()] == ["done"]
    assert run("reconcile")[0] == 0


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("UPDATE casework.deliveries SET accepted = accepted - 1, rows = rows - 1", "parts add up"),
        ("DELETE FROM casework.results WHERE specimen_id = 'S1'", "the record holds 1"),
        ("DELETE FROM casework.quarantines", "the quarantine holds 0"),
        ("DELETE FROM casework.delivery_chunks", "0 are stored"),
        ("UPDATE casework.delivery_chunks SET data = overlay(data placing 'x' from 200 for 1)", "SHA-256"),
    ],
)
def test_reconcile_finds_what_was_done_behind_its_back(django_db_setup, sql, word):
    import psycopg

    from tests.deliveries import deliver, problems

    deliver(sheet(line("S1", "Ann"), line("S2", "Bob", result="Negative"), line("", "Cat")))
    assert problems() == []
    with psycopg.connect(django_db_setup.server.admin(django_db_setup.name), autocommit=True) as admin:
        admin.execute("SET session_replication_role = replica")
        admin.execute(sql)
    assert word in " ".join(problems())
