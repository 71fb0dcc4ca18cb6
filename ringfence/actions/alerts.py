"""What the methods found becomes alerts for the directors, each once; they end, and a director sets one aside.

An alert is found again by its key and kept up to date; it is over when its place has been quiet for fourteen days.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import auditing
from ringfence.actions.checks import words
from ringfence.actions.errors import NotFound
from ringfence.base.references import reference
from ringfence.queries import alerts as queries
from ringfence.rules import alerts as rules
from ringfence.rules.access import Scope
from ringfence.rules.alerts import Finding
from ringfence.rules.calendar import london_date

#: Findings that chance would bring more often than this are no alerts: once a week.
TOO_COMMON = 52.0


@dataclass(frozen=True, slots=True)
class Looked:
    """How many alerts were found for the first time, kept up to date, and ended."""

    found: int = 0
    updated: int = 0
    ended: int = 0


_IDS = "SELECT nextval('alerts_id_seq') FROM generate_series(1, %s)"

_UPSERT = """
WITH given AS (
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS g (id bigint, ref text, key text, method text, area text,
        postcode text, category text, start date, "end" date, cases integer, households integer, observed float8,
        expected float8, score float8, p_value float8, recurrence_days float8, false_alarms float8, rank float8,
        evidence text, detail jsonb, case_ids bigint[])
), kept AS (
    INSERT INTO alerts (id, ref, key, method, area, postcode, category, start, "end", found_at, updated_at, cases, households,
        observed, expected, score, p_value, recurrence_days, false_alarms, rank, evidence, detail)
    SELECT id, ref, key, method, area, postcode, category, start, "end", %(now)s, %(now)s, cases, households, observed,
        expected, score, p_value, recurrence_days, false_alarms, rank, evidence, detail FROM given
    ON CONFLICT (key) DO UPDATE SET start = excluded.start, "end" = excluded."end",
        updated_at = %(now)s, cases = excluded.cases, households = excluded.households, observed = excluded.observed,
        expected = excluded.expected, score = excluded.score, p_value = excluded.p_value,
        recurrence_days = excluded.recurrence_days, false_alarms = excluded.false_alarms, rank = excluded.rank,
        evidence = excluded.evidence, detail = excluded.detail, ended_at = NULL,
        dismissed_at = CASE WHEN excluded.cases > alerts.cases OR alerts.ended_at IS NOT NULL THEN NULL
            ELSE alerts.dismissed_at END,
        dismissed_by = CASE WHEN excluded.cases > alerts.cases OR alerts.ended_at IS NOT NULL THEN NULL
            ELSE alerts.dismissed_by END
    RETURNING id, key, area, found_at = %(now)s AS is_new
), linked AS (
    INSERT INTO alert_cases (alert_id, case_id, added_at)
    SELECT k.id, c.case_id, %(now)s FROM kept k JOIN given g ON g.key = k.key CROSS JOIN LATERAL unnest(g.case_ids) AS c (case_id)
    ON CONFLICT DO NOTHING
)
SELECT id, area, is_new FROM kept
"""


# Those that stand under the key of a finding or have a case of one.
_STANDING = """
SELECT a.method, a.key, a.area, a.start, a."end", a.false_alarms, a.households, a.observed, a.expected, a.score, a.p_value,
    a.postcode, a.category, a.cases, a.detail::text, array(SELECT n.case_id FROM alert_cases n WHERE n.alert_id = a.id)
FROM alerts a
WHERE a.area = ANY (%(areas)s) AND a.ended_at IS NULL AND (a.key = ANY (%(keys)s)
    OR a.id IN (SELECT n.alert_id FROM alert_cases n WHERE n.case_id = ANY (%(cases)s)))
"""


def _standing(findings: Sequence[Finding]) -> list[Finding]:
    rows = queries.rows(
        _STANDING,
        areas=sorted({each.area for each in findings}),
        keys=[each.key for each in findings],
        cases=sorted({case for each in findings for case in each.cases}),
    )
    found = []
    for method, key, area, start, last, rare, *numbers, postcode, category, count, text, cases in rows:
        households, observed, expected, score, p_value = numbers
        detail = json.loads(text)
        found.append(
            Finding(
                rules.Method(method),
                key,
                area,
                detail.get("place", ""),
                start,
                last,
                tuple(cases),
                rare or 0.0,
                households=households,
                observed=observed,
                expected=expected,
                score=score,
                p_value=p_value,
                postcode=postcode,
                category=category,
                complex_setting=detail.get("complex", False),
                also=tuple(detail.get("also", ())),
                elsewhere=detail.get("elsewhere"),
                count=count,
                took=tuple(detail.get("took", ())),
            )
        )
    return found


def keep(findings: Sequence[Finding], *, by: Scope, now: datetime) -> Looked:
    """Write findings as alerts; each thing once, whatever found it and when. The caller holds the transaction."""
    today = london_date(now)
    chosen = [
        each
        for each in rules.one_list(findings, today)
        if each.false_alarms <= TOO_COMMON and not rules.over(each.end, today)
    ]
    if not chosen:
        return Looked()
    chosen, ended = rules.with_standing(chosen, _standing(chosen), today)
    with connection.cursor() as cursor:
        cursor.execute(_IDS, [len(chosen)])
        numbers = [row[0] for row in cursor.fetchall()]
        values = [_row(each, number, today) for each, number in zip(chosen, numbers, strict=True)]
        cursor.execute(_UPSERT, {"rows": json.dumps(values), "now": now})
        written = cursor.fetchall()
        cursor.execute(
            "UPDATE alerts SET ended_at = %s WHERE key = ANY (%s) AND ended_at IS NULL RETURNING id, area", [now, ended]
        )
        _tell("alert.ended", cursor.fetchall(), by, now)
    new = [(number, area) for number, area, is_new in written if is_new]
    _tell("alert.found", new, by, now)
    return Looked(len(new), len(written) - len(new), len(ended))


def _tell(verb: str, alerts: Iterable[tuple[int, str]], by: Scope, now: datetime) -> None:
    auditing.record_many(verb, [{"area": area, "detail": {"alert": number}} for number, area in alerts], by=by, now=now)


def _row(finding: Finding, number: int, today: date) -> dict[str, Any]:
    return {
        "id": number,
        "ref": reference(number),
        "key": finding.key,
        "method": finding.method,
        "area": finding.area,
        "postcode": finding.postcode,
        "category": finding.category,
        "start": finding.start.isoformat(),
        "end": finding.end.isoformat(),
        "cases": finding.number,
        "households": finding.households,
        "observed": finding.observed,
        "expected": finding.expected,
        "score": finding.score,
        "p_value": finding.p_value,
        "recurrence_days": 365 / finding.false_alarms if finding.false_alarms > 0 else None,
        "false_alarms": finding.false_alarms,
        "rank": rules.rank(finding, today),
        "evidence": rules.evidence(finding),
        "detail": {
            "place": finding.place,
            "also": list(finding.also),
            "elsewhere": finding.elsewhere,
            "complex": finding.complex_setting,
            **({"took": list(finding.took)} if finding.took else {}),
        },
        "case_ids": list(finding.cases),
    }


_END = """
UPDATE alerts SET ended_at = %(now)s WHERE ended_at IS NULL AND "end" < %(before)s RETURNING id, area
"""


def end(*, by: Scope, now: datetime) -> Looked:
    """End the alerts whose places have been quiet for long enough."""
    with walls.transaction(by):
        ended = queries.rows(_END, now=now, before=london_date(now) - timedelta(days=rules.QUIET_DAYS))
        _tell("alert.ended", ended, by, now)
    return Looked(ended=len(ended))


def dismiss(*, alert: str, why: str, by: Scope, now: datetime) -> None:
    """Set an alert aside with the reason. It comes back by itself when it grows. Raises NotFound, Refused, Invalid."""
    by.require("clusters")
    told = words("why", why, 200, needed="Say why it needs nothing done.")
    with walls.transaction(by), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE alerts SET dismissed_at = %s, dismissed_by = %s, dismissed_why = %s"
            " WHERE ref = %s AND area = ANY (%s) AND dismissed_at IS NULL RETURNING id, area",
            [now, by.user, told, alert, list(by.areas)],
        )
        row = cursor.fetchone()
        if row is None:
            raise NotFound(f"There is no alert {alert} that you may set aside.")
        auditing.record("alert.dismissed", by=by, now=now, area=row[1], detail={"alert": row[0]})
