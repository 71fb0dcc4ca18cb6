"""Who plays in the demonstration: the authorities that took the offer, how they work, and the people who sign in."""

from __future__ import annotations

from datetime import time
from typing import NamedTuple

from ringfence.rules.policy import EXERCISE, Model
from ringfence.simulation.wave import Growth

PASSWORD = "stop-the-chain-2020"  # noqa: S105 - everybody's, printed when the demonstration starts
"""The one password of everybody who signs in to the demonstration."""


class Working(NamedTuple):
    """How an authority's partnership works from a day of the play on; the days begin with 0."""

    day: float
    model: Model
    hours: int = 24
    days: str = "YYYYYYY"
    opens: time = time(9)
    closes: time = time(17)
    contacts_by: str = "national"
    bank_holidays: bool = False


class Town(NamedTuple):
    """An authority in the partnership: its code, a short name for e-mail addresses, and its policies, the first of
    which begins when it joins. ``agreed`` is the day of the signature; ``joins`` None: it has only agreed."""

    code: str
    short: str
    agreed: float
    joins: float | None
    policies: tuple[Working, ...] = ()
    local_people: int = 3


#: Leicester's team takes hand-overs round the clock, so that whoever watches at night sees the clock do it too.
TOWNS = (
    Town(
        "E06000008",
        "blackburn",
        0,
        0,
        (Working(0, Model.TIMED, 24, opens=time(8), closes=time(20), bank_holidays=True),),
        5,
    ),
    Town(
        "E06000032",
        "luton",
        0,
        0,
        (Working(0, Model.TIMED, 48, "YYYYYNN"), Working(9, Model.TIMED, 36, "YYYYYYN", contacts_by="local")),
        3,
    ),
    Town(
        "E06000016",
        "leicester",
        0,
        0,
        (Working(0, Model.TIMED, 24, opens=time(0), closes=time(23, 59), bank_holidays=True, contacts_by="local"),),
        7,
    ),
    Town("E08000028", "sandwell", 2, 3, (Working(3, Model.TIMED, 48, opens=time(10), closes=time(18)),), 3),
    Town("E08000004", "oldham", 2.5, 5, (Working(5, Model.TIMED, 24, opens=time(8), closes=time(20)),), 4),
    Town("E08000033", "calderdale", 4, 6, (Working(6, Model.TIMED, 24, "YYYYYYN", time(9), time(18)),), 2),
    Town("E08000011", "knowsley", 6, 8, (Working(8, Model.LOCAL_FIRST, opens=time(8, 30), closes=time(18)),), 3),
    Town("E08000032", "bradford", 8, 10, (Working(10, Model.TIMED, 36, "YYYYYYY", time(9), time(19)),), 3),
    Town("E08000035", "leeds", 11, 16, (Working(16, Model.TIMED, 48, "YYYYYNN"),), 2),
    Town("E08000025", "birmingham", 12, None),
    Town("E10000008", "devon", 12.5, None),
)

#: Three partnership towns rise, so that there is something to see.
GROWING = {
    "E06000008": Growth(18.0, 0.11),
    "E06000016": Growth(9.0, 0.10),
    "E08000004": Growth(7.0, 0.12),
    "E06000032": Growth(14.0, -0.06),
    "E08000028": Growth(6.0, 0.02),
    "E08000032": Growth(4.0, 0.03),
    "E08000011": Growth(8.0, 0.04),
    "E08000033": Growth(6.0, 0.0),
}

#: (place at the beginning of the address, role, what they see): for each of the three that joined first.
SIGN_IN = (
    ("tracer", "national_tracer", "national tracer: the next trace of the ring-fenced team, with the script"),
    ("lead", "national_lead", "lead of the national team: its queue, who has what"),
    ("local", "local_tracer", "local tracer: what the clock handed over"),
    ("local.lead", "local_lead", "lead of the local team"),
    ("director", "director", "director of public health: the authority's page and policy"),
    ("analyst", "analyst", "analyst: the same, read only"),
)
FIRST_THREE = ("blackburn", "luton", "leicester")
NATION = (("operations", "operations"), ("scripts", "script_editor"), ("governance", "governance"))
HEALTH_PROTECTION = (("E12000002", "northwest"), ("E12000004", "eastmidlands"), ("E12000006", "eastofengland"))


def people() -> list[str]:
    """Who can sign in to the demonstration, in lines for the one who started it."""
    lines = [f"Sign in with the password {PASSWORD} as one of:"]
    lines += [f"  {f'{place}.blackburn@example.org':38}{what}" for place, _, what in SIGN_IN]
    lines.append(f"  {'(the same for luton and leicester)':38}")
    lines += [
        f"  {'hpt.northwest@example.org':38}health protection team: what was escalated",
        f"  {'operations@example.org':38}national operations: figures, authorities, deliveries",
        f"  {'scripts@example.org':38}script editor: what is asked, from which day on",
        f"  {'governance@example.org':38}information governance: who opened what",
        "",
        f"Everybody in it is made up; the policy is {EXERCISE.name!r}, in force nowhere.",
    ]
    return lines
