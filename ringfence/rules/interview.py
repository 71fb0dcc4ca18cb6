"""What is known while somebody is interviewed: the days that matter and the words for them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from ringfence.rules.exposures import Windows, plausible_onset, windows
from ringfence.rules.isolation import Isolation, spoken_date
from ringfence.rules.policy import ServicePolicy, in_force
from ringfence.rules.questionnaire import onset as onset_by

ONSET = "onset_date"
"""The question for the first day of symptoms."""


def days(
    answers: Mapping[str, Any],
    specimen: date,
    recorded_onset: date | None,
    policies: Sequence[ServicePolicy],
    today: date,
) -> Windows:
    """The windows and the isolation of a case by what was just answered, else by what is on the record.

    A first day of symptoms that `onset_problem` does not let pass, where one was kept all the same, is not counted from.
    Raises what `exposures.windows` raises.
    """
    said = onset_by(answers, recorded_onset)
    counted = said is None or plausible_onset(said, specimen, today)
    return windows(specimen, said if counted else recorded_onset, policies, today)


def onset_problem(question: str, value: object, specimen: date | None, today: date) -> str:
    """What is wrong with a first day of symptoms, an ISO date, that is a day like any other; "" where nothing is.

    It is to be within a month of the test, or of today where no test is known: what began long before belongs to another
    illness, and most often the year is mistyped.
    """
    if question != ONSET or not isinstance(value, str) or not value:
        return ""
    if plausible_onset(date.fromisoformat(value), specimen or today, today):
        return ""
    of = f"the test of {specimen:%-d %B %Y}" if specimen else "today"
    return f"This is more than a month from {of}. Check the day and the year"


def facts(
    *,
    given_name: str,
    family_name: str,
    tracer: str,
    birth_date: date | None,
    under_18: bool,
    policies: Sequence[ServicePolicy],
    today: date,
    specimen: date | None = None,
    onset: date | None = None,
    windows: Windows | None = None,
    isolation: Isolation | None = None,
) -> dict[str, Any]:
    """What texts may name and conditions may ask: those of `questionnaire.FACTS` that are known.

    `windows` are those of a case, which has its `isolation` in them; a contact has only that.
    """
    known: dict[str, Any] = {
        "name": f"{given_name} {family_name}".strip(),
        "given_name": given_name or family_name,
        "tracer": tracer,
        "born": spoken_date(birth_date) if birth_date else "no date of birth",
        "tested": specimen,
        "onset": onset,
        "under_18": under_18,
        "exempts": bool(in_force(policies, today).contact_exemptions),
    }
    if windows is not None:
        isolation = windows.isolation
        known |= {
            "infectious_from": windows.infectious.first,
            "infectious_until": windows.infectious.last,
            "backward_from": windows.backward.first,
            "backward_until": windows.backward.last,
        }
    if isolation is not None:
        until = isolation.until_date
        known |= {
            "isolates": until is not None and until >= today,
            "isolate_from": isolation.from_date,
            "isolate_until": until,
            "isolate_days": (until - isolation.day_0).days if until else None,
            "conditions": isolation.conditions,
        }
    return {name: value for name, value in known.items() if value is not None}
