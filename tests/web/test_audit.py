"""The page of what was done: every act that the service records has words there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import ringfence
from ringfence.rules.bulk import What
from ringfence.web.views.audit import WORDS, _shown

ROOT = Path(ringfence.__file__).parent
VERB = re.compile(r"[a-z][a-z ]*\.[a-z][a-z_ ]*")
IN_SQL = re.compile(rf"'({VERB.pattern})'")
WRITES = ("audit.events", "resident_tell")
#: Verbs whose end is worked out, by their beginning.
MADE = {
    "trace.bulk_": [each.value for each in What],
    "message.": ["sent", "delivered", "failed", "cancelled"],
    "followup.": ["became_case", "lost"],
}
NO_VERBS = {"c.care_home", "t.queued"}


def recorded() -> set[str]:
    """Every verb in the code: whole strings of the layers that record, and those in SQL that writes to the audit."""
    found: set[str] = set()
    for layer in ("actions", "queries", "casework", "accounts", "partnerships", "residents", "worker", "cli"):
        for path in (ROOT / layer).rglob("*.py"):
            text = path.read_text()
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    if layer in ("actions", "queries") and VERB.fullmatch(node.value):
                        found.add(node.value)
                    if any(each in node.value for each in WRITES):
                        found.update(IN_SQL.findall(node.value))
    for beginning, ends in MADE.items():
        found |= {beginning + end for end in ends}
    return found - MADE.keys() - NO_VERBS


def test_every_act_that_is_recorded_has_words() -> None:
    verbs = recorded()
    assert {"trace.claimed", "resident.knocked", "incident.action added", "alerts.listed", "trace.moved"} <= verbs
    assert sorted(verbs ^ WORDS.keys()) == []


def test_the_ends_of_verbs_that_are_worked_out_are_named() -> None:
    worked_out = re.compile(r'"([a-z]+\.(?:[a-z_]*(?={)|(?=")))')
    found = {each for path in (ROOT / "actions").glob("*.py") for each in worked_out.findall(path.read_text())}
    assert found == MADE.keys()


def test_a_list_says_how_many_it_showed_and_what_it_was_narrowed_to() -> None:
    assert _shown({"list": "queue", "traces": 12}) == "queue, 12 traces"
    assert (
        _shown({"people": 1, "filters": {"sector": "LE1 5", "care_home": ""}})
        == "1 case (postcodes LE1 5, in care homes)"
    )
    assert _shown({"people": 3, "filters": {}}) == "3 cases"
    filters = {"since": "2026-11-16", "until": "2026-11-22", "outcome": "no_details"}
    assert (
        _shown({"people": 3, "filters": filters})
        == "3 cases (from Monday 16 November, until Sunday 22 November, tracing no contact details)"
    )
    assert _shown({"list": "setting", "traces": 1}) == "place, 1 trace"
    assert _shown({"questions": ["support"]}) == ""
