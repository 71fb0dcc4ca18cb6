"""What is known while somebody is interviewed: the days that matter and the words for them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from ringfence.rules.exposures import Windows, windows
from ringfence.rules.isolation import Isolation, spoken_date
from ringfence.rules.policy import ServicePolicy, in_force
from ringfence.rules.questionnaire import onset as onset_by


def days(
    answers: Mapping[str, Any],
    specimen: date,
    recorded_onset: date | None,
    policies: Sequence[ServicePolicy],
    today: date,
) -> Windows:
    """The windows and the isolation of a case by what was just answered, else by what is on the record.

    A first day of symptoms after today, or one that no policy covers, cannot be: `check` does not let it pass. Raises
    what `exposures.windows` raises.
    """
    return windows(specimen, onset_by(answers, recorded_onset), policies, today)


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
