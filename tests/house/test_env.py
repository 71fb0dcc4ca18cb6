"""The environment: defaults, refusals, where the database is, and the secrets file."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ringfence.base.env import LOGINS, Database, Environment, EnvironmentProblem, Secrets
from ringfence.cli.commands.documents import settings_reference


def read(**variables: str) -> Environment:
    return Environment.read(variables)


def test_everything_has_a_default_and_empty_counts_as_not_given() -> None:
    assert read() == read(RINGFENCE_PORT="", DATABASE_URL="")
    assert read().port == 8000
    assert read().process == "cli"
    assert read().local


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("RINGFENCE_PORT", "eighty", "write a port number"),
        ("RINGFENCE_PORT", "65536", "write a port number"),
        ("RINGFENCE_PORT", "0", "write a port number"),
        ("RINGFENCE_DEBUG", "maybe", "write 1 or 0"),
        ("RINGFENCE_PROCESS", "root", "it is one of owner, web"),
        ("RINGFENCE_MEMORY", "2GB", "a whole number"),
        ("DATABASE_URL", "mysql://u@h/d", "does not look like postgresql://"),
        ("DATABASE_URL", "postgresql://u@h", "does not look like postgresql://"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(name: str, text: str, said: str) -> None:
    with pytest.raises(EnvironmentProblem, match=said) as problem:
        Environment.read({name: text})
    assert name in str(problem.value)


def test_it_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        read().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("hosts", "local"), [("localhost", True), ("127.0.0.1, localhost", True), ("a.example", False)]
)
def test_any_other_name_makes_cookies_secure(hosts: str, local: bool) -> None:
    assert read(RINGFENCE_HOSTS=hosts).local is local


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("postgresql://u:p@h.example:5433/d", Database("h.example", 5433, "d")),
        ("postgres://u@h/d%20e", Database("h", 5432, "d e")),
        ("postgresql://u@/d?host=/run/pg&port=5440", Database("/run/pg", 5440, "d")),
        ("postgresql://u@h/d?sslmode=require", Database("h", 5432, "d", (("sslmode", "require"),))),
    ],
)
def test_where_a_server_of_your_own_is(url: str, where: Database) -> None:
    assert read(DATABASE_URL=url).database == where
    assert read(DATABASE_URL=url, RINGFENCE_DATABASE="other").database == dataclasses.replace(where, name="other")


def test_a_home_named_without_its_whole_path_is_in_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read(RINGFENCE_HOME="data").home == Path(__file__).parents[2] / "data"
    assert read(RINGFENCE_HOME="/srv/ringfence").home == Path("/srv/ringfence")


def test_where_the_embedded_server_is(tmp_path: Path) -> None:
    assert read(RINGFENCE_HOME=str(tmp_path)).database == Database("127.0.0.1", 5432, "ringfence")
    (tmp_path / "server.json").write_text(json.dumps({"host": "/s", "port": 5}))
    assert read(RINGFENCE_HOME=str(tmp_path)).database == Database("/s", 5, "ringfence")


def test_secrets_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = read(RINGFENCE_HOME=str(tmp_path / "home")).secrets
    finally:
        os.umask(before)
    path = tmp_path / "home" / "secrets.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert read(RINGFENCE_HOME=str(tmp_path / "home")).secrets == made
    assert os.listdir(tmp_path / "home") == ["secrets.json"]
    assert set(made.passwords) == {*LOGINS, "postgres"}
    assert len(set(made.passwords.values())) == len(made.passwords)
    assert all(word not in repr(made) for word in (made.secret_key, made.ticket_key, *made.passwords.values()))


def test_a_given_key_wins() -> None:
    given = read(RINGFENCE_SECRET_KEY="a", RINGFENCE_TICKET_KEY="b")
    assert (given.secret_key, given.ticket_key) == ("a", "b")


def test_processes_that_start_together_agree_on_the_secrets(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from ringfence.base.env import env; print(env.secret_key)"]
    variables = {**os.environ, "RINGFENCE_HOME": str(tmp_path)}
    started = [subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    assert len({process.communicate()[0] for process in started}) == 1


def test_a_new_role_gets_a_password_and_the_others_keep_theirs(tmp_path: Path) -> None:
    made = Secrets.of(tmp_path)
    passwords = dict(made.passwords)
    del passwords["ringfence_lab"]
    (tmp_path / "secrets.json").write_text(json.dumps({**dataclasses.asdict(made), "passwords": passwords}))
    again = Secrets.of(tmp_path)
    assert again.passwords["ringfence_lab"]
    assert {**again.passwords, "ringfence_lab": ""} == {**made.passwords, "ringfence_lab": ""}


@pytest.mark.parametrize("content", ["", "{", "{}", "[]"])
def test_damaged_secrets_are_not_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / "secrets.json").write_text(content)
    with pytest.raises(EnvironmentProblem, match="is damaged"):
        Secrets.of(tmp_path)
    assert (tmp_path / "secrets.json").read_text() == content


def test_the_reference_names_every_setting() -> None:
    for each in dataclasses.fields(Environment):
        assert f"| `{each.metadata['name']}` |" in settings_reference()
