"""Somebody to work in every national team, for a curve that is traced as well."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import ceil

from ringfence.actions import accounts
from ringfence.actions.accounts import Newcomer
from ringfence.queries import plays, teams
from ringfence.queries.policy import service_policy
from ringfence.rules.access import Member, person_scope, system_scope
from ringfence.rules.handover import TeamKind
from ringfence.simulation.crew import Crew, Floor

ACCOUNTS, INTAKE = system_scope("accounts"), system_scope("intake")

#: Cases of the whole curve for which a team gets one tracer more.
EACH = 400


def staffed(cases: Mapping[str, int], start: datetime, now: datetime, label: str) -> Floor:
    """A floor with new tracers in the team of every upper-tier authority that has cases, and in the national pool.

    ``cases`` are by upper-tier authority; ``label`` makes the e-mail addresses those of this curve alone.
    """
    people: list[Newcomer] = []
    open_teams = {team.id: team for team in teams.open_teams(scope=ACCOUNTS, now=now)}
    for team in sorted(open_teams.values()):
        if team.kind == TeamKind.POOL or (team.kind == TeamKind.NATIONAL and cases.get(team.area)):
            for _ in range(ceil(max(1, cases.get(team.area, 0)) / EACH)):
                email = f"simulated.{label}{len(people) + 1}@example.org"
                people.append(Newcomer(email, f"Simulated tracer {len(people) + 1}", "national_tracer", team.id))
    users = accounts.add_users(people=people, by=ACCOUNTS, now=start)
    floor = Floor(seed=len(people), policy=service_policy(start))
    floor.begin_after(plays.newest_trace(scope=INTAKE))
    for each in people:
        assert each.team is not None
        team = open_teams[each.team]
        crew = floor.crews.get(team.id)
        if crew is None:
            crew = Crew(team.id, TeamKind(team.kind), team.area)
            floor.add(crew)
        member = Member("national_tracer", team.id, team.area, start)
        crew.people.append(person_scope(users[each.email], [member], start))
    return floor
