"""No ticket, or one that is not good, shows nothing; and every table is behind the wall."""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg
import pytest

from ringfence.accounts import walls
from ringfence.rules.access import Scope
from tests.database import Connection
from tests.town import BLACKBURN, LUTON
from tests.walls.conftest import OPEN, ROLES, SYSTEM, Attacker, Filled, soon

_TABLES = """
SELECT c.relname, c.relkind, c.relrowsecurity AND c.relforcerowsecurity
FROM pg_class c WHERE c.relnamespace = 'casework'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY 1
"""

#: The fields of a ticket, in order.
FIELDS = ("scope", "user", "teams", "areas", "standing", "session", "expiry", "signature")


def unwalled(connection: Connection) -> list[str]:
    """Tables, views and the like of the casework schema that row-level security does not cover."""
    rows = connection.execute(_TABLES).fetchall()
    assert len(rows) > 12
    return [f"{name} ({kind})" for name, kind, walled in rows if not walled and name not in OPEN]


def test_every_table_of_the_record_is_behind_the_wall(admin: Connection) -> None:
    assert unwalled(admin) == []


@pytest.mark.parametrize(
    "planted",
    [
        "CREATE TABLE casework.excursions (id bigint)",
        "CREATE VIEW casework.excursions AS SELECT * FROM casework.people",
        "CREATE MATERIALIZED VIEW casework.excursions AS SELECT * FROM casework.people",
        "ALTER TABLE casework.people_history NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE casework.notes DISABLE ROW LEVEL SECURITY",
    ],
)
def test_a_table_without_a_wall_is_noticed(admin: Connection, planted: str) -> None:
    with admin.transaction(force_rollback=True):
        admin.execute(planted)
        assert len(unwalled(admin)) == 1


def test_the_audit_and_the_roles_of_people_are_behind_it_too(admin: Connection) -> None:
    walled = admin.execute(
        "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND relnamespace IN"
        " ('audit'::regnamespace, 'accounts'::regnamespace) ORDER BY 1"
    ).fetchall()
    assert walled == [("events",), ("memberships",)]


def test_everything_is_there_to_be_seen(admin: Connection, filled: Filled) -> None:
    """Otherwise the tests that see nothing would say nothing."""
    for name, kind, _ in admin.execute(_TABLES).fetchall():
        row = admin.execute(f"SELECT count(*) FROM casework.{name}").fetchone()
        assert row is not None and row[0] > 0, (name, kind)


@pytest.mark.parametrize("role", ROLES)
def test_without_a_ticket_every_table_is_empty(attack: Callable[[str], Attacker], role: str) -> None:
    attacker = attack(role)
    assert (len(attacker.readable()) > 8) == (role not in ("lab", "resident"))
    assert set(attacker.counts().values()) <= {0}


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_may_not_read_it_may_not_copy_either(attack: Callable[[str], Attacker], role: str) -> None:
    attacker = attack(role)
    readable = attacker.readable()
    for name, _, _ in attacker.rows(_TABLES):
        whole = name in readable and attacker.one("SELECT has_table_privilege('casework.' || %s, 'SELECT')", [name])
        with attacker.trying():
            if whole:
                with attacker.connection.cursor().copy(f"COPY (SELECT * FROM casework.{name}) TO STDOUT") as out:
                    assert b"".join(bytes(part) for part in out) == b""
            else:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    attacker.connection.execute(f"SELECT * FROM casework.{name}")


def test_a_good_ticket_shows_its_rows(app: Attacker, filled: Filled) -> None:
    assert app.holding(filled.by("Nia")).counts()["people"] == 1


def everything(filled: Filled, **changes: object) -> Scope:
    teams = tuple(sorted(filled.town.teams.values()))
    given = {"teams": teams, "areas": (BLACKBURN, LUTON), "standing": (BLACKBURN, LUTON), **changes}
    return Scope("person", filled.town.users["Nia"].pk, **given)  # type: ignore[arg-type]


def bad_tickets(app: Attacker, other: Attacker, filled: Filled) -> dict[str, str]:
    """Tickets that would show everything, if they were good."""
    scope = everything(filled)
    good = walls.sign(scope, app.pid)
    narrow = walls.sign(filled.by("Charlie"), app.pid).split("|")
    parts = good.split("|")
    bad = {
        "of another session": walls.sign(scope, other.pid),
        "that has run out": walls.sign(scope, app.pid, expires=int(time.time()) - 1),
        "signed with another key": walls.sign(scope, app.pid, key=b"another key"),
        "signed with no key": walls.sign(scope, app.pid, key=b"\0"),
        "without a signature": "|".join(parts[:-1]),
        "with an empty signature": "|".join([*parts[:-1], ""]),
        "with one field more": good + "|",
        "with a signature of capitals": "|".join([*parts[:-1], parts[-1].upper()]),
        "cut short": good[:-1],
        "empty": "",
        "with the signature of a narrower one": "|".join([*parts[:-1], narrow[-1]]),
    }
    wanted = ["accounts", "1", parts[2] + ",999", parts[3] + ",E06000016", parts[4] + ",E06000016", "", "9" * 12]
    for place, (field, value) in enumerate(zip(FIELDS, wanted, strict=False)):
        bad[f"with another {field}"] = "|".join([*parts[:place], value, *parts[place + 1 :]])
    # The fields run together give the same letters with another meaning.
    bad["with teams for areas"] = "|".join([parts[0], parts[1], "", parts[2], *parts[4:]])
    return bad


def test_a_ticket_that_is_not_good_shows_nothing(
    app: Attacker, attack: Callable[[str], Attacker], filled: Filled
) -> None:
    assert min(app.holding(everything(filled)).counts()[name] for name in ("people", "traces", "attempts")) == 2
    for what, ticket in bad_tickets(app, attack("app"), filled).items():
        assert set(app.showing(ticket).counts().values()) == {0}, f"a ticket {what}"
        assert app.one("SELECT walls.read(%s)", [ticket]) is None, f"a ticket {what}"


def test_a_ticket_with_nonsense_for_a_key_of_its_own_says_no_more_than_no(app: Attacker) -> None:
    for nonsense in ("|||||||", "x" * 200, "a|b|c|d|e|f|g|" + "0" * 64, "é" * 100, "1'--|" * 20):
        assert app.one("SELECT walls.read(%s)", [nonsense]) is None


def test_a_ticket_of_before_the_last_change_of_keys_holds_and_one_of_two_changes_ago_does_not(
    app: Attacker, admin: Connection, filled: Filled
) -> None:
    kept = admin.execute("SELECT installed_at, inner_pad, outer_pad FROM walls.keys").fetchall()
    try:
        scope, seen = filled.by("Nia"), []
        for key in (b"the second", b"the third"):
            inner, outer = walls.pads(key)
            admin.execute("INSERT INTO walls.keys (inner_pad, outer_pad) VALUES (%s, %s)", [inner, outer])
            admin.execute(
                "DELETE FROM walls.keys WHERE installed_at NOT IN"
                " (SELECT installed_at FROM walls.keys ORDER BY installed_at DESC LIMIT 2)"
            )
            seen.append(app.holding(scope).counts()["people"])
            assert app.holding(scope, key=key).counts()["people"] == 1
        assert seen == [1, 0]
    finally:
        admin.execute("DELETE FROM walls.keys")
        for values in kept:
            admin.execute("INSERT INTO walls.keys VALUES (%s, %s, %s)", values)


def test_a_very_long_list_of_areas_is_no_trouble(app: Attacker, filled: Filled) -> None:
    areas = tuple(f"E0600{number:04}" for number in range(2000))
    assert app.holding(everything(filled, standing=areas, areas=areas)).counts()["people"] == 2


@pytest.mark.parametrize(
    "name",
    [
        "intake",
        "sweep",
        "policy",
        "reconcile",
        "interviews",
        "messages",
        "detection",
        "counting",
        "digest",
        "geography",
    ],
)
def test_a_scope_of_the_worker_gives_the_web_nothing(app: Attacker, name: str) -> None:
    assert set(app.holding(SYSTEM[name]).counts().values()) == {0}


@pytest.mark.parametrize("name", ["statistics", "deliveries", "audit", "accounts"])
def test_a_scope_of_the_web_gives_the_worker_nothing(attack: Callable[[str], Attacker], name: str) -> None:
    assert set(attack("worker").holding(SYSTEM[name]).counts().values()) == {0}


def test_a_person_s_ticket_gives_the_worker_nothing(attack: Callable[[str], Attacker], filled: Filled) -> None:
    assert set(attack("worker").holding(everything(filled)).counts().values()) == {0}


SEEN_BY = {
    ("app", "statistics"): {"traces", "handovers", "area_days", "contacts"},
    ("app", "deliveries"): {"deliveries", "delivery_parts", "quarantines", "sources"},
    ("app", "audit"): set(),
    ("app", "accounts"): set(),
    ("worker", "intake"): {
        "deliveries",
        "delivery_chunks",
        "delivery_parts",
        "quarantines",
        "sources",
        "people",
        "results",
        "cases",
        "traces",
        "standings",
        "contacts",
        "moves_due",
    },
    ("worker", "reconcile"): {
        "deliveries",
        "delivery_chunks",
        "delivery_parts",
        "quarantines",
        "sources",
        "results",
    },
    ("worker", "geography"): set(),
    ("worker", "sweep"): {"traces", "attempts", "handovers", "moves_due", "standings"},
    ("worker", "policy"): {"traces", "handovers"},
    ("worker", "interviews"): {
        "answers",
        "attempts",
        "cases",
        "contacts",
        "details",
        "exposures",
        "interviews",
        "isolations",
        "links",
        "messages",
        "opt_outs",
        "people",
        "questionnaires",
        "referrals",
        "settings",
        "standings",
        "templates",
        "traces",
    },
    ("worker", "detection"): {
        "alert_cases",
        "alerts",
        "cases",
        "exposures",
        "marks",
        "people",
        "results",
        "settings",
    },
    ("worker", "counting"): {"area_days", "cases", "cases_history", "marks", "people", "results", "traces"},
    ("worker", "digest"): {
        "alerts",
        "area_days",
        "digest_choices",
        "incident_actions",
        "incident_areas",
        "incidents",
        "templates",
    },
    ("worker", "messages"): {
        "cases",
        "details",
        "interviews",
        "isolations",
        "links",
        "marks",
        "messages",
        "opt_outs",
        "people",
        "templates",
        "traces",
    },
}


@pytest.mark.parametrize(("role", "name"), SEEN_BY)
def test_each_system_scope_sees_what_it_is_for_and_no_more(
    attack: Callable[[str], Attacker], role: str, name: str
) -> None:
    counts = attack(role).holding(SYSTEM[name], expires=soon()).counts()
    assert {table for table, count in counts.items() if count} == SEEN_BY[role, name]
