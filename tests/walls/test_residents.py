"""A resident's pages reach one trace by one session, whatever SQL is sent in their place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import psycopg
import pytest

from ringfence.actions.interview import NOT_SAID
from tests.database import Connection
from tests.town import BLACKBURN, LUTON
from tests.walls.conftest import Attacker, Filled

BORN = date(1980, 3, 4)
WRONG = date(1980, 3, 5)
ADDRESS = b"a" * 32

FUNCTIONS = {
    "resident_knock": "text, date, bytea",
    "resident_enter": "text, bytea",
    "resident_read": "text",
    "resident_save": "text, jsonb",
    "resident_finish": "text",
    "resident_leave": "text",
    "resident_stop": "text",
    "resident_rules": "",
}


class Resident(Attacker):
    """Any SQL as the role of the residents' pages."""

    def knock(self, token: str, born: date = BORN, address: bytes = ADDRESS) -> str:
        return str(self.one("SELECT casework.resident_knock(%s, %s, %s)", [token, born, address]))

    def enter(self, token: str, born: date = BORN, address: bytes = ADDRESS) -> str | None:
        found: str | None = self.one(
            "SELECT casework.resident_enter(%s, %s)", [self.knock(token, born, address), address]
        )
        return found

    def read(self, session: str | None) -> Any:
        return self.one("SELECT casework.resident_read(%s)", [session])

    def save(self, session: str | None, **answers: Any) -> int | None:
        found: int | None = self.one("SELECT casework.resident_save(%s, %s)", [session, json.dumps(answers)])
        return found


@pytest.fixture
def links(filled: Filled, admin: Connection) -> Iterator[dict[str, str]]:
    """The secret of a link for each authority's trace; afterwards nothing of what residents did is left."""
    found = {area: f"token of {area}" for area in filled.traces}
    for area, token in found.items():
        admin.execute(
            "INSERT INTO casework.links (trace_id, purpose, token_hash, created_at, expires_at)"
            " VALUES (%s, 'interview', sha256(%s::bytea), now(), now() + interval '7 days')",
            [filled.traces[area], token.encode()],
        )
    kept = {
        table: admin.execute(f"SELECT to_json(x)::text FROM casework.{table} x").fetchall()
        for table in ("interviews", "answers", "opt_outs")
    }
    admin.execute(
        "UPDATE casework.interviews SET completed_at = NULL, completed_by = NULL, resident_completed_at = NULL,"
        " questionnaire_id = (SELECT id FROM casework.questionnaires WHERE key = 'case' AND version = 1)"
    )
    admin.execute(
        "UPDATE casework.traces SET closed_at = NULL, queued = true, ready_at = NULL, claimed_by = NULL, claimed_at = NULL"
    )
    yield found
    for token in found.values():
        admin.execute("DELETE FROM casework.links WHERE token_hash = sha256(%s::bytea)", [token.encode()])
    admin.execute("DELETE FROM casework.knocks WHERE address <> sha256('planted')")
    for table, rows in kept.items():
        before = {json.loads(str(row))["id"] for (row,) in rows}
        admin.execute(f"DELETE FROM casework.{table} WHERE NOT id = ANY (%s)", [list(before)])


@pytest.fixture
def resident(login: Callable[[str], Connection], links: dict[str, str]) -> Resident:
    return Resident(login("resident"))


def test_no_table_can_be_read_or_written(resident: Resident, admin: Connection) -> None:
    tables = admin.execute(
        "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    ).fetchall()
    assert len(tables) > 40
    for (name,) in tables:
        for statement in (f"SELECT * FROM {name}", f"DELETE FROM {name}", f"COPY {name} TO STDOUT"):
            resident.refused(statement)
    columns = resident.rows(
        "SELECT table_name, column_name FROM information_schema.column_privileges WHERE grantee = current_user"
    )
    assert columns == []


def test_only_its_own_functions_can_be_called(resident: Resident, admin: Connection) -> None:
    rows = admin.execute(
        "SELECT n.nspname, p.proname, oidvectortypes(p.proargtypes) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'public')"
        " AND has_function_privilege('ringfence_resident', p.oid, 'EXECUTE') AND has_schema_privilege("
        "'ringfence_resident', n.oid, 'USAGE')"
    ).fetchall()
    assert {str(name): arguments for _, name, arguments in rows} == FUNCTIONS
    assert {schema for schema, *_ in rows} == {"casework"}
    for call in ("walls.read('')", "casework.find_people('', '', now())", "casework.resident_session('')"):
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedFunction)):
            resident.one(f"SELECT {call}")


def test_the_birth_date_opens_a_session_of_one_trace(resident: Resident, links: dict[str, str], filled: Filled) -> None:
    session = resident.enter(links[BLACKBURN])
    assert session is not None
    form = resident.read(session)
    assert form["answers"].pop("language") == {"value": "Secret"}, "what the resident said before"
    told = json.dumps(form)
    assert set(form) == {
        "given_name",
        "under_18",
        "specimen",
        "onset",
        "questionnaire",
        "finished",
        "over",
        "rules",
        "answers",
    }
    assert "Secret" not in told and "BB1" not in told and "0770090" not in told
    assert str(filled.traces[LUTON]) not in form["given_name"]
    assert (form["under_18"], form["finished"]) == (False, False)


@pytest.mark.parametrize("state", ["unknown", "wrong date", "expired", "revoked", "locked", "used up", "closed"])
def test_every_link_that_does_not_open_looks_alike(
    resident: Resident, links: dict[str, str], admin: Connection, state: str
) -> None:
    token, born = links[BLACKBURN], BORN
    changes = {
        "expired": "expires_at = now() - interval '1 second'",
        "revoked": "revoked_at = now()",
        "locked": "locked_until = now() + interval '1 minute'",
        "used up": "tries = 20",
    }
    if state == "unknown":
        token = "no such token"
    elif state == "wrong date":
        born = WRONG
    elif state == "closed":
        admin.execute("UPDATE casework.traces SET closed_at = now(), outcome = 'reached', queued = false")
    else:
        admin.execute(f"UPDATE casework.links SET {changes[state]} WHERE expires_at > now()")
    knock = resident.knock(token, born)
    assert len(knock) == 64
    assert resident.one("SELECT casework.resident_enter(%s, %s)", [knock, ADDRESS]) is None
    assert resident.read(knock) is None


def test_five_wrong_dates_lock_the_link_for_a_while(
    resident: Resident, links: dict[str, str], admin: Connection
) -> None:
    for _ in range(5):
        assert resident.enter(links[BLACKBURN], WRONG) is None
    assert resident.enter(links[BLACKBURN]) is None
    assert resident.enter(links[LUTON]) is not None
    admin.execute("UPDATE casework.links SET locked_until = now() - interval '1 second' WHERE locked_until IS NOT NULL")
    assert resident.enter(links[BLACKBURN]) is not None
    for _ in range(15):
        assert resident.enter(links[BLACKBURN], WRONG) is None
        admin.execute("UPDATE casework.links SET locked_until = NULL")
    assert resident.enter(links[BLACKBURN]) is None, "twenty wrong dates use a link up"


def test_a_right_date_after_four_wrong_ones_opens(resident: Resident, links: dict[str, str]) -> None:
    for _ in range(4):
        assert resident.enter(links[BLACKBURN], WRONG) is None
    for _ in range(3):
        assert resident.enter(links[BLACKBURN]) is not None


def test_a_try_that_is_taken_back_tells_nothing(resident: Resident, links: dict[str, str]) -> None:
    """Every birth date in a transaction of its own, looked at and rolled back, would be brute force without a count."""
    with resident.trying():
        knock = resident.knock(links[BLACKBURN])
        assert resident.one("SELECT casework.resident_enter(%s, %s)", [knock, ADDRESS]) is None
        resident.connection.execute("SAVEPOINT inner_one")
        assert resident.one("SELECT casework.resident_enter(%s, %s)", [knock, ADDRESS]) is None
    assert resident.one("SELECT casework.resident_enter(%s, %s)", [knock, ADDRESS]) is None
    both = resident.rows(
        "WITH k AS MATERIALIZED (SELECT casework.resident_knock(%s, %s, %s) AS knock)"
        " SELECT casework.resident_enter(knock, %s) FROM k",
        [links[BLACKBURN], BORN, ADDRESS, ADDRESS],
    )
    assert both == [(None,)]


def test_what_a_transaction_wrote_does_not_tell_whether_the_date_was_right(
    resident: Resident, links: dict[str, str], login: Callable[[str], Connection]
) -> None:
    def written(born: date) -> list[tuple[Any, ...]]:
        """What the database says that this transaction wrote, which anybody may ask; on a session without a past."""
        guessing = Resident(login("resident"))
        with guessing.trying():
            guessing.knock(links[BLACKBURN], born)
            return guessing.rows(
                "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_xact_user_tables"
                " WHERE n_tup_ins + n_tup_upd + n_tup_del > 0 ORDER BY 1"
            )

    resident.enter("no such token")
    assert len(written(BORN)) == 3
    assert written(BORN) == written(WRONG)


def test_guesses_at_once_are_counted_one_by_one(
    links: dict[str, str], login: Callable[[str], Connection], admin: Connection
) -> None:
    attackers = [Resident(login("resident")) for _ in range(8)]
    for each in attackers:
        each.address = bytes([attackers.index(each)]) * 32  # type: ignore[attr-defined]

    def guess(each: Resident) -> list[str | None]:
        return [each.enter(links[BLACKBURN], WRONG, each.address) for _ in range(5)]  # type: ignore[attr-defined]

    with ThreadPoolExecutor(8) as threads:
        found = [one for some in threads.map(guess, attackers) for one in some]
    assert set(found) == {None}
    assert admin.execute("SELECT tries FROM casework.links WHERE locked_until > now()").fetchall() == [(5,)]


def test_an_address_that_guesses_tokens_gets_no_further(resident: Resident, links: dict[str, str]) -> None:
    for number in range(30):
        assert resident.enter(f"guess {number}") is None
    assert resident.enter(links[BLACKBURN]) is None
    assert resident.enter(links[BLACKBURN], address=b"b" * 32) is not None


def test_many_residents_behind_one_address_get_in(resident: Resident, links: dict[str, str]) -> None:
    for _ in range(40):
        assert resident.enter(links[BLACKBURN]) is not None


def test_a_session_is_neither_chosen_nor_kept(resident: Resident, links: dict[str, str], admin: Connection) -> None:
    """The secret comes from the database, a new one each time; the one before ends."""
    first, second = resident.enter(links[BLACKBURN]), resident.enter(links[BLACKBURN])
    assert first != second
    assert resident.read(first) is None
    assert resident.read(second) is not None
    for guess in ("", None, links[BLACKBURN], first, f"{second} ", str(second).upper()):
        assert resident.read(guess) is None
        assert resident.save(guess, has_symptoms=False) is None
        assert resident.one("SELECT casework.resident_finish(%s)", [guess]) is False
    hashed = admin.execute(
        "SELECT encode(session_hash, 'hex') FROM casework.links WHERE session_hash IS NOT NULL"
    ).fetchone()
    assert hashed is not None and resident.read(hashed[0]) is None


def test_a_session_ends_by_itself_and_when_it_is_left(
    resident: Resident, links: dict[str, str], admin: Connection
) -> None:
    session = resident.enter(links[BLACKBURN])
    admin.execute("UPDATE casework.links SET session_until = now() + interval '1 minute' WHERE expires_at > now()")
    assert resident.read(session) is not None
    longer = admin.execute(
        "SELECT session_until > now() + interval '20 minutes' FROM casework.links WHERE session_hash IS NOT NULL"
    ).fetchone()
    assert longer == (True,)
    admin.execute("UPDATE casework.links SET session_until = now() WHERE expires_at > now()")
    assert resident.read(session) is None
    again = resident.enter(links[BLACKBURN])
    assert resident.read(again) is not None
    resident.one("SELECT casework.resident_leave(%s)", [again])
    assert resident.read(again) is None


def test_answers_go_to_the_one_trace_as_the_resident_s(
    resident: Resident, links: dict[str, str], filled: Filled, admin: Connection
) -> None:
    before = admin.execute("SELECT max(id) FROM casework.answers").fetchone()
    assert before is not None
    session = resident.enter(links[BLACKBURN])
    assert resident.save(session, has_symptoms=True, occupation="Baker") == 2
    assert resident.save(session, has_symptoms=True) == 0
    rows = admin.execute(
        "SELECT trace_id, question, value::text, source, user_id, team_id FROM casework.answers WHERE id > %s ORDER BY question",
        before,
    ).fetchall()
    assert rows == [
        (filled.traces[BLACKBURN], "has_symptoms", "true", "resident", None, None),
        (filled.traces[BLACKBURN], "occupation", '"Baker"', "resident", None, None),
    ]
    assert resident.read(session)["answers"]["occupation"] == {"value": "Baker"}


def test_questions_that_are_a_tracer_s_or_are_not_there_are_passed_over(
    resident: Resident, links: dict[str, str]
) -> None:
    session = resident.enter(links[BLACKBURN])
    assert resident.save(session, identity_confirmed=True, told=True, stay_home="x", nothing="x", id=1) == 0


def test_what_a_tracer_wrote_is_neither_shown_nor_overwritten(
    resident: Resident, links: dict[str, str], filled: Filled, admin: Connection
) -> None:
    session = resident.enter(links[BLACKBURN])
    own = {"id": "mine1", "given_name": "Own", "relation": "work"}
    assert resident.save(session, contacts=[own], occupation="Baker", any_contacts=True) == 3
    user, team = filled.town.users["Nia"].pk, filled.town.team("national")
    theirs = [{**own, "phone": "07700900982"}, {"id": "hers1", "given_name": "Hidden", "relation": "work"}]
    for question, value in (("contacts", theirs), ("occupation", "Hidden"), ("any_contacts", True)):
        admin.execute(
            "INSERT INTO casework.answers (interview_id, trace_id, question, value, at, user_id, team_id, source)"
            " SELECT id, trace_id, %s, %s, now(), %s, %s, 'tracer' FROM casework.interviews WHERE trace_id = %s",
            [question, json.dumps(value), user, team, filled.traces[BLACKBURN]],
        )
    shown = resident.read(session)["answers"]
    assert "Hidden" not in json.dumps(shown) and "07700900982" not in json.dumps(shown)
    assert shown["any_contacts"] == {"theirs": True, "value": True}
    assert [each["given_name"] for each in shown["contacts"]["value"]] == ["Own"]
    changed = [
        {**own, "given_name": "Changed"},
        {"id": "hers1", "given_name": "Mine"},
        {"id": "new01", "relation": "work"},
    ]
    assert resident.save(session, contacts=changed, occupation="Spy", any_contacts=False) == 1
    last = admin.execute("SELECT value FROM casework.answers ORDER BY id DESC LIMIT 1").fetchone()
    assert last is not None and isinstance(last[0], list)
    assert last[0][:2] == theirs
    assert [each["id"] for each in last[0]] == ["mine1", "hers1", "new01"]


def test_nobody_is_told_by_a_resident_that_a_tracer_spoke_to_them(
    resident: Resident, links: dict[str, str], admin: Connection
) -> None:
    session = resident.enter(links[BLACKBURN])
    forged = {"id": "mine1", "given_name": "A", "relation": "work", "spoken_for": True, "exemptions": ["medical"]}
    assert resident.save(session, contacts=[forged, forged, "x", {"id": "'; --"}, 7]) == 1
    row = admin.execute("SELECT value FROM casework.answers ORDER BY id DESC LIMIT 1").fetchone()
    assert row == ([{**forged, "spoken_for": False, "exemptions": []}],)
    # What was named stays: it may have been acted on.
    assert resident.save(session, contacts=[]) == 0
    assert len(resident.read(session)["answers"]["contacts"]["value"]) == 1


def test_too_much_is_refused(resident: Resident, links: dict[str, str], admin: Connection) -> None:
    session = resident.enter(links[BLACKBURN])
    with pytest.raises(psycopg.errors.ProgramLimitExceeded):
        resident.save(session, occupation="x" * 200_001)
    with pytest.raises(psycopg.errors.ProgramLimitExceeded):
        resident.one("SELECT casework.resident_save(%s, '[1]')", [session])
    admin.execute(
        "INSERT INTO casework.answers (interview_id, trace_id, question, value, at, source)"
        " SELECT i.id, i.trace_id, 'occupation', '1', now(), 'resident' FROM casework.interviews i, generate_series(1, 1001)"
    )
    with pytest.raises(psycopg.errors.ProgramLimitExceeded):
        resident.save(session, occupation="once more")


def test_what_was_sent_off_stays(resident: Resident, links: dict[str, str], filled: Filled, admin: Connection) -> None:
    session = resident.enter(links[BLACKBURN])
    assert resident.one("SELECT casework.resident_finish(%s)", [session]) is True
    assert resident.save(session, occupation="Baker") is None
    assert resident.read(session)["finished"] is True
    assert resident.one("SELECT casework.resident_finish(%s)", [session]) is True
    times = admin.execute(
        "SELECT count(*) FROM audit.events WHERE verb = 'resident.finished' AND trace_id = %s AND scope = 'resident'",
        [filled.traces[BLACKBURN]],
    ).fetchone()
    assert times == (1,)
    admin.execute("UPDATE casework.interviews SET resident_completed_at = NULL, completed_at = now(), completed_by = 1")
    assert resident.save(session, occupation="Baker") is None
    assert resident.read(session)["over"] is True


def test_a_link_stops_messages_to_where_it_was_sent(
    resident: Resident, links: dict[str, str], filled: Filled, admin: Connection
) -> None:
    admin.execute(
        "UPDATE casework.messages SET state = 'sent', sent_at = now(), channel = 'text', \"to\" = '07700' || trace_id"
    )
    resident.one("SELECT casework.resident_stop(%s)", ["no such token"])
    count = admin.execute("SELECT count(*) FROM casework.opt_outs WHERE why = 'on their own page'").fetchone()
    assert count == (0,)
    for _ in range(2):
        resident.one("SELECT casework.resident_stop(%s)", [links[BLACKBURN]])
    rows = admin.execute(
        "SELECT person_id, channel, address FROM casework.opt_outs WHERE why = 'on their own page'"
    ).fetchall()
    assert rows == [(filled.people[BLACKBURN], "text", f"07700{filled.traces[BLACKBURN]}")]


def test_help_that_was_asked_for_goes_to_the_council(
    resident: Resident, links: dict[str, str], filled: Filled, admin: Connection
) -> None:
    def asked() -> list[Any]:
        return admin.execute(
            "SELECT kind, note, area, person_id, user_id, team_id FROM casework.referrals"
            " WHERE trace_id = %s AND kind <> 'food' ORDER BY kind",
            [filled.traces[BLACKBURN]],
        ).fetchall()

    session = resident.enter(links[BLACKBURN])
    resident.save(session, support=["money"])
    assert asked() == [], "nobody asked for help yet"
    resident.save(session, needs_help=True, support=["money", "medicine", "a yacht"], support_note="After six")
    person = filled.people[BLACKBURN]
    assert asked() == [(kind, "After six", BLACKBURN, person, None, None) for kind in ("medicine", "money")]
    resident.save(session, support_note="Before six")
    assert [note for _, note, *_ in asked()] == ["Before six", "Before six"]
    admin.execute("DELETE FROM casework.referrals WHERE kind IN ('medicine', 'money')")


def test_help_without_a_kind_is_passed_on_until_they_say_which(
    resident: Resident, links: dict[str, str], filled: Filled, admin: Connection
) -> None:
    def asked() -> list[Any]:
        sql = "SELECT kind, note FROM casework.referrals WHERE trace_id = %s AND kind <> 'food' ORDER BY kind"
        return admin.execute(sql, [filled.traces[BLACKBURN]]).fetchall()

    session = resident.enter(links[BLACKBURN])
    resident.save(session, needs_help=True)
    assert asked() == [("other", NOT_SAID)]
    resident.save(session, support_note="Call me")
    assert asked() == [("other", "Call me")]
    resident.save(session, support=["money"])
    assert asked() == [("money", "Call me")]
    resident.save(session, support=["money", "other"])
    resident.save(session, support=["money"])
    assert [kind for kind, _ in asked()] == ["money", "other"], "what they asked for by name is not taken back"
    admin.execute("DELETE FROM casework.referrals WHERE kind IN ('other', 'money')")


def test_a_table_of_ones_own_deceives_no_function(resident: Resident, links: dict[str, str], admin: Connection) -> None:
    resident.refused("CREATE TEMPORARY TABLE links (id bigint)")
    resident.connection.execute("SET search_path = pg_temp, public")
    assert resident.enter(links[BLACKBURN]) is not None
