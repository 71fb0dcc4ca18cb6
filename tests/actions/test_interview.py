"""The interview: begun once, saved as it goes, never overwritten unseen, done when what must be asked was asked."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import interview, questionnaires, work
from ringfence.actions.errors import Invalid, NotFound, Stale
from ringfence.actions.interview import NOT_SAID
from ringfence.queries import interview as queries
from ringfence.rules import scripts
from ringfence.rules.access import Refused
from tests.town import HOUR, INTERVIEWS, LUTON, MINUTE, START, Town, events, row

NOW = START + HOUR
WHO = {"identity_confirmed": "yes", "speaking_to": "self", "interpreter": "no"}
REST = {"has_symptoms": "no", "any_contacts": "no", "any_places": "no", "needs_help": "no", "told": "yes"}
ANN = {"id": "ann1", "given_name": "Ann", "relation": "household", "last_contact": "2026-11-15"}
BEN = {"id": "ben1", "given_name": "Ben", "relation": "work", "last_contact": "2026-11-15"}


def sheet(town: Town, trace: int, name: str = "Nia") -> queries.Sheet:
    return queries.sheet(scope=town.by(name), trace=trace, now=NOW)


def save(town: Town, trace: int, version: int, name: str = "Nia", now: Any = NOW, **answers: object) -> interview.Saved:
    return interview.save(trace=trace, version=version, answers=answers, by=town.by(name), now=now)


def referrals(town: Town) -> list[tuple[Any, ...]]:
    with walls.transaction(town.by("Nia")), connection.cursor() as cursor:
        cursor.execute("SELECT kind, note, area, done_at FROM referrals ORDER BY kind")
        return list(cursor.fetchall())


def test_it_is_begun_once(town: Town) -> None:
    trace = town.trace()
    for name, now in (("Nia", NOW), ("Noah", NOW + HOUR)):
        assert interview.save(trace=trace, version=0, answers={}, by=town.by(name), now=now).version == 0
    found = sheet(town, trace)
    assert (found.version, found.started_at, found.started_name) == (0, NOW, "Nia")
    assert [each[0] for each in events("interview.begun")] == [town.users["Nia"].pk]


def test_what_was_said_is_there_with_who_and_when_and_what_was_said_before(town: Town) -> None:
    trace = town.trace()
    saved = save(town, trace, 0, has_symptoms="yes", onset_date="14 11 2026", language="")
    assert (saved.version, saved.questions, saved.problems) == (1, ("has_symptoms", "onset_date"), ())
    again = save(town, trace, 1, "Noah", NOW + MINUTE, onset_date="2026-11-13", has_symptoms="yes")
    assert (again.version, again.questions) == (2, ("onset_date",))
    found = sheet(town, trace)
    onset = found.answers["onset_date"]
    assert (onset.value, onset.by_name, onset.at, onset.source) == ("2026-11-13", "Noah", NOW + MINUTE, "tracer")
    assert [(each.value, each.by_name) for each in found.earlier["onset_date"]] == [("2026-11-14", "Nia")]
    assert set(found.answers) == {"has_symptoms", "onset_date"}
    assert [each[-1] for each in events("interview.saved")] == [
        {"questions": ["has_symptoms", "onset_date"]},
        {"questions": ["onset_date"]},
    ]


def test_the_days_follow_from_what_was_just_answered(town: Town) -> None:
    trace = town.trace()
    before = sheet(town, trace)
    assert before.windows is not None
    assert before.facts["infectious_from"] == date(2026, 11, 14)  # two days before the test on the 16th
    save(town, trace, 0, has_symptoms="yes", onset_date="2026-11-12")
    after = sheet(town, trace).facts
    assert after["infectious_from"] == date(2026, 11, 10)
    assert (after["backward_from"], after["backward_until"]) == (date(2026, 11, 5), date(2026, 11, 9))
    assert after["isolate_until"] == date(2026, 11, 22)


def test_what_cannot_be_is_said_and_the_rest_is_saved(town: Town) -> None:
    trace = town.trace()
    wrong = {**BEN, "phone": "ring"}
    saved = save(town, trace, 0, any_contacts="yes", contacts=[ANN, wrong], onset_date="31 2 2026")
    assert saved.questions == ("any_contacts", "contacts")
    assert [(each.question, each.where) for each in saved.problems] == [("contacts", "1-phone"), ("onset_date", "")]
    assert [each["id"] for each in sheet(town, trace).values["contacts"]] == ["ann1"]
    old = {**BEN, "birth_date": "3/4/1880"}
    (problem,) = save(town, trace, saved.version, contacts=[ANN, old]).problems
    assert (problem.where, problem.message) == ("1-birth_date", "Check the year of birth: they would be older than 120")


def test_an_entry_is_never_dropped(town: Town) -> None:
    trace = town.trace()
    save(town, trace, 0, contacts=[ANN, BEN])
    save(town, trace, 1, contacts=[{**BEN, "withdrawn": "Named twice"}])
    found = sheet(town, trace).values["contacts"]
    assert [(each["id"], each["withdrawn"]) for each in found] == [("ann1", ""), ("ben1", "Named twice")]


def test_two_people_in_one_interview_overwrite_nothing(town: Town) -> None:
    trace = town.trace()
    save(town, trace, 0, **WHO)
    save(town, trace, 1, "Noah", NOW + MINUTE, has_symptoms="yes")
    with pytest.raises(Stale) as problem:
        save(town, trace, 1, "Nia", NOW + 2 * MINUTE, has_symptoms="no", any_contacts="no")
    assert problem.value.changes == ("Noah answered 'Unwell' at 09:01 on Monday 16 November.",)
    found = sheet(town, trace)
    assert found.values["has_symptoms"] is True
    assert "any_contacts" not in found.values


def test_who_answers_something_else_meanwhile_is_not_held_up(town: Town) -> None:
    trace = town.trace()
    save(town, trace, 0, **WHO)
    save(town, trace, 1, "Noah", NOW + MINUTE, has_symptoms="yes")
    assert save(town, trace, 1, "Nia", NOW + 2 * MINUTE, has_symptoms="yes", any_contacts="no").version == 3


def test_the_resident_and_the_tracer_at_once(town: Town) -> None:
    trace = town.trace()
    interview.save(trace=trace, version=0, answers={}, by=town.by("Nia"), now=NOW)
    begun = sheet(town, trace)
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO answers (interview_id, trace_id, question, value, at, source)"
            " VALUES (%s, %s, 'has_symptoms', 'false', %s, 'resident')",
            [begun.id, trace, NOW + MINUTE],
        )
        cursor.execute("UPDATE interviews SET version = 1 WHERE id = %s", [begun.id])
    with pytest.raises(Stale) as problem:
        save(town, trace, 0, "Nia", NOW + 2 * MINUTE, has_symptoms="yes")
    assert "The resident answered" in problem.value.changes[0]
    assert sheet(town, trace).values["has_symptoms"] is False
    assert save(town, trace, 1, "Nia", NOW + 3 * MINUTE, has_symptoms="yes").version == 2


@pytest.mark.parametrize("name", ["Nick", "Nora", "Lola", "Hana", "Gil", "Olu", "Sid", "Charlie"])
def test_who_is_not_of_the_team_saves_nothing(town: Town, name: str) -> None:
    trace = town.trace()
    for verb in (
        lambda by: interview.save(trace=trace, version=0, answers=WHO, by=by, now=NOW),
        lambda by: interview.complete(trace=trace, version=0, by=by, now=NOW),
    ):
        with pytest.raises((NotFound, Refused)):
            verb(town.by(name))
    assert sheet(town, trace).id == 0
    with pytest.raises(NotFound):
        queries.interview(scope=town.by(name), ref=str(row(trace, "ref")[0]), now=NOW)


def test_who_reads_the_area_saves_nothing(town: Town) -> None:
    trace = town.trace()
    save(town, trace, 0, **WHO)
    with pytest.raises(Refused):
        save(town, trace, 1, "Dora", has_symptoms="no")
    _, found = queries.interview(scope=town.by("Dora"), ref=str(row(trace, "ref")[0]), now=NOW)
    assert found.values["speaking_to"] == "self"


def test_reading_it_is_opening_the_record(town: Town) -> None:
    trace = town.trace()
    queries.interview(scope=town.by("Nia"), ref=str(row(trace, "ref")[0]), now=NOW)
    assert [(each[1], each[2]) for each in events("trace.opened")] == [(True, trace)]


def test_help_goes_to_the_council_s_support_in_the_same_step(town: Town) -> None:
    trace = town.trace()
    save(town, trace, 0, needs_help="yes", support=["food", "money"], support_note="After four.")
    assert referrals(town) == [("food", "After four.", "E06000008", None), ("money", "After four.", "E06000008", None)]
    save(town, trace, 1, "Nia", NOW + MINUTE, support=["food", "medicine"])
    assert [(kind, done) for kind, _, _, done in referrals(town)] == [
        ("food", None),
        ("medicine", None),
        ("money", NOW + MINUTE),
    ]
    save(town, trace, 2, "Nia", NOW + 2 * MINUTE, needs_help="no")
    assert [done for *_, done in referrals(town)] == [NOW + 2 * MINUTE, NOW + 2 * MINUTE, NOW + MINUTE]
    save(town, trace, 3, "Nia", NOW + 3 * MINUTE, needs_help="yes")
    assert [done for *_, done in referrals(town)] == [None, None, NOW + MINUTE]


def test_help_without_a_kind_is_passed_on_and_asked_for_before_it_is_done(town: Town) -> None:
    trace = town.trace()
    save(town, trace, 0, needs_help="yes")
    assert referrals(town) == [("other", NOT_SAID, "E06000008", None)]
    told = queries.interview(scope=town.by("Nia"), ref=str(row(trace, "ref")[0]), now=NOW)
    assert "support" in [question.key for question in told[1].missing]
    save(town, trace, 1, "Nia", NOW + MINUTE, support=["food"])
    assert referrals(town) == [("food", "", "E06000008", None), ("other", NOT_SAID, "E06000008", NOW + MINUTE)]


def test_a_long_interview_does_not_lapse(town: Town) -> None:
    trace = town.trace()
    claimed = work.claim(team=town.team("national"), by=town.by("Nia"), now=NOW)
    assert claimed is not None
    later = NOW + 25 * MINUTE
    save(town, trace, 0, "Nia", later, **WHO)
    assert row(trace, "ready_at", "version") == (later + timedelta(minutes=30), claimed.version)
    save(town, trace, 1, "Noah", later + MINUTE, has_symptoms="no")
    assert row(trace, "ready_at") == (later + timedelta(minutes=30),)


def test_done_when_what_must_be_asked_was_asked(town: Town) -> None:
    trace = town.trace()
    by = town.by("Nia")
    with pytest.raises(Invalid) as none:
        interview.complete(trace=trace, version=0, by=by, now=NOW)
    assert none.value.field == "identity_confirmed"
    save(town, trace, 0, **WHO)
    with pytest.raises(Invalid) as some:
        interview.complete(trace=trace, version=1, by=by, now=NOW)
    assert set(some.value.problems) == {"has_symptoms", "any_contacts", "any_places", "needs_help", "told"}
    save(town, trace, 1, **REST)
    with pytest.raises(Stale):
        interview.complete(trace=trace, version=1, by=by, now=NOW)
    done = interview.complete(trace=trace, version=2, by=by, now=NOW)
    found = sheet(town, trace)
    assert (found.version, found.completed_at, found.completed_name) == (done.version, NOW, "Nia")
    assert [each[2] for each in events("interview.completed")] == [trace]


def test_nobody_is_done_whose_identity_does_not_match(town: Town) -> None:
    trace = town.trace()
    save(town, trace, 0, **{**WHO, **REST, "identity_confirmed": "no"})
    with pytest.raises(Invalid) as problem:
        interview.complete(trace=trace, version=1, by=town.by("Nia"), now=NOW)
    assert problem.value.field == "identity_confirmed"


def test_under_18_a_parent_or_guardian_speaks(town: Town) -> None:
    trace = town.trace(born=date(2014, 1, 1))
    save(town, trace, 0, **WHO, **REST)
    with pytest.raises(Invalid) as problem:
        interview.complete(trace=trace, version=1, by=town.by("Nia"), now=NOW)
    assert problem.value.field == "speaking_to"
    save(town, trace, 1, speaking_to="guardian", guardian_name="Mo Test")
    interview.complete(trace=trace, version=2, by=town.by("Nia"), now=NOW)


def test_it_goes_on_with_the_questions_it_began_with(town: Town) -> None:
    trace, other = town.trace(), town.trace()
    save(town, trace, 0, **WHO)
    text = scripts.to_text(questionnaires.packaged("case")).replace("title: Interview of a case", "title: New")
    questionnaires.change(key="case", text=text, from_at=NOW + MINUTE, by=town.by("Sid"), now=NOW)
    later = NOW + HOUR
    for number, title in ((trace, "Interview of a case"), (other, "New")):
        found = queries.sheet(scope=town.by("Nia"), trace=number, now=later)
        assert found.questionnaire.questionnaire.title == title


def test_a_question_that_is_not_there_and_a_version_to_come(town: Town) -> None:
    trace = town.trace()
    with pytest.raises(Invalid):
        save(town, trace, 0, shoe_size="7")
    with pytest.raises(Invalid):
        save(town, trace, 5, **WHO)
    assert sheet(town, trace).id == 0


def test_another_authority_s_trace_is_not_there(town: Town) -> None:
    trace = town.trace(LUTON)
    with pytest.raises(NotFound):
        save(town, trace, 0, **WHO)
