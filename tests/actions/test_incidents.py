"""From an alert to a closed incident."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import detection, taking_part
from ringfence.actions import incidents as verbs
from ringfence.actions.errors import Invalid, NotFound, Stale
from ringfence.queries import alerts, incidents
from ringfence.rules.access import Refused, Scope, system_scope
from tests.together import together
from tests.town import BLACKBURN, HOUR, LUTON, START, Town, events, row

INTERVIEWS = system_scope("interviews")
NOW = START + HOUR


@pytest.fixture
def dora(town: Town) -> Scope:
    return town.by("Dora")


def ref_of(trace: int) -> str:
    return str(row(trace, "ref")[0])


def settings(*told: tuple[str, str, str]) -> None:
    """Places in the directory: reference, kind, authority."""
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO settings (ref, kind, name, name_key, authority, created_at) VALUES (%s, %s, %s, %s, %s, %s)",
            [(ref, kind, f"Place {ref}", ref.lower(), authority, START) for ref, kind, authority in told],
        )


def alerted(town: Town) -> str:
    """An alert about two cases who named the gym."""
    settings(("GGG-GGG", "leisure", BLACKBURN))
    for household in (1, 2):
        number, person = row(town.trace(household=household), "case_id, person_id")
        with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
            cursor.execute(
                'INSERT INTO exposures (case_id, person_id, entry, place, postcode, category, from_date, until_date, "window",'
                " source, recorded_at, setting_id) SELECT %s, %s, 'a', 'Flex', 'ZE1 0AA', 'sport', %s, %s, 'both', 'tracer',"
                " %s, id FROM settings WHERE ref = 'GGG-GGG'",
                [number, person, START.date(), START.date(), START],
            )
    detection.look(by=system_scope("detection"), now=START)
    return alerts.alerts(scope=town.by("Dora"), area=BLACKBURN, now=NOW)[0].ref


@pytest.fixture
def alert(town: Town) -> str:
    return alerted(town)


def opened(dora: Scope, alert: str = "", title: str = "Flex") -> str:
    return verbs.open_incident(area=BLACKBURN, title=title, alert=alert, by=dora, now=NOW).ref


def test_an_incident_from_an_alert_has_its_cases_and_evidence(dora: Scope, alert: str) -> None:
    ref = opened(dora, alert)
    found = incidents.incident(scope=dora, ref=ref, now=NOW)
    assert (found.title, found.alert, len(found.cases), found.quiet) == ("Flex", alert, 2, 0)
    assert found.summary == found.evidence != ""
    assert {each.why for each in found.cases} == {"It was in the alert."}
    assert [(each.ref, each.cases, each.why) for each in found.settings] == [("GGG-GGG", 2, "It was in the alert.")]
    assert found.named == ()
    (line,) = incidents.incidents(scope=dora, area=BLACKBURN, now=NOW)
    assert (line.ref, line.cases, line.closed_at) == (ref, 2, None)
    assert alerts.alerts(scope=dora, area=BLACKBURN, now=NOW)[0].incident == ref
    with pytest.raises(Invalid, match="was opened from this alert already"):
        opened(dora, alert)


def test_two_who_open_an_alert_at_once_have_one_incident(real_town: Town) -> None:
    alert, dora = alerted(real_town), real_town.by("Dora")
    got = together(*[lambda: opened(dora, alert)] * 4)
    refused = [each.field for each in got if isinstance(each, Invalid)]
    assert refused == ["alert"] * 3
    assert len(incidents.incidents(scope=dora, area=BLACKBURN, now=NOW)) == 1


def test_cases_come_and_go_with_a_reason(town: Town, dora: Scope) -> None:
    ref, trace = opened(dora), town.trace()
    with pytest.raises(Invalid, match="Say why the case belongs"):
        verbs.add_case(incident=ref, trace=ref_of(trace), why="", by=dora, now=NOW)
    verbs.add_case(incident=ref, trace=ref_of(trace), why="Same office.", by=dora, now=NOW)
    with pytest.raises(Invalid, match="belongs to this incident already"):
        verbs.add_case(incident=ref, trace=ref_of(trace), why="Again.", by=dora, now=NOW)
    case = int(str(row(trace, "case_id")[0]))
    verbs.remove_case(incident=ref, case=case, why="Another office.", by=dora, now=NOW)
    found = incidents.incident(scope=dora, ref=ref, now=NOW)
    assert found.cases == () and [each.removed_why for each in found.removed] == ["Another office."]
    verbs.add_case(incident=ref, trace=ref_of(trace), why="After all.", by=dora, now=NOW)
    with pytest.raises(NotFound):
        verbs.remove_case(incident=ref, case=case + 1000, why="x", by=dora, now=NOW)


def test_places_come_and_go_with_a_reason(dora: Scope, alert: str) -> None:
    settings(("SSS-SSS", "school", BLACKBURN), ("HHH-HHH", "home", BLACKBURN), ("LLL-LLL", "school", LUTON))
    ref = opened(dora, alert)
    with pytest.raises(Invalid, match="Say why the place belongs"):
        verbs.add_setting(incident=ref, setting="SSS-SSS", why=" ", by=dora, now=NOW)
    verbs.add_setting(incident=ref, setting="sss sss", why="Same class.", by=dora, now=NOW)
    with pytest.raises(Invalid, match="Place SSS-SSS belongs to this incident already"):
        verbs.add_setting(incident=ref, setting="SSS-SSS", why="Again.", by=dora, now=NOW)
    for nobody_s in ("HHH-HHH", "LLL-LLL", "ZZZ-ZZZ"):
        with pytest.raises(Invalid, match="There is no place"):
            verbs.add_setting(incident=ref, setting=nobody_s, why="x", by=dora, now=NOW)
    gym, school = incidents.incident(scope=dora, ref=ref, now=NOW).settings
    assert (gym.ref, school.ref, school.cases, school.why) == ("GGG-GGG", "SSS-SSS", 0, "Same class.")
    with pytest.raises(Invalid, match="Say why the place does not"):
        verbs.remove_setting(incident=ref, setting=gym.id, why="", by=dora, now=NOW)
    verbs.remove_setting(incident=ref, setting=gym.id, why="It was shut.", by=dora, now=NOW)
    found = incidents.incident(scope=dora, ref=ref, now=NOW)
    assert [each.ref for each in found.settings] == ["SSS-SSS"]
    assert [(each.ref, each.removed_why) for each in found.settings_removed] == [("GGG-GGG", "It was shut.")]
    assert [(each.ref, each.cases) for each in found.named] == [("GGG-GGG", 2)], "still to be linked again"
    with pytest.raises(NotFound):
        verbs.remove_setting(incident=ref, setting=gym.id, why="Twice.", by=dora, now=NOW)
    assert [each[-1]["setting"] for each in events("incident.place added")] == [school.id]


def test_a_past_day_has_what_was_linked_and_done_by_its_end(dora: Scope, alert: str) -> None:
    """Opened on day 0 with two cases and the gym; a case out, the gym out and an action on day 2; done on day 3, closed on 4."""
    day = 24 * HOUR
    ref = opened(dora, alert)
    first, *_ = incidents.incident(scope=dora, ref=ref, now=NOW).cases
    gym = incidents.incident(scope=dora, ref=ref, now=NOW).settings[0].id
    verbs.remove_case(incident=ref, case=first.case, why="Another gym.", by=dora, now=NOW + 2 * day)
    verbs.remove_setting(incident=ref, setting=gym, why="It was shut.", by=dora, now=NOW + 2 * day)
    due = START.date() + timedelta(days=9)
    verbs.add_action(incident=ref, what="Ring.", owner="Leo", due_on=due, by=dora, now=NOW + 2 * day)
    action = incidents.incident(scope=dora, ref=ref, now=NOW + 2 * day).actions[0].id
    verbs.finish_action(incident=ref, action=action, by=dora, now=NOW + 3 * day)
    version = incidents.incident(scope=dora, ref=ref, now=NOW).version
    verbs.close(incident=ref, version=version, outcome="over", by=dora, now=NOW + 4 * day)
    asked = {"scope": dora, "now": NOW + 9 * day}
    told = []
    for after in range(5):
        on = START.date() + timedelta(days=after)
        then = incidents.incident(ref=ref, on=on, **asked)
        (line,) = incidents.incidents(area=BLACKBURN, on=on, **asked)
        assert (line.cases, line.outcome) == (len(then.cases), then.outcome) and then.quiet == after
        sizes = (then.cases, then.removed, then.settings, then.settings_removed, then.named)
        told.append((*map(len, sizes), [each.done_at is not None for each in then.actions], then.outcome))
    assert told == [
        *[(2, 0, 1, 0, 0, [], "")] * 2,
        (1, 1, 0, 1, 1, [False], ""),
        (1, 1, 0, 1, 1, [True], ""),
        (1, 1, 0, 1, 1, [True], "over"),
    ]
    before = START.date() - timedelta(days=1)
    assert incidents.incidents(area=BLACKBURN, on=before, **asked) == ()
    with pytest.raises(NotFound):
        incidents.incident(ref=ref, on=before, **asked)


def test_a_case_of_another_authority_is_not_linked(town: Town, dora: Scope) -> None:
    ref, trace = opened(dora), town.trace(LUTON)
    for given in (ref_of(trace), "ZZZ-ZZZ"):
        with pytest.raises(Invalid, match="There is no case"):
            verbs.add_case(incident=ref, trace=given, why="x", by=dora, now=NOW)
    # Where the case's authority is another one than that of its trace, the case's counts.
    moved = town.trace()
    with walls.transaction(system_scope("intake")), connection.cursor() as cursor:
        cursor.execute("UPDATE cases SET authority = %s WHERE id = %s", [LUTON, row(moved, "case_id")[0]])
    with pytest.raises(Invalid, match="There is no case"):
        verbs.add_case(incident=ref, trace=ref_of(moved), why="Trained there.", by=dora, now=NOW)


def test_a_chain_follows_contacts_who_became_cases(town: Town, dora: Scope) -> None:
    ref, first, second = opened(dora), town.trace(), town.trace(now=START + 5 * 24 * HOUR)
    case, person = row(first, "case_id, person_id")
    became, contact = row(second, "case_id, person_id")
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts (case_id, case_person_id, person_id, entry, relation, last_contact, identified_at, source,"
            " became_case_id, became_case_at) VALUES (%s, %s, %s, 'a', 'work', %s, %s, 'tracer', %s, %s)",
            [case, person, contact, START.date(), START, became, START],
        )
    for trace in (first, second):
        verbs.add_case(incident=ref, trace=ref_of(trace), why="Same office.", by=dora, now=NOW)
    found = incidents.incident(scope=dora, ref=ref, now=NOW + 6 * 24 * HOUR)
    members = [each.member for each in found.cases]
    assert [(each.generation, each.infector, each.certainty) for each in members if each] == [
        (0, None, ""),
        (1, case, "likely"),
    ]


def test_actions_have_an_owner_and_a_day_and_are_done(dora: Scope) -> None:
    ref = opened(dora)
    due = START.date() + timedelta(days=2)
    with pytest.raises(Invalid, match="Say who does it"):
        verbs.add_action(incident=ref, what="Ring the manager.", due_on=due, by=dora, now=NOW)
    verbs.add_action(incident=ref, what="Ring the manager.", owner="Leo", due_on=due, by=dora, now=NOW)
    verbs.add_action(incident=ref, what="The manager rang back.", by=dora, now=NOW)
    by_what = {each.what: each for each in incidents.incident(scope=dora, ref=ref, now=NOW).actions}
    action = by_what["Ring the manager."]
    assert (action.owner, action.due_on, action.done_at) == ("Leo", due, None)
    verbs.finish_action(incident=ref, action=action.id, by=dora, now=NOW)
    with pytest.raises(NotFound, match="not open"):
        verbs.finish_action(incident=ref, action=action.id, by=dora, now=NOW)


def test_a_closed_incident_stays_as_it_is(town: Town, dora: Scope) -> None:
    ref, trace = opened(dora), town.trace()
    version = incidents.incident(scope=dora, ref=ref, now=NOW).version
    with pytest.raises(Invalid, match="Choose how it ended"):
        verbs.close(incident=ref, version=version, outcome="", by=dora, now=NOW)
    verbs.add_action(incident=ref, what="Written.", by=dora, now=NOW)
    with pytest.raises(Stale):
        verbs.close(incident=ref, version=version, outcome="over", by=dora, now=NOW)
    verbs.close(incident=ref, version=version + 1, outcome="over", by=dora, now=NOW)
    for change in (
        lambda: verbs.add_case(incident=ref, trace=ref_of(trace), why="x", by=dora, now=NOW),
        lambda: verbs.add_setting(incident=ref, setting="GGG-GGG", why="x", by=dora, now=NOW),
        lambda: verbs.add_action(incident=ref, what="x", by=dora, now=NOW),
        lambda: verbs.close(incident=ref, version=version + 2, outcome="over", by=dora, now=NOW),
    ):
        with pytest.raises(Refused, match="is closed"):
            change()


def test_an_incident_is_for_those_who_answer_for_the_area(town: Town, dora: Scope) -> None:
    ref = opened(dora)
    other = Scope("person", 999, areas=(LUTON,), standing=(LUTON,), permissions=dora.permissions)
    with pytest.raises(NotFound):
        incidents.incident(scope=other, ref=ref, now=NOW)
    with pytest.raises(NotFound):
        verbs.add_action(incident=ref, what="x", by=other, now=NOW)
    with pytest.raises(NotFound):
        verbs.open_incident(area=LUTON, title="x", by=dora, now=NOW)
    with pytest.raises(Refused):
        verbs.open_incident(area=BLACKBURN, title="x", by=town.by("Nia"), now=NOW)
    with pytest.raises(Invalid, match="Give it a name"):
        opened(dora, title=" ")


@pytest.fixture
def luton(dora: Scope) -> Scope:
    """Who answers for Luton."""
    return replace(dora, areas=(LUTON,), standing=(LUTON,))


def asked(dora: Scope, ref: str, why: str = "Your residents train there too.") -> None:
    taking_part.ask(incident=ref, area=LUTON, why=why, by=dora, now=NOW)


def agreed(dora: Scope, luton: Scope) -> str:
    """An incident of Blackburn in which Luton takes part."""
    ref = opened(dora)
    asked(dora, ref)
    (ask,) = incidents.asks(scope=luton, area=LUTON)
    assert taking_part.answer(asked=ask.id, agrees=True, by=luton, now=NOW) == ref
    return ref


def test_another_authority_is_asked_and_sees_only_why_until_it_agrees(dora: Scope, luton: Scope) -> None:
    ref = opened(dora)
    with pytest.raises(Invalid, match="Say why they should take part"):
        asked(dora, ref, why=" ")
    asked(dora, ref)
    with pytest.raises(Invalid, match="Luton was asked already"):
        asked(dora, ref)
    (ask,) = incidents.asks(scope=luton, area=LUTON)
    assert (ask.lead, ask.why) == (BLACKBURN, "Your residents train there too.")
    with pytest.raises(NotFound):
        incidents.incident(scope=luton, ref=ref, now=NOW)
    with pytest.raises(NotFound):
        taking_part.answer(asked=ask.id, agrees=True, by=dora, now=NOW)
    assert taking_part.answer(asked=ask.id, agrees=True, by=luton, now=NOW) == ref
    assert incidents.asks(scope=luton, area=LUTON) == ()
    assert [each.ref for each in incidents.incidents(scope=luton, area=LUTON, now=NOW)] == [ref]
    assert not incidents.incident(scope=luton, ref=ref, now=NOW).mine
    for verb in ("incident.asked", "incident.agreed"):
        assert len(events(verb)) == 1


def test_who_declines_says_why_and_may_be_asked_again(dora: Scope, luton: Scope) -> None:
    ref = opened(dora)
    asked(dora, ref)
    (ask,) = incidents.asks(scope=luton, area=LUTON)
    with pytest.raises(Invalid, match="Say why not"):
        taking_part.answer(asked=ask.id, agrees=False, by=luton, now=NOW)
    assert taking_part.answer(asked=ask.id, agrees=False, why="None of ours.", by=luton, now=NOW) == ""
    (partner,) = incidents.incident(scope=dora, ref=ref, now=NOW).partners
    assert (partner.agreed_at, partner.ended_why) == (None, "None of ours.")
    with pytest.raises(NotFound):
        taking_part.answer(asked=ask.id, agrees=True, by=luton, now=NOW)
    asked(dora, ref)
    assert len(incidents.asks(scope=luton, area=LUTON)) == 1


def test_each_links_its_own_cases_and_sees_of_the_other_s_reference_day_and_outcome(
    town: Town, dora: Scope, luton: Scope
) -> None:
    ref, here, there = agreed(dora, luton), town.trace(), town.trace(LUTON)
    verbs.add_case(incident=ref, trace=ref_of(here), why="Trained there.", by=dora, now=NOW)
    verbs.add_case(incident=ref, trace=ref_of(there), why="Trained there.", by=luton, now=NOW + 48 * HOUR)
    for scope, own, other in ((dora, here, there), (luton, there, here)):
        found = {each.ref: each for each in incidents.incident(scope=scope, ref=ref, now=NOW).cases}
        assert set(found) == {ref_of(here), ref_of(there)}
        assert found[ref_of(own)].name and found[ref_of(own)].postcode
        assert (found[ref_of(other)].name, found[ref_of(other)].postcode) == ("", "")
        assert found[ref_of(other)].day == START.date()
    with pytest.raises(NotFound):
        verbs.remove_case(incident=ref, case=int(str(row(here, "case_id")[0])), why="x", by=luton, now=NOW)
    verbs.add_action(incident=ref, what="Ring the gym.", by=luton, now=NOW)
    version = incidents.incident(scope=luton, ref=ref, now=NOW).version
    with pytest.raises(Refused, match="Only the authority that opened"):
        verbs.close(incident=ref, version=version, outcome="over", by=luton, now=NOW)
    with pytest.raises(Refused, match="Only the authority that opened"):
        taking_part.ask(incident=ref, area="E06000016", why="You too.", by=luton, now=NOW)


@pytest.mark.parametrize("who", ["dora", "luton"])
def test_either_can_end_it_and_its_cases_go_with_it(town: Town, dora: Scope, luton: Scope, who: str) -> None:
    ref, there = agreed(dora, luton), town.trace(LUTON)
    verbs.add_case(incident=ref, trace=ref_of(there), why="Trained there.", by=luton, now=NOW)
    by = {"dora": dora, "luton": luton}[who]
    with pytest.raises(Invalid, match="Say why"):
        taking_part.end(incident=ref, area=LUTON, why="", by=by, now=NOW)
    taking_part.end(incident=ref, area=LUTON, why="It is over here.", by=by, now=NOW)
    with pytest.raises(NotFound):
        incidents.incident(scope=luton, ref=ref, now=NOW)
    assert incidents.incidents(scope=luton, area=LUTON, now=NOW) == ()
    found = incidents.incident(scope=dora, ref=ref, now=NOW)
    assert found.cases == () and [each.removed_why for each in found.removed] == ["Luton takes part no more."]
    assert [(each.area, each.ended_why) for each in found.partners] == [(LUTON, "It is over here.")]
    assert len(events("incident.left")) == 1
    with pytest.raises(NotFound):
        taking_part.end(incident=ref, area=LUTON, why="Again.", by=by, now=NOW)
