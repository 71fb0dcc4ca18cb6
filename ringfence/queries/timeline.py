"""What happened to a trace and to its person, and around them, for whoever may see the trace: one statement for all of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar, cast

from ringfence.accounts import walls
from ringfence.queries.around import AtHome, Called, Exposure, WorkedOut
from ringfence.rules.calendar import london_date

#: How far back "called recently" looks.
RECENTLY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. ``kind`` and ``outcome`` are those of ``rules.attempts``. ``through``: somebody else of the household was
    reached, and spoke for this person; no call of its own."""

    at: datetime
    kind: str
    outcome: str
    by_name: str
    team: str
    team_kind: str
    number: str
    seconds: int | None
    call_back_at: datetime | None
    note: str
    through: bool


@dataclass(frozen=True, slots=True)
class Owner:
    """One finished ownership: ``team`` had the trace from ``since`` until ``until``, and passed it to ``to_team``."""

    team: str
    since: datetime
    until: datetime
    to_team: str
    reason: str
    why: str
    by_name: str


@dataclass(frozen=True, slots=True)
class Note:
    """A note, a question (with ``to_team``) or an answer (with ``answers``)."""

    id: int
    at: datetime
    kind: str
    text: str
    by_name: str
    team: str
    to_team: str
    answers: int | None
    answered: bool


@dataclass(frozen=True, slots=True)
class Detail:
    """What a team knows beside what the laboratory gave. ``kind`` is phone, email or address; ``wrong_at`` when it was
    found to be wrong."""

    id: int
    kind: str
    value: str
    source: str
    added_at: datetime
    by_name: str
    team: str
    wrong_at: datetime | None


@dataclass(frozen=True, slots=True)
class Happening:
    """Anything else in the history. ``kind``: result, message, answers, interview, visit.

    ``what`` is the kind's own word (a result, a channel, a state), ``text`` what was said of it; ``on`` is its
    day and ``number`` its count, where it has any. ``by_name`` is "" for the service itself. Of a message ``about`` is its
    kind in ``rules.messages`` and ``why`` what went wrong with it.
    """

    at: datetime
    kind: str
    by_name: str
    team: str
    what: str
    text: str
    on: date | None
    number: int | None
    about: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Other:
    """Another trace about the same person that the reader may open."""

    ref: str
    reason: str
    team: str
    created_at: datetime
    closed: bool


@dataclass(frozen=True, slots=True)
class Past:
    """Everything around a trace. The first six parts and ``worked_out`` are in the order of time, ``exposures`` and
    ``called`` the latest first."""

    attempts: tuple[Attempt, ...]
    owners: tuple[Owner, ...]
    notes: tuple[Note, ...]
    details: tuple[Detail, ...]
    happenings: tuple[Happening, ...]
    others: tuple[Other, ...]
    worked_out: tuple[WorkedOut, ...]
    exposures: tuple[Exposure, ...]
    called: tuple[Called, ...]
    at_home: tuple[AtHome, ...]


# Each part by its own index, and not more of it than anybody reads; the rows as JSON, because they differ.
_HISTORY = """
SELECT part, body::text FROM (
    (SELECT 'attempts' AS part, a.at, a.id, jsonb_build_array(a.at, a.kind, a.outcome, coalesce(u.name, ''), k.name,
        k.kind, a.number, a.seconds, a.call_back_at, a.note, a.through_id IS NOT NULL) AS body
    FROM attempts a JOIN teams k ON k.id = a.team_id LEFT JOIN users u ON u.id = a.user_id
    WHERE a.trace_id = %(trace)s ORDER BY a.at DESC, a.id DESC LIMIT 200)
    UNION ALL
    (SELECT 'owners', h.at, h.seq, jsonb_build_array(f.name, h.since, h.at, k.name, h.reason, h.why, coalesce(u.name, ''))
    FROM handovers h JOIN teams f ON f.id = h.from_team_id JOIN teams k ON k.id = h.to_team_id
    LEFT JOIN users u ON u.id = h.user_id
    WHERE h.trace_id = %(trace)s ORDER BY h.seq DESC LIMIT 200)
    UNION ALL
    (SELECT 'notes', n.at, n.id, jsonb_build_array(n.id, n.at, n.kind, n.text, coalesce(u.name, ''), k.name,
        coalesce(o.name, ''), n.answers_id, EXISTS (SELECT 1 FROM notes a WHERE a.answers_id = n.id))
    FROM notes n JOIN teams k ON k.id = n.team_id LEFT JOIN teams o ON o.id = n.to_team_id
    LEFT JOIN users u ON u.id = n.user_id
    WHERE n.trace_id = %(trace)s ORDER BY n.at DESC, n.id DESC LIMIT 200)
    UNION ALL
    (SELECT 'details', d.added_at, d.id, jsonb_build_array(d.id, d.kind, d.value, d.source, d.added_at,
        coalesce(u.name, ''), k.name, d.wrong_at)
    FROM details d JOIN teams k ON k.id = d.team_id LEFT JOIN users u ON u.id = d.added_by
    WHERE d.person_id = %(person)s ORDER BY d.id DESC LIMIT 100)
    UNION ALL
    (SELECT 'happenings', r.recorded_at, r.id, jsonb_build_array(r.recorded_at, 'result', '', r.laboratory, r.result,
        r.test_type, r.specimen_date, NULL)
    FROM results r WHERE r.person_id = %(person)s ORDER BY r.specimen_date DESC, r.id DESC LIMIT 50)
    UNION ALL
    (SELECT 'happenings', m.created_at, m.id, jsonb_build_array(m.created_at, 'message', coalesce(u.name, ''), '',
        m.channel, m.state, NULL, NULL, x.key, m.error)
    FROM messages m JOIN templates x ON x.id = m.template_id LEFT JOIN users u ON u.id = m.created_by
    WHERE m.trace_id = %(trace)s ORDER BY m.id DESC LIMIT 50)
    UNION ALL
    (SELECT 'happenings', g.at, g.id, jsonb_build_array(g.at, 'answers', coalesce(u.name, ''), coalesce(k.name, ''),
        g.source, '', NULL, g.questions)
    FROM (
        -- What one person saved within a quarter of an hour is one thing that happened.
        SELECT max(a.at) AS at, max(a.id) AS id, count(DISTINCT a.question) AS questions, a.user_id, a.team_id, a.source
        FROM interviews i JOIN answers a ON a.interview_id = i.id WHERE i.trace_id = %(trace)s
        GROUP BY a.user_id, a.team_id, a.source, date_bin('15 minutes', a.at, timestamptz '2020-01-01')
        ORDER BY max(a.id) DESC LIMIT 50) g
    LEFT JOIN users u ON u.id = g.user_id LEFT JOIN teams k ON k.id = g.team_id)
    UNION ALL
    (SELECT 'happenings', i.completed_at, 0, jsonb_build_array(i.completed_at, 'interview', coalesce(u.name, ''), '', '', '', NULL,
        NULL)
    FROM interviews i LEFT JOIN users u ON u.id = i.completed_by
    WHERE i.trace_id = %(trace)s AND i.completed_at IS NOT NULL)
    UNION ALL
    (SELECT 'happenings', v.planned_at, v.id, jsonb_build_array(v.planned_at, 'visit', coalesce(u.name, ''), k.name, '', '',
        v.on_date, NULL)
    FROM visits v JOIN teams k ON k.id = v.team_id LEFT JOIN users u ON u.id = v.planned_by
    WHERE v.trace_id = %(trace)s AND v.state = 'planned')
    UNION ALL
    (SELECT 'others', t.created_at, t.id, jsonb_build_array(t.ref, t.reason, k.name, t.created_at, t.closed_at IS NOT NULL)
    FROM person_traces p JOIN traces t ON t.id = p.trace_id JOIN teams k ON k.id = t.team_id
    WHERE p.person_id = %(person)s AND p.trace_id <> %(trace)s LIMIT 20)
    UNION ALL
    (SELECT 'worked_out', i.computed_at, i.id, jsonb_build_array(i.day_0, i.from_date, i.until_date, i.policy, i.why,
        i.because, i.computed_at, i.superseded_at)
    FROM isolations i WHERE i.trace_id = %(trace)s AND i.person_id = %(person)s ORDER BY i.computed_at, i.id LIMIT 100)
    UNION ALL
    (SELECT 'exposures', c.last_contact::timestamptz, c.id, jsonb_build_array(c.last_contact, c.household, c.relation,
        c.identified_at, c.withdrawn_at, c.withdrawn_why, c.spoken_for_at)
    FROM contacts c WHERE c.person_id = %(person)s AND c.trace_id = %(trace)s ORDER BY c.last_contact DESC, c.id LIMIT 50)
    UNION ALL
    (SELECT 'called', c.at, 0, jsonb_build_array(c.at, k.name, c.kind, c.outcome, c.same_number)
    FROM casework.called_recently(%(trace)s, %(since)s) c JOIN teams k ON k.id = c.team_id)
    UNION ALL
    (SELECT 'at_home', %(now)s, h.id, jsonb_build_array(h.id, h.ref, h.reason,
        coalesce(p.given_name || ' ' || p.family_name, ''),
        coalesce(p.birth_date <= %(today)s - interval '18 years', p.adult), k.name,
        h.claimed_by IS NOT NULL AND h.ready_at > %(now)s, h.ready_at)
    FROM casework.at_home(%(trace)s) h JOIN teams k ON k.id = h.team_id LEFT JOIN people p ON p.id = h.person_id)
) e
ORDER BY e.at, e.id
"""

Part = TypeVar("Part")


def history(trace: int, person: int, now: datetime) -> Past:
    """Everything around the trace and its person at ``now``, in the caller's transaction and scope."""
    arguments = {"trace": trace, "person": person, "now": now, "today": london_date(now), "since": now - RECENTLY}
    rows: list[tuple[str, str]] = walls.rows(_HISTORY, arguments)
    bodies: dict[str, list[list[Any]]] = {}
    for part, body in rows:
        bodies.setdefault(part, []).append(json.loads(body))

    def made(part: str, kind: type[Part]) -> tuple[Part, ...]:
        readers = _readers(cast("Any", kind))
        return tuple(
            kind(
                *[
                    value if read is None or value is None else read(value)
                    for read, value in zip(readers, body, strict=False)  # the last fields may be left out
                ]
            )
            for body in bodies.get(part, ())
        )

    return Past(
        made("attempts", Attempt),
        made("owners", Owner),
        made("notes", Note),
        made("details", Detail),
        made("happenings", Happening),
        made("others", Other),
        made("worked_out", WorkedOut),
        made("exposures", Exposure)[::-1],
        made("called", Called)[::-1],
        tuple(sorted(made("at_home", AtHome), key=lambda each: (each.reason, each.trace))),
    )


@lru_cache
def _readers(kind: Any) -> tuple[Any, ...]:
    """What makes moments and days of a value's fields out of JSON's texts; None for a field that is as it is."""
    known = {"datetime": datetime.fromisoformat, "date": date.fromisoformat}
    return tuple(known.get(str(each.type).removesuffix(" | None")) for each in fields(kind))
