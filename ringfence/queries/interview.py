"""An interview as it stands: the questions, the latest answer to each with who gave it, the earlier ones, and the days
that follow from what was answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ringfence.accounts import walls
from ringfence.queries import questionnaires
from ringfence.queries.policy import service_policies
from ringfence.queries.questionnaires import Version
from ringfence.queries.traces import Record, trace
from ringfence.rules import ages
from ringfence.rules import interview as rules
from ringfence.rules.access import NotFound, Scope
from ringfence.rules.answers import kept
from ringfence.rules.calendar import london_date
from ringfence.rules.exposures import Windows
from ringfence.rules.isolation import Isolation
from ringfence.rules.questionnaire import (
    Progress,
    Question,
    Questionnaire,
    may_disclose,
    missing,
    onset,
    progress,
    unnamed,
    visible,
)

MOST_ANSWERS = 2000


@dataclass(frozen=True, slots=True)
class Given:
    """One answer as it was given. ``by_name`` and ``team`` are empty for the resident's own."""

    id: int
    question: str
    value: Any
    at: datetime
    by_name: str
    team: str
    source: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """An interview. ``id`` is 0 and ``version`` 0 for one that nobody has begun.

    ``answers``: the latest to each question that has one. ``earlier``: those that it took the place of, latest first.
    ``windows`` are a case's, ``isolation`` is None where no rule gives one. ``facts`` fill the texts.
    """

    id: int
    trace: int
    reason: str
    version: int
    questionnaire: Version
    started_at: datetime | None
    started_name: str
    completed_at: datetime | None
    completed_name: str
    resident_at: datetime | None
    resident_completed_at: datetime | None
    answers: Mapping[str, Given]
    earlier: Mapping[str, tuple[Given, ...]]
    facts: Mapping[str, Any]
    windows: Windows | None
    isolation: Isolation | None

    @property
    def values(self) -> dict[str, Any]:
        """The latest answers themselves."""
        return {key: given.value for key, given in self.answers.items()}

    @property
    def may_disclose(self) -> bool:
        return may_disclose(self.values, self.facts)

    @property
    def progress(self) -> tuple[Progress, ...]:
        return progress(self.questionnaire.questionnaire, self.values, self.facts)

    @property
    def missing(self) -> tuple[Question, ...]:
        return missing(self.questionnaire.questionnaire, self.values, self.facts)

    @property
    def unnamed(self) -> tuple[Question, ...]:
        """Lists that hold nobody, where they said that there is somebody."""
        return unnamed(self.questionnaire.questionnaire, self.values, self.facts)

    def asked(self, section: str = "") -> tuple[Question, ...]:
        """The questions that a tracer asks, of one section when it is named."""
        return visible(self.questionnaire.questionnaire, self.values, self.facts, section=section)


_ABOUT = """
SELECT t.reason, p.given_name, p.family_name, p.birth_date, p.adult, c.first_specimen_date, c.onset_date,
    i.id, i.version, i.questionnaire_id, i.started_at, coalesce(s.name, ''), i.completed_at, coalesce(d.name, ''),
    i.resident_at, i.resident_completed_at, coalesce(me.name, '')
FROM traces t JOIN people p ON p.id = t.person_id
LEFT JOIN cases c ON c.id = t.case_id
LEFT JOIN interviews i ON i.trace_id = t.id
LEFT JOIN users s ON s.id = i.started_by
LEFT JOIN users d ON d.id = i.completed_by
LEFT JOIN users me ON me.id = %(user)s
WHERE t.id = %(trace)s
"""

_ANSWERS = """
SELECT a.id, a.question, a.value::text, a.at, coalesce(u.name, ''), coalesce(k.name, ''), a.source
FROM answers a LEFT JOIN users u ON u.id = a.user_id LEFT JOIN teams k ON k.id = a.team_id
WHERE a.interview_id = %(interview)s ORDER BY a.id DESC LIMIT %(limit)s
"""

_ISOLATION = """
SELECT i.day_0, i.from_date, i.until_date, i.policy, i.why FROM isolations i
WHERE i.superseded_at IS NULL AND i.trace_id IN (
    SELECT %(trace)s UNION SELECT p.trace_id FROM person_traces p WHERE p.person_id = (
        SELECT t.person_id FROM traces t WHERE t.id = %(trace)s))
ORDER BY i.trace_id = %(trace)s DESC, i.until_date DESC NULLS LAST LIMIT 1
"""


def interview(*, scope: Scope, ref: str, now: datetime) -> tuple[Record, Sheet]:
    """The record of a trace and its interview; the opening is logged. Raises NotFound."""
    with walls.transaction(scope):
        record = trace(scope=scope, ref=ref, now=now)
        return record, sheet(scope=scope, trace=record.id, now=now)


def begun(*, scope: Scope, ref: str, now: datetime) -> tuple[Record, Sheet | None]:
    """The record of a trace, and its interview if anybody began one; the opening is logged. Raises NotFound."""
    with walls.transaction(scope):
        record = trace(scope=scope, ref=ref, now=now)
        return record, sheet(scope=scope, trace=record.id, now=now) if record.interview else None


def sheet(*, scope: Scope, trace: int, now: datetime) -> Sheet:
    """The interview of a trace whose opening is logged already. Raises NotFound."""
    today = london_date(now)
    with walls.transaction(scope):
        about = _one(_ABOUT, {"trace": trace, "user": scope.user})
        if about is None:
            raise NotFound(f"There is no trace {trace} that you may see.")
        reason, given_name, family_name, born, adult, specimen, recorded_onset, id_, version, asked, *rest = about
        started_at, started_name, completed_at, completed_name, resident_at, resident_completed_at, tracer = rest
        questionnaire = (
            questionnaires.by_number(scope=scope, number=asked)
            if asked
            else questionnaires.in_force(scope=scope, key=reason, now=now)
        )
        answers, earlier = _answers(id_ or 0, questionnaire.questionnaire, today)
        found = None if specimen else _one(_ISOLATION, {"trace": trace})
        policies = service_policies()
    values = {key: given.value for key, given in answers.items()}
    windows = rules.days(values, specimen, recorded_onset, policies, max(today, specimen)) if specimen else None
    isolation = windows.isolation if windows else _isolation(found)
    return Sheet(
        id_ or 0,
        trace,
        reason,
        version or 0,
        questionnaire,
        started_at,
        started_name,
        completed_at,
        completed_name,
        resident_at,
        resident_completed_at,
        answers,
        earlier,
        rules.facts(
            given_name=given_name,
            family_name=family_name,
            tracer=tracer.split(" ")[0],
            birth_date=born,
            under_18=ages.under_18(_born(born, values), adult, today),
            policies=policies,
            today=today,
            specimen=specimen,
            onset=onset(values, recorded_onset),
            windows=windows,
            isolation=isolation,
        ),
        windows,
        isolation,
    )


def _one(sql: str, arguments: dict[str, Any]) -> Any:
    return next(iter(walls.rows(sql, arguments)), None)


def _answers(
    interview: int, asked: Questionnaire, today: date
) -> tuple[dict[str, Given], dict[str, tuple[Given, ...]]]:
    given: dict[str, list[Given]] = {}
    for number, question, value, *rest in walls.rows(_ANSWERS, {"interview": interview, "limit": MOST_ANSWERS}):
        said = kept(asked.get(question), value, today)
        given.setdefault(question, []).append(Given(number, question, said, *rest))
    return {key: all_[0] for key, all_ in given.items()}, {key: tuple(all_[1:]) for key, all_ in given.items()}


def _isolation(found: Any) -> Isolation | None:
    if found is None:
        return None
    day_0, from_date, until_date, policy, why = found
    return Isolation(day_0, from_date, until_date, policy, (), why)


def _born(born: date | None, answers: Mapping[str, Any]) -> date | None:
    """The date of birth: that of the record, else the one just given."""
    given = answers.get("birth_date")
    return born or (date.fromisoformat(given) if isinstance(given, str) else None)
