"""People who asked for help, and when it is done."""

from __future__ import annotations

import pytest
from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import interview, support
from ringfence.actions.errors import NotFound
from ringfence.actions.interview import NOT_SAID
from ringfence.actions.taking_up import take_up
from ringfence.queries.support import SHOWN, asked
from ringfence.rules.access import Refused, system_scope
from tests.town import BLACKBURN, HOUR, LUTON, START, events

NOW = START + 2 * HOUR


def ask(trace: int, kind: str = "food", area: str = BLACKBURN) -> int:
    with walls.transaction(system_scope("interviews")), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO referrals (trace_id, person_id, kind, note, area, at)"
            " SELECT id, person_id, %s, 'Two children', %s, %s FROM traces WHERE id = %s RETURNING id",
            [kind, area, START, trace],
        )
        return int(cursor.fetchone()[0])


def test_the_area_s_own_see_who_asked_before_the_trace_is_handed_over(town):
    trace = town.trace()
    ask(trace)
    ask(trace, "money")
    ask(town.trace(LUTON), area=LUTON)
    for name in ("Lola", "Leo", "Dora"):
        waiting, done = asked(scope=town.by(name), now=NOW)
        assert [(each.kind, each.name, each.note) for each in waiting] == [
            ("food", "Person 1 Test", "Two children"),
            ("money", "Person 1 Test", "Two children"),
        ], name
        assert done == ()
    assert len(events("list.opened")) == 3


def test_done_is_done_once_and_stays_for_a_week(town):
    referral = ask(town.trace())
    assert not support.done(referral=referral, by=town.by("Lola"), now=NOW).again
    assert support.done(referral=referral, by=town.by("Dora"), now=NOW + HOUR) == support.Settled(NOW, again=True)
    waiting, done = asked(scope=town.by("Leo"), now=NOW + HOUR)
    assert (waiting, [each.done_by for each in done]) == ((), ["Lola"])
    assert asked(scope=town.by("Leo"), now=NOW + SHOWN + HOUR) == ((), ())
    assert len(events("support.done")) == 1


def test_the_list_has_the_newest_note_of_what_is_still_to_be_done(town):
    trace = town.trace()
    by, version = town.by("Nia"), iter(range(9))

    def say(**answers):
        interview.save(trace=trace, version=next(version), answers=answers, by=by, now=NOW)
        take_up(by=system_scope("interviews"), now=NOW)

    def notes():
        return [{each.kind: each.note for each in some} for some in asked(scope=town.by("Lola"), now=NOW)]

    say(needs_help="yes", support=["food", "money"], support_note="Two children.")
    money = next(each.id for each in asked(scope=town.by("Lola"), now=NOW)[0] if each.kind == "money")
    support.done(referral=money, by=town.by("Lola"), now=NOW)
    say(support_note="Two children and a dog; after six.")
    assert notes() == [{"food": "Two children and a dog; after six."}, {"money": "Two children."}]
    say(has_symptoms="no")
    # What is asked for once more is asked for with what was said since.
    say(support=["food"])
    say(support=["food", "money"])
    assert notes() == [dict.fromkeys(("food", "money"), "Two children and a dog; after six."), {}]
    say(support_note="")
    assert notes() == [{"food": "", "money": ""}, {}]
    say(support="", support_note="")
    assert notes()[0] == {"other": NOT_SAID}
    say(support_note="A walk for the dog.")
    assert notes()[0] == {"other": "A walk for the dog."}


def test_it_is_for_nobody_else(town):
    referral = ask(town.trace())
    for name in ("Nia", "Olu", "Charlie"):
        with pytest.raises(Refused):
            asked(scope=town.by(name), now=NOW)
        with pytest.raises(Refused):
            support.done(referral=referral, by=town.by(name), now=NOW)
    assert asked(scope=town.by("Lars"), now=NOW) == ((), ())
    with pytest.raises(NotFound):
        support.done(referral=referral, by=town.by("Lars"), now=NOW)
