"""Notes between the teams."""

import pytest

from ringfence.actions import handover, notes
from ringfence.actions.errors import Invalid, NotFound
from ringfence.queries import work as work_queries
from ringfence.rules.access import Refused
from tests.town import BLACKBURN, HOUR, START, SWEEP, events, row

NOW = START + HOUR
DUE = START + 25 * HOUR


def test_a_question_goes_to_the_other_team_and_is_answered(town):
    trace = town.trace()
    handover.sweep(by=SWEEP, now=DUE)
    national, local = town.team("national"), town.team("local")
    asked = notes.add(trace=trace, kind="question", text="Did they move?", by=town.by("Nia"), now=DUE)
    assert asked.to_team == local
    own = notes.add(trace=trace, kind="question", text="Which number?", by=town.by("Lola"), now=DUE)
    assert own.to_team == national
    notes.add(trace=trace, kind="answer", text="Yes.", answers=asked.note, by=town.by("Lola"), now=DUE)
    assert next((user, about) for user, _, about, _, _ in events("note.added")) == (town.users["Nia"].pk, trace)
    assert row(trace, "version") == (1,)


def test_an_answer_is_new_to_those_who_asked_until_one_of_them_has_seen_it(town):
    trace = town.trace()
    handover.sweep(by=SWEEP, now=DUE)
    national, local = town.team("national"), town.team("local")
    asked = notes.add(trace=trace, kind="question", text="Did they move?", by=town.by("Nia"), now=DUE)
    # Those who asked themselves are told nothing new by their own answer.
    notes.add(trace=trace, kind="answer", text="I mean: since May?", answers=asked.note, by=town.by("Noah"), now=DUE)
    assert work_queries.questions(scope=town.by("Lola"), team=local, now=DUE) == ()
    done = notes.add(
        trace=trace, kind="answer", text="Yes, to 3 Low Row.", answers=asked.note, by=town.by("Lola"), now=DUE
    )
    assert done.to_team == national
    for name in ("Nia", "Noah"):
        (answer,) = work_queries.new_answers(scope=town.by(name), team=national, now=DUE)
        assert (answer.trace, answer.asked, answer.text, answer.by_name) == (
            trace,
            "Did they move?",
            "Yes, to 3 Low Row.",
            "Lola",
        )
    assert work_queries.new_answers(scope=town.by("Lola"), team=local, now=DUE) == ()
    with pytest.raises(Refused):
        notes.seen(team=national, by=town.by("Lola"), now=DUE)
    assert notes.seen(team=national, by=town.by("Noah"), now=DUE) == 1
    assert notes.seen(team=national, by=town.by("Nia"), now=DUE) == 0
    assert work_queries.new_answers(scope=town.by("Nia"), team=national, now=DUE) == ()
    assert [detail for *_, detail in events("answer.seen")] == [{"answers": 1}]
    # Answered, and not a question to anybody.
    assert work_queries.questions(scope=town.by("Nia"), team=national, now=DUE) == ()


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"kind": "shout"}, "kind"),
        ({"text": "  "}, "text"),
        ({"text": "x" * 2001}, "text"),
        ({"kind": "answer"}, "answers"),
        ({"answers": 1}, "answers"),
        ({"kind": "answer", "answers": 999_999}, "answers"),
        ({"kind": "question"}, "kind"),
    ],
)
def test_what_cannot_be_noted(town, more, field):
    trace = town.trace()
    with pytest.raises(Invalid) as told:
        notes.add(**{"trace": trace, "kind": "note", "text": "Hello", "by": town.by("Nia"), "now": NOW, **more})
    assert told.value.field == field


def test_notes_are_for_those_who_work_on_the_trace(town):
    trace = town.trace(BLACKBURN)
    with pytest.raises(NotFound):
        notes.add(trace=trace, kind="note", text="Hello", by=town.by("Nora"), now=NOW)
    with pytest.raises(Refused):
        notes.add(trace=trace, kind="note", text="Hello", by=town.by("Dora"), now=NOW)
