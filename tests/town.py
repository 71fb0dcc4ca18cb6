"""A small country for the tests, made through the verbs.

    National pool                       pool        Pat
    Blackburn with Darwen (E06000008)   national    Nia, Noah, Lena (lead)    timed hand-over after 24 hours,
                                        local       Lola, Luke, Leo (lead)    every day from 9 to 5
    Luton (E06000032)                   national    Nora                      local team from the start
                                        local       Lars
    Leicester (E06000016)               national    Nick                      national only
    North West health protection team               Hana
    Directors, governance, operations               Dora (Blackburn), Gil, Olu
    Script editor                                   Sid

Everything begins at ``START``, a Monday at 08:00. Charlie has no role and must see nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import count

from django.db import connection

from ringfence.accounts import walls
from ringfence.accounts.models import Membership, Team, User, memberships_of, scope_from
from ringfence.actions import partnerships, questionnaires, templates
from ringfence.base.references import reference
from ringfence.partnerships.models import ServiceRule
from ringfence.queries.policy import authority_teams
from ringfence.rules.access import Scope, system_scope
from ringfence.rules.allocation import Residence, place
from ringfence.rules.calendar import LONDON
from ringfence.rules.policy import EXERCISE

START = datetime(2026, 11, 16, 8, tzinfo=LONDON)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

ENGLAND = "E92000001"
NORTH_WEST = "E12000002"
BLACKBURN = "E06000008"
LUTON = "E06000032"
LEICESTER = "E06000016"

ACCOUNTS = system_scope("accounts")
INTAKE = system_scope("intake")
SWEEP = system_scope("sweep")
INTERVIEWS = system_scope("interviews")
MESSAGES = system_scope("messages")

PEOPLE: dict[str, tuple[str, str, str]] = {
    "Pat": ("national_tracer", "pool", ENGLAND),
    "Nia": ("national_tracer", "national", BLACKBURN),
    "Noah": ("national_tracer", "national", BLACKBURN),
    "Lena": ("national_lead", "national", BLACKBURN),
    "Lola": ("local_tracer", "local", BLACKBURN),
    "Luke": ("local_tracer", "local", BLACKBURN),
    "Leo": ("local_lead", "local", BLACKBURN),
    "Nora": ("national_tracer", "national", LUTON),
    "Lars": ("local_tracer", "local", LUTON),
    "Nick": ("national_tracer", "national", LEICESTER),
    "Hana": ("health_protection", "health_protection", NORTH_WEST),
    "Dora": ("director", "", BLACKBURN),
    "Gil": ("governance", "", ENGLAND),
    "Olu": ("operations", "", ENGLAND),
    "Sid": ("script_editor", "", ENGLAND),
}


def scope_of(user: User, now: datetime) -> Scope:
    """The scope of somebody, from the memberships that hold at a moment."""
    return scope_from(user, memberships_of(user, now), now)


@dataclass
class Town:
    """The country after ``build``."""

    teams: Mapping[tuple[str, str], int]
    users: Mapping[str, User]
    numbers: count[int] = field(default_factory=lambda: count(1))

    def team(self, kind: str, area: str = BLACKBURN) -> int:
        return self.teams[kind, area]

    def by(self, name: str, now: datetime = START) -> Scope:
        """The scope of somebody at a moment."""
        return scope_of(self.users[name], now)

    def trace(
        self,
        area: str | None = BLACKBURN,
        *,
        now: datetime = START,
        phone: str | None = None,
        phone_other: str = "",
        email: str = "",
        born: date = date(1980, 3, 4),
        household: int | None = None,
        care_home: bool = False,
        priority: int = 5,
    ) -> int:
        """A new case with its trace, placed by the rules; the trace's number."""
        number = next(self.numbers)
        given = "" if area is None else area
        home = Residence(given, given, "The postcode given at the test is in no authority." if area is None else "")
        with walls.transaction(INTAKE), connection.cursor() as cursor:
            placed = place(home, authority_teams(now, [given]), self.team("pool", ENGLAND), now)
            cursor.execute(
                "INSERT INTO people (match_key, given_name, family_name, birth_date, sex, ethnicity, phone,"
                " phone_other, email, address, postcode, gp_postcode, care_home, household, updated_at)"
                " VALUES (%s, %s, 'Test', %s, 'F', '', %s, %s, %s, '1 High Street', 'BB1 1AA', '', %s, %s, %s)"
                " RETURNING id",
                [
                    number,
                    f"Person {number}",
                    born,
                    f"0770090{number:04}" if phone is None else phone,
                    phone_other,
                    email,
                    care_home,
                    household,
                    now,
                ],
            )
            person = cursor.fetchone()[0]
            cursor.execute(
                "INSERT INTO standings (person_id, area, why, from_at) VALUES (%s, %s, 'lives', %s)",
                [person, area or ENGLAND, now],
            )
            cursor.execute(
                "INSERT INTO cases (person_id, episode, first_specimen_date, last_positive_date, authority, ltla,"
                " postcode, care_home, opened_at, updated_at)"
                " VALUES (%s, 1, %s, %s, %s, %s, 'BB1 1AA', %s, %s, %s) RETURNING id",
                [person, now.date(), now.date(), given, given, care_home, now, now],
            )
            case = cursor.fetchone()[0]
            cursor.execute(
                "INSERT INTO traces (ref, shard, reason, person_id, case_id, authority, team_id, area,"
                " national_team_id, passes_to_id, owned_since, created_at, why, priority, due_at, due_why,"
                " queued, phone, household)"
                " SELECT %s, CASE WHEN k.queue_shards = 1 THEN 0 ELSE %s %% k.queue_shards END, 'case', %s, %s, %s,"
                " k.id, %s, %s, %s, %s, %s, %s, %s, %s, %s, true, p.phone, %s FROM teams k, people p"
                " WHERE k.id = %s AND p.id = %s RETURNING id",
                [
                    reference(number),
                    number,
                    person,
                    case,
                    given,
                    placed.area,
                    placed.national_team,
                    placed.passes_to,
                    now,
                    now,
                    placed.why,
                    priority,
                    placed.due_at,
                    placed.due_why,
                    household,
                    placed.team,
                    person,
                ],
            )
            return int(cursor.fetchone()[0])


def build() -> Town:
    """Make the country."""
    now = START
    questionnaires.install(by=INTERVIEWS, now=now - 24 * HOUR)
    partnerships.establish(by=ACCOUNTS, now=now - 24 * HOUR)
    for area, model in ((BLACKBURN, "timed"), (LUTON, "local_first")):
        partnerships.agree(area=area, by=ACCOUNTS, now=now)
        partnerships.join(area=area, by=ACCOUNTS, now=now)
        partnerships.set_policy(
            area=area, by=ACCOUNTS, now=now, model=model, set_period_hours=24, opens=time(9), closes=time(17)
        )
    ServiceRule.objects.create(from_date=date(2026, 1, 1), policy=EXERCISE.name)
    templates.install(by=MESSAGES, now=now)
    teams = {(kind, area): pk for kind, area, pk in Team.objects.values_list("kind", "area_id", "pk")}
    users = {}
    with walls.transaction(ACCOUNTS):
        for name, (role, kind, area) in PEOPLE.items():
            users[name] = User.objects.create_user(f"{name.lower()}@example.org", name)
            Membership.objects.create(
                user=users[name],
                role=role,
                team_id=teams[kind, area] if kind else None,
                area_id=None if kind else area,
                from_at=now,
            )
    users["Charlie"] = User.objects.create_user("charlie@example.org", "Charlie")
    return Town(teams, users)


def row(trace: int, *columns: str) -> tuple[object, ...]:
    """Columns of a trace as they are, seen by the clock."""
    with walls.transaction(SWEEP), connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(columns)} FROM traces WHERE id = %s", [trace])
        found: tuple[object, ...] = cursor.fetchone()
    return found


def owners(trace: int) -> list[tuple[object, ...]]:
    """The finished ownerships: from team, since, to team, at, reason."""
    with walls.transaction(SWEEP), connection.cursor() as cursor:
        cursor.execute(
            "SELECT from_team_id, since, to_team_id, at, reason FROM handovers WHERE trace_id = %s ORDER BY seq",
            [trace],
        )
        return list(cursor.fetchall())


def events(verb: str) -> list[tuple[object, ...]]:
    """The audit events of a verb: user, opened, trace, team, detail."""
    with walls.transaction(system_scope("audit")), connection.cursor() as cursor:
        cursor.execute(
            "SELECT user_id, opened, trace_id, team_id, detail::text FROM audit.events WHERE verb = %s ORDER BY id",
            [verb],
        )
        return [(*found, json.loads(detail or "null")) for *found, detail in cursor.fetchall()]
