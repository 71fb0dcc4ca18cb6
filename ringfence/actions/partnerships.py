"""Partnerships: offered to every authority, agreed, joined; dated policy; and the clock taking up what was changed.

A change raises the partnership's ``revision``; ``actions.renewal`` takes it up within a minute, before every sweep.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Max

from ringfence.accounts import walls
from ringfence.accounts.models import Team
from ringfence.actions import auditing, checks
from ringfence.actions.errors import Invalid, NotFound, Stale
from ringfence.actions.renewal import Applied as Applied
from ringfence.actions.renewal import apply_changes as apply_changes
from ringfence.partnerships.models import Partnership, Policy
from ringfence.rules.access import ENGLAND, Refused, Scope
from ringfence.rules.calendar import london_date, spoken
from ringfence.rules.lending import may_change_partnership
from ringfence.rules.places import canonical
from ringfence.rules.policy import LAST_FOLLOW_UP_DAY, LONGEST_SET_PERIOD_HOURS, ContactsBy, Model, PartnershipPolicy

FURTHEST = timedelta(days=366)
"""How far ahead a policy or the day of joining may be set."""

POOL_SHARDS = 16


class Established(NamedTuple):
    """How many rows were added: zeroes when everything was there."""

    partnerships: int
    teams: int
    policies: int


class Joined(NamedTuple):
    """The local team of an authority, and from when it is live."""

    team: int
    live_from: datetime


class PolicySet(NamedTuple):
    """The policy that was recorded and the revision that the clock must now take up."""

    policy: PartnershipPolicy
    revision: int


# Offering it to all

_ESTABLISH_PARTNERSHIPS = """
INSERT INTO partnerships (area, stage)
SELECT code, 'offered' FROM areas
WHERE upper_tier AND (opened IS NULL OR opened <= %(day)s) AND (closed IS NULL OR closed > %(day)s)
ORDER BY code
ON CONFLICT DO NOTHING
"""

_ESTABLISH_TEAMS = """
INSERT INTO teams (kind, area, name, queue_shards, opened_at)
SELECT wanted.kind, wanted.area, wanted.name, wanted.shards, %(opened)s FROM (
    SELECT 'national' AS kind, code AS area, name || ' ring-fenced team' AS name, 1 AS shards FROM areas
    WHERE upper_tier AND (opened IS NULL OR opened <= %(day)s) AND (closed IS NULL OR closed > %(day)s)
    UNION ALL
    SELECT 'health_protection', code, name || ' health protection team', 1 FROM areas
    WHERE kind = 'region' AND code LIKE 'E%%'
        AND (opened IS NULL OR opened <= %(day)s) AND (closed IS NULL OR closed > %(day)s)
    UNION ALL
    SELECT 'pool', code, 'National pool', %(shards)s FROM areas WHERE code = %(england)s
) AS wanted
WHERE NOT EXISTS (
    SELECT 1 FROM teams t WHERE t.kind = wanted.kind AND t.area = wanted.area AND t.closed_at IS NULL)
ORDER BY wanted.kind, wanted.area
ON CONFLICT (kind, area) WHERE closed_at IS NULL DO NOTHING
"""

_ESTABLISH_POLICIES = """
INSERT INTO policies (area, from_at, model, set_period_hours, contacts_by, working_days, opens, closes, bank_holidays,
    recorded_at, recorded_by)
SELECT p.area, %(opened)s, 'national_only', 24, 'national', 'YYYYYYY', '09:00', '17:00', false, %(now)s, %(user)s
FROM partnerships p WHERE NOT EXISTS (SELECT 1 FROM policies WHERE policies.area = p.area)
ORDER BY p.area
"""


def establish(*, by: Scope, now: datetime, opened: datetime | None = None) -> Established:
    """Offer the partnership to every upper-tier authority in force, each with its ring-fenced national team.

    Adds what is missing and changes nothing: a partnership and a national-only policy for each authority, a health
    protection team for each region, the national pool. Run again after new geography. ``opened`` (None: now) is since
    when the teams work, for a history that is played. For operations and the command line (scope ``accounts``).
    """
    if by.name != "accounts" and ENGLAND not in by.partnership_of:
        raise Refused("Only national operations offer the partnership to all authorities.")
    values: dict[str, Any] = {"now": now, "opened": opened or now, "day": london_date(now)}
    values |= {"england": ENGLAND, "shards": POOL_SHARDS}
    values["user"] = by.user or None
    with walls.transaction(by):
        counts = []
        for statement in (_ESTABLISH_PARTNERSHIPS, _ESTABLISH_TEAMS, _ESTABLISH_POLICIES):
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                counts.append(cursor.rowcount)
        done = Established(*counts)
        if any(done):
            auditing.record("partnership.established", by=by, now=now, detail=done._asdict())
    return done


# Agreeing and joining


def agree(*, area: str, by: Scope, now: datetime, agreement: str = "") -> None:
    """Record that the authority signed the agreement, and where it is kept. Again: changes only where it is kept."""
    _require(by, area)
    agreement = checks.words("agreement", agreement, 200)
    with walls.transaction(by):
        row = _locked(area)
        if row.stage == Partnership.Stage.OFFERED:
            row.stage, row.agreed_at = Partnership.Stage.AGREED, now
        row.agreement = agreement or row.agreement
        row.save(update_fields=["stage", "agreed_at", "agreement"])
        auditing.record("partnership.agreed", by=by, now=now, area=area)


def join(*, area: str, by: Scope, now: datetime, at: datetime | None = None) -> Joined:
    """The authority's own team takes traces from ``at`` on (None: now). Opens the local team, so people can be added.

    A day of joining that has not come may be moved. What passes to the local team, and when, is the policy's matter.
    """
    _require(by, area)
    at = checks.moment("at", at or now)
    if at < now:
        raise Invalid("at", f"The day of joining cannot be in the past; the earliest is {spoken(now)}.")
    if at > now + FURTHEST:
        raise Invalid("at", "Give a day of joining within the next year.")
    with walls.transaction(by):
        row = _locked(area)
        if row.stage == Partnership.Stage.OFFERED:
            raise Invalid(
                "area", "The agreement is not signed yet. Record the agreement first, then the day of joining."
            )
        if row.joined_at is not None and row.joined_at <= now:
            raise Invalid("at", f"The authority joined at {spoken(row.joined_at)} already.")
        team = _open_team(Team.Kind.LOCAL, area, f"{row.area.name} local team", at)
        row.stage, row.joined_at, row.revision = Partnership.Stage.LIVE, at, row.revision + 1
        row.save(update_fields=["stage", "joined_at", "revision"])
        auditing.record("partnership.joined", by=by, now=now, area=area, team=team, detail={"from": at.isoformat()})
    return Joined(team, at)


def _open_team(kind: str, area: str, name: str, at: datetime) -> int:
    team = Team.objects.filter(kind=kind, area_id=area, closed_at=None).first()
    if team is None:
        return Team.objects.create(kind=kind, area_id=area, name=name, opened_at=at).pk
    if team.opened_at > at:
        Team.objects.filter(pk=team.pk).update(opened_at=at)
    return team.pk


# Policy


def proposed(
    *,
    area: str,
    now: datetime,
    from_at: datetime | None,
    model: str,
    set_period_hours: int | None,
    contacts_by: str,
    working_days: str | Iterable[int],
    opens: time,
    closes: time,
    bank_holidays: bool,
    follow_up_days: Iterable[int] = (),
    visits_from: str = "",
) -> PartnershipPolicy:
    """The policy that a form describes, for ``preview`` and ``set_policy``. ``from_at`` None means now.

    ``working_days`` are 0 for Monday to 6 for Sunday, or seven letters Y or N. Raises Invalid whose ``problems`` has
    every field that is wrong.
    """
    problems: dict[str, str] = {}
    begins = from_at or now
    if begins.tzinfo is None:
        problems["from_at"] = "Give a time with its time zone."
    elif begins < now:
        problems["from_at"] = f"A policy cannot begin in the past; the earliest is {spoken(now)}."
    elif begins > now + FURTHEST:
        problems["from_at"] = "Give a beginning within the next year."
    if model not in list(Model):
        problems["model"] = "Choose who works the authority's traces."
    if contacts_by not in list(ContactsBy):
        problems["contacts_by"] = "Choose which team traces contacts."
    if set_period_hours is None and model != Model.TIMED:
        set_period_hours = 24
    if set_period_hours is None or not 1 <= set_period_hours <= LONGEST_SET_PERIOD_HOURS:
        problems["set_period_hours"] = (
            f"Give the set period as a whole number of hours, 1 to {LONGEST_SET_PERIOD_HOURS}."
        )
    days = _days(working_days)
    if days is None or not days:
        problems["working_days"] = "Choose at least one day on which the local team works."
    if opens.tzinfo is not None or closes.tzinfo is not None:
        problems["opens"] = "Give plain London times."
    elif opens >= closes:
        problems["closes"] = "The local team must close after it opens."
    calls = tuple(sorted(set(follow_up_days)))
    if any(not 1 <= day <= LAST_FOLLOW_UP_DAY for day in calls):
        problems["follow_up_days"] = f"Give days of isolation from 1 to {LAST_FOLLOW_UP_DAY}, such as 4, 8."
    base = canonical(visits_from) if visits_from.strip() else ""
    if base is None:
        problems["visits_from"] = "Give a full postcode, such as BB1 7DY, or leave it empty."
    if problems:
        raise Invalid(*next(iter(problems.items())), problems)
    return PartnershipPolicy(
        area=area,
        from_at=begins,
        model=Model(model),
        set_period_hours=set_period_hours,
        contacts_by=ContactsBy(contacts_by),
        working_days=days or frozenset(),
        opens=opens,
        closes=closes,
        bank_holidays=bank_holidays,
        follow_up_days=calls,
        visits_from=base or "",
    )


def _days(given: str | Iterable[int]) -> frozenset[int] | None:
    if isinstance(given, str):
        if len(given) != 7 or set(given) - {"Y", "N"}:
            return None
        return frozenset(day for day, letter in enumerate(given) if letter == "Y")
    days = frozenset(given)
    return days if days <= frozenset(range(7)) else None


def set_policy(
    *,
    area: str,
    by: Scope,
    now: datetime,
    model: str,
    from_at: datetime | None = None,
    set_period_hours: int | None = 24,
    contacts_by: str = "national",
    working_days: str | Iterable[int] = "YYYYYYY",
    opens: time = time(9),
    closes: time = time(17),
    bank_holidays: bool = False,
    follow_up_days: Iterable[int] = (),
    visits_from: str = "",
    revision: int | None = None,
) -> PolicySet:
    """Record a policy of the authority from ``from_at`` on (None: now). Policies are added, never changed; of two that
    begin at the same moment the later recorded one holds. To leave or to pause is a policy of the model national only.

    ``revision`` is the one that the page showed: Stale when somebody changed the partnership since. A model with a
    local team needs the signed agreement. The clock takes the change up within a minute (``apply_changes``).
    """
    _require(by, area)
    policy = proposed(
        area=area,
        now=now,
        from_at=from_at,
        model=model,
        set_period_hours=set_period_hours,
        contacts_by=contacts_by,
        working_days=working_days,
        opens=opens,
        closes=closes,
        bank_holidays=bank_holidays,
        follow_up_days=follow_up_days,
        visits_from=visits_from,
    )
    with walls.transaction(by):
        row = _locked(area)
        if revision is not None and revision != row.revision:
            raise Stale(
                "Somebody changed this partnership while you had the page open. Nothing was saved.", _changes(area)
            )
        if policy.model is not Model.NATIONAL_ONLY and row.stage == Partnership.Stage.OFFERED:
            raise Invalid(
                "model", "The agreement is not signed yet. Record the agreement first; then traces can pass to it."
            )
        Policy.objects.create(
            area_id=area,
            from_at=policy.from_at,
            model=policy.model.value,
            set_period_hours=policy.set_period_hours or 24,
            contacts_by=policy.contacts_by.value,
            working_days="".join("Y" if day in policy.working_days else "N" for day in range(7)),
            opens=policy.opens,
            closes=policy.closes,
            bank_holidays=policy.bank_holidays,
            follow_up_days=",".join(map(str, policy.follow_up_days)),
            visits_from=policy.visits_from,
            recorded_at=_after_the_last(area, now),
            recorded_by=by.user or None,
        )
        row.revision += 1
        row.save(update_fields=["revision"])
        auditing.record(
            "policy.recorded",
            by=by,
            now=now,
            area=area,
            detail={
                "from": policy.from_at.isoformat(),
                "model": policy.model.value,
                "hours": policy.set_period_hours,
                "revision": row.revision,
            },
        )
    return PolicySet(policy, row.revision)


def _after_the_last(area: str, now: datetime) -> datetime:
    """``now``, or later by so little that the order of recording is kept."""
    last: datetime | None = Policy.objects.filter(area_id=area).aggregate(Max("recorded_at"))["recorded_at__max"]
    return now if last is None or last < now else last + timedelta(microseconds=1)


def _changes(area: str) -> Sequence[str]:
    latest = Policy.objects.filter(area_id=area).order_by("-id").first()
    if latest is None:
        return ()
    return (f"The latest policy is now {Model(latest.model).words.lower()}, from {spoken(latest.from_at)}.",)


def _require(by: Scope, area: str) -> None:
    if by.name == "accounts":
        return
    decision = may_change_partnership(by, area)
    if not decision.allowed:
        raise Refused(decision.why)


def _locked(area: str) -> Partnership:
    """The partnership, nobody else changing it until the end of this transaction."""
    row = Partnership.objects.select_related("area").select_for_update(of=("self",)).filter(area_id=area).first()
    if row is None:
        raise NotFound(f"There is no partnership for {area}.")
    return row
