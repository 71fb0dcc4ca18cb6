"""Questionnaires in the record: installed once, changed by a script editor from a date on, never overwritten."""

from __future__ import annotations

import pytest

from ringfence.actions import questionnaires
from ringfence.actions.errors import Invalid
from ringfence.queries import questionnaires as queries
from ringfence.rules import scripts
from ringfence.rules.access import NotFound, Refused
from tests.town import HOUR, INTERVIEWS, START, Town, events

NEXT = START + HOUR


def text(title: str = "Another") -> str:
    return scripts.to_text(questionnaires.packaged("followup")).replace("title: Follow-up call", f"title: {title}")


def test_the_first_ones_are_installed_once_and_hold_since_the_launch(town: Town) -> None:
    assert questionnaires.install(by=INTERVIEWS, now=START) == ()
    found = queries.versions(scope=INTERVIEWS)
    assert [(each.key, each.version, each.by_name) for each in found] == [
        ("case", 1, ""),
        ("contact", 1, ""),
        ("followup", 1, ""),
    ]
    long_ago = questionnaires.FIRST + HOUR
    assert queries.in_force(scope=INTERVIEWS, key="case", now=long_ago).questionnaire == questionnaires.packaged("case")
    with pytest.raises(NotFound):
        queries.in_force(scope=INTERVIEWS, key="case", now=questionnaires.FIRST - HOUR)


def test_a_new_version_holds_from_its_date_on(town: Town) -> None:
    sid = town.by("Sid")
    added = questionnaires.change(key="followup", text=text(), from_at=NEXT, by=sid, now=START)
    assert (added.key, added.version, added.from_at) == ("followup", 2, NEXT)
    before = queries.in_force(scope=sid, key="followup", now=NEXT - HOUR)
    after = queries.in_force(scope=sid, key="followup", now=NEXT)
    assert [before.version, after.version] == [1, 2]
    assert [before.questionnaire.title, after.questionnaire.title] == ["Follow-up call", "Another"]
    assert (after.by_name, after.recorded_at) == ("Sid", START)
    assert queries.by_number(scope=sid, number=before.id) == before
    assert [each.version for each in queries.versions(scope=sid, key="followup")] == [2, 1]
    ((user, opened, trace, team, detail),) = events("questionnaire.changed")
    assert (user, opened, trace, team) == (sid.user, False, None, None)
    assert detail["key"] == "followup" and detail["version"] == 2


def test_of_two_for_one_moment_the_later_recorded_holds(town: Town) -> None:
    sid = town.by("Sid")
    for title in ("First thoughts", "Second thoughts"):
        questionnaires.change(key="followup", text=text(title), from_at=NEXT, by=sid, now=START)
    assert queries.in_force(scope=sid, key="followup", now=NEXT).questionnaire.title == "Second thoughts"


@pytest.mark.parametrize("name", ["Nia", "Lena", "Dora", "Olu", "Gil", "Charlie"])
def test_nobody_else_changes_what_is_asked(town: Town, name: str) -> None:
    with pytest.raises(Refused):
        questionnaires.change(key="case", text=text(), from_at=NEXT, by=town.by(name), now=START)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("key", {"key": "neighbour"}),
        ("text", {"text": "title: Nothing"}),
        ("text", {"text": "x" * 200_001}),
        ("from_at", {"from_at": START - HOUR}),
        ("from_at", {"from_at": START.replace(tzinfo=None)}),
    ],
)
def test_what_cannot_be_a_version_says_what_to_do(town: Town, field: str, wrong: dict[str, object]) -> None:
    given = {"key": "followup", "text": text(), "from_at": NEXT, **wrong}
    with pytest.raises(Invalid) as problem:
        questionnaires.change(by=town.by("Sid"), now=START, **given)  # type: ignore[arg-type]
    assert problem.value.field == field
    assert len(queries.versions(scope=INTERVIEWS)) == 3
