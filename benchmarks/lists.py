"""A team's list, a person search, and a case with fifty contacts: the server's time for the whole page.

At 100,000 traces and 300,000 contact rows; with ``--full`` at a million and three million. Each page is asked for
through the pages' own handler, in this process, by somebody signed in: session, roles, walls, audit, queries and the
template are in its time, the network is not. Beside it stands what plain SQL by an administrator needs for the same: who is
signed in and as what, the rows, and one audit event, committed; without walls, framework and page. Both are 95th
percentiles of many different teams, names and cases, asked in turns.

The plain search looks into ``people`` itself, which has no index on names or numbers but those that intake needs.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from benchmarks import country
from benchmarks.harness import Connection, Figure, administrator, at_most, database, say, signed_in, under
from ringfence.cli import session
from ringfence.cli.postgres import Server

SMALL, FULL = 100_000, 1_000_000

#: Most contacts that one case named; every thousandth case has so many.
MANY = 50

ROUNDS, ROUNDS_FULL = 120, 400

GOAL, LIMIT = 5.0, 150.0

#: A quarter of the traces are of cases, the others of contacts, each of whom four cases named.
_STEPS = """
SELECT setseed(0.5);

CREATE TEMP TABLE syllables AS
SELECT n, (ARRAY['ba','che','dor','el','far','gil','han','is','jo','kha','lam','mo','nor','oma','pat','qui','ras','sin',
    'tur','wil'])[n] AS text FROM generate_series(1, 20) n;

CREATE TEMP TABLE names AS
SELECT row_number() OVER () AS n, a.text || b.text || c.text AS text FROM syllables a, syllables b, syllables c;

UPDATE people p SET family_name = initcap(f.text), given_name = initcap(g.text),
    postcode = 'AA' || 1 + p.id % 90 || ' ' || 1 + p.id % 9 || 'A' || chr(65 + (p.id % 26)::int)
FROM (SELECT id, 1 + floor(power(random(), 3) * 8000)::int AS family, 1 + floor(power(random(), 2) * 400)::int AS given
    FROM people) d
JOIN names f ON f.n = d.family JOIN names g ON g.n = d.given
WHERE p.id = d.id;

UPDATE traces SET reason = 'contact' WHERE id > {cases};

DELETE FROM cases WHERE id > {cases};

UPDATE traces SET case_id = NULL WHERE id > {cases};

CREATE TEMP TABLE links AS
SELECT c, k, {cases} + 1 + ((c::bigint * 7919 + k * 104729) % ({traces} - {cases})) AS contact
FROM generate_series(1, {cases}) c CROSS JOIN LATERAL generate_series(1, CASE WHEN c % 1000 = 0 THEN {many} ELSE 12 END) k;

INSERT INTO contacts (case_id, case_person_id, person_id, trace_id, entry, relation, last_contact, identified_at, source)
SELECT DISTINCT ON (c, contact) c, c, contact, contact, k::text, 'close', date '2026-11-15', {now}, 'tracer' FROM links
ORDER BY c, contact;

INSERT INTO isolations (trace_id, person_id, day_0, from_date, until_date, policy, why, computed_at)
SELECT id, person_id, date '2026-11-15', date '2026-11-15', date '2026-11-25', 'Exercise policy', 'Ten days.', {now}
FROM traces WHERE reason = 'contact';

UPDATE traces SET from_team_id = team_id, team_id = passes_to_id, passes_to_id = NULL, handovers = 1,
    owned_since = {now} - interval '1 hour'
WHERE passes_to_id IS NOT NULL AND id % 3 = 0;

INSERT INTO handovers (trace_id, seq, previous, from_team_id, since, to_team_id, at, reason, why, recorded_at)
SELECT id, 1, NULL, from_team_id, created_at, team_id, owned_since, 'set_period',
    'Handed over because 24 hours passed without contact; the set period ended at 09:00 on Wednesday 18 November.',
    owned_since
FROM traces WHERE handovers = 1;

INSERT INTO search_due (person_id, trace_id) SELECT person_id, id FROM traces;
"""


def seed(connection: Connection, traces: int) -> None:
    """Cases and contacts with names of uneven frequency, hand-overs and isolations; what they are found by, through the
    worker's own verb."""
    country.seed(connection, traces=traces, hot=traces // 20)
    now = f"timestamptz '{country.NOW.isoformat()}'"
    for step in _STEPS.split(";\n"):
        text = step.format(traces=traces, cases=traces // 4, many=MANY, now=now).strip()
        if text:
            connection.execute(text.encode())
    told = {"RINGFENCE_BENCH_DATABASE": connection.info.dbname}
    subprocess.run([sys.executable, "-m", __name__], env=os.environ | told, check=True)


def run(full: bool) -> list[Figure]:
    """The figures; ``full`` at ten times the volume."""
    traces = FULL if full else SMALL
    with database("lists", partial(seed, traces=traces), f"{traces}_found") as server:
        people = _people()
        with administrator(server) as admin:
            admin.execute("VACUUM ANALYZE")
            asked = _asked(admin, traces // 4)
            figures = []
            for name, pages in people.items():
                figures += _measure(name, pages, asked[name], admin, ROUNDS_FULL if full else ROUNDS)
        return figures


def _catch_up() -> None:
    """What people are found by, as the worker makes it, in the database that this process was told."""
    session.set_up_django()
    from ringfence.actions import search
    from ringfence.rules.access import system_scope

    began, done = time.perf_counter(), 0
    while some := search.catch_up(by=system_scope("search"), now=country.NOW):
        done += some
    say(f"  made searchable: {done} people in {time.perf_counter() - began:.0f} s")


class Page:
    """Somebody signed in, who asks for an address, or posts to it, and gets its time in seconds."""

    def __init__(self, session: str, user: int) -> None:
        from django.core.handlers.wsgi import WSGIHandler
        from django.middleware.csrf import _get_new_csrf_string
        from django.test import RequestFactory

        self.who = (session, user)
        self.token = _get_new_csrf_string()
        cookie = f"sessionid={session}; csrftoken={self.token}"
        self.asking = RequestFactory(headers={"cookie": cookie, "host": "127.0.0.1"})
        self.handler = _once(WSGIHandler)

    def __call__(self, address: str, sent: dict[str, str] | None) -> float:
        if sent is None:
            request = self.asking.get(address)
        else:
            request = self.asking.post(address, sent | {"csrfmiddlewaretoken": self.token})
        status: list[str] = []
        began = time.perf_counter()
        body = b"".join(self.handler(request.environ, lambda code, headers, *_: status.append(code)))
        took = time.perf_counter() - began
        if not status[0].startswith("200") or b"Sign out" not in body:
            raise AssertionError(f"{address} answered {status[0]}: {body[-500:]!r}")
        return took


@lru_cache
def _once(make: Callable[[], Any]) -> Any:
    """One handler for everybody, as in a process of the server."""
    return make()


def _people() -> dict[str, list[Page]]:
    """Who asks for what: twenty leads of local teams, twenty searchers, and tracers of the teams of many cases."""
    from ringfence.accounts import walls
    from ringfence.accounts.models import Team
    from ringfence.partnerships.models import ServiceRule
    from ringfence.rules.access import system_scope
    from ringfence.rules.policy import EXERCISE

    with walls.transaction(system_scope("accounts")):
        ServiceRule.objects.get_or_create(from_date="2022-02-24", defaults={"policy": EXERCISE.name})
        local = list(Team.objects.filter(kind="local").order_by("id")[:20])
        national = list(Team.objects.filter(kind="national").order_by("id")[:150])
        return {
            "a local team's list": [_signed_in("local_lead", team) for team in local],
            "a lead's list": [_signed_in("national_lead", team) for team in national[:20]],
            "a person search": [_signed_in("national_tracer", team) for team in national[:20]],
            "a case with 50 contacts": [_signed_in("national_lead", team) for team in national],
        }


def _signed_in(role: str, team: Any) -> Page:
    """Somebody of the team, signed in."""
    from ringfence.accounts.models import Membership, User

    user = User.objects.create(email=f"bench{User.objects.count()}@example.org", name="Somebody", password="!")
    Membership.objects.create(user=user, role=role, team=team, from_at=country.NOW)
    return Page(signed_in(user), user.pk)


_LIST = b"""
SELECT t.id, t.ref, t.version, t.priority, t.due_at, t.due_why, t.why, t.attempts, p.given_name, p.family_name, p.postcode,
    p.birth_date, h.at, h.why, f.name
FROM traces t JOIN people p ON p.id = t.person_id
LEFT JOIN handovers h ON h.trace_id = t.id AND h.seq = t.handovers LEFT JOIN teams f ON f.id = h.from_team_id
WHERE t.team_id = %s AND t.closed_at IS NULL ORDER BY t.due_at, t.id LIMIT 100
"""

_QUEUE = b"""
SELECT t.id, t.ref, t.version, t.priority, t.due_at, t.due_why, t.why, t.attempts, p.given_name, p.family_name, p.postcode,
    p.birth_date
FROM traces t JOIN people p ON p.id = t.person_id
WHERE t.team_id = %s AND t.queued ORDER BY t.priority, t.due_at, t.id LIMIT 50
"""

_COUNTS = (
    b"SELECT count(*) FILTER (WHERE due_at <= now()), count(*) FROM traces WHERE team_id = %s AND closed_at IS NULL"
)

_SEARCH = b"""
SELECT p.id, p.given_name, p.family_name, p.birth_date, p.postcode, t.ref
FROM people p JOIN standings s ON s.person_id = p.id LEFT JOIN traces t ON t.person_id = p.id AND t.closed_at IS NULL
WHERE s.area = %s AND lower(p.family_name) LIKE %s AND lower(p.given_name) LIKE %s
ORDER BY p.family_name, p.given_name LIMIT 50
"""

_CONTACTS = b"""
SELECT c.id, c.relation, c.last_contact, p.given_name, p.family_name, t.ref, t.outcome, t.attempts, k.name, i.until_date
FROM contacts c JOIN people p ON p.id = c.person_id LEFT JOIN traces t ON t.id = c.trace_id
LEFT JOIN teams k ON k.id = t.team_id LEFT JOIN isolations i ON i.trace_id = t.id AND i.superseded_at IS NULL
WHERE c.case_id = %s AND c.withdrawn_at IS NULL ORDER BY c.last_contact DESC, c.id LIMIT 200
"""

_WHO = (
    b"SELECT s.session_data FROM django_session s WHERE s.session_key = %s AND s.expire_date > now()",
    b"SELECT u.* FROM users u WHERE u.id = %s",
    b"SELECT m.*, k.*, a.* FROM memberships m LEFT JOIN teams k ON k.id = m.team_id LEFT JOIN areas a ON a.code = m.area"
    b" WHERE m.user_id = %s AND m.from_at <= now() AND (m.until_at IS NULL OR m.until_at > now())",
    b"SELECT from_date, policy FROM service_rules ORDER BY from_date",
)

_LOGGED = (
    b"INSERT INTO audit.events (at, user_id, scope, verb, opened) VALUES (now(), %s, 'person', 'list.opened', true)"
)

#: What is asked for: who asks (its place among the people), the address, what is sent, and the plain SQL for the same.
Question = tuple[int, str, dict[str, str] | None, list[tuple[bytes, list[Any]]]]


def _asked(admin: Connection, cases: int) -> dict[str, list[Question]]:
    """What each kind of page is asked for."""

    def rows(statement: bytes) -> list[Any]:
        return list(admin.execute(statement).fetchall())

    draw = random.Random(5)
    local = [team for (team,) in rows(b"SELECT id FROM teams WHERE kind = 'local' ORDER BY id LIMIT 20")]
    national = rows(b"SELECT id, area FROM teams WHERE kind = 'national' ORDER BY id LIMIT 150")
    names = rows(b"SELECT given_name, family_name FROM people TABLESAMPLE BERNOULLI (1) LIMIT 500")
    many = rows(
        f"SELECT t.ref, t.case_id, t.national_team_id FROM traces t WHERE t.case_id IN"
        f" (SELECT generate_series(1000, {cases}, 1000)) AND t.reason = 'case'".encode()
    )
    places = {team: place for place, (team, _) in enumerate(national)}
    searches: list[Question] = []
    for given, family in names:
        place = draw.randrange(20)
        words = {"words": draw.choice([f"{given} {family}", family, f"{family[:4]}, {given[0]}"])}
        whole = words["words"] != f"{family[:4]}, {given[0]}"
        like = [national[place][1], family.lower() if whole else f"{family[:4].lower()}%", f"{given[0].lower()}%"]
        if words["words"] == family:
            like[2] = "%"
        searches.append((place, "/search", words, [(_SEARCH, like)]))
    return {
        "a local team's list": [
            (place, "/local", None, [(_COUNTS, [team]), (_LIST, [team])]) for place, team in enumerate(local)
        ],
        "a lead's list": [
            (place, "/work/team", None, [(_COUNTS, [team]), (_QUEUE, [team])])
            for place, (team, _) in enumerate(national[:20])
        ],
        "a person search": searches,
        "a case with 50 contacts": [
            (places[team], f"/traces/{ref}/contacts", None, [(_CONTACTS, [case])]) for ref, case, team in many
        ],
    }


def _measure(name: str, pages: list[Page], asked: list[Question], admin: Connection, rounds: int) -> list[Figure]:
    """The 95th percentiles of both sides, asked in turns."""
    ours: list[float] = []
    theirs: list[float] = []

    def page(question: Question) -> None:
        ours.append(pages[question[0]](question[1], question[2]))

    def plain(question: Question) -> None:
        session, user = pages[question[0]].who
        began = time.perf_counter()
        for statement, about in zip(_WHO, ([session], [user], [user], []), strict=True):
            admin.execute(statement, about).fetchall()
        with admin.transaction():
            for statement, values in question[3]:
                admin.execute(statement, values).fetchall()
            admin.execute(_LOGGED, [user])
        theirs.append(time.perf_counter() - began)

    for number in range(rounds + 10):
        for side in (page, plain) if number % 2 else (plain, page):
            side(asked[number % len(asked)])
        if number == 9:  # the first ones read templates and tables for the first time
            ours.clear()
            theirs.clear()
    mine, bare = (1000 * sorted(times)[int(0.95 * len(times))] for times in (ours, theirs))
    say(f"  {name}: median {1000 * sorted(ours)[len(ours) // 2]:.1f} ms")
    return [
        at_most(
            GOAL, "lists", f"{name}, p95 of the server's time", mine, "ms", "plain SQL for the same rows, p95", bare
        ),
        under(LIMIT, "lists", f"{name}, p95 of the server's time", mine, "ms", "the limit", LIMIT),
    ]


if __name__ == "__main__":
    with Server().use():
        _catch_up()
