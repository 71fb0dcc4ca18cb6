"""Places: found, joined where two are one, parted again; and the cases that were there."""

import pytest

from ringfence.actions import settings as verbs
from ringfence.actions.errors import Invalid, NotFound
from ringfence.queries import settings as queries
from ringfence.rules.access import Refused
from tests.interviews import person, place, rows, say, taken
from tests.town import HOUR, LUTON, MINUTE, START, events

NOW = START + 2 * HOUR


@pytest.fixture
def places(town):
    """The Mill as two cases name it, one of them as a shop; and one in Luton."""
    for number, (area, by, given) in enumerate(
        (
            (None, "Nia", place("a", "The Mill")),
            (None, "Nia", place("b", "Mill", kind="shop")),
            (LUTON, "Lars", place("c", "The Works", postcode="LU1 1AA")),
        )
    ):
        trace = town.trace(area, phone=f"0770090010{number}") if area else town.trace(phone=f"0770090010{number}")
        ann = person("x", f"Ann {number}") | {"place": given["id"]}
        say(trace, town.by(by), NOW, {"places": [given], "contacts": [ann]})
    taken(NOW)
    return dict(rows("SELECT kind || ' ' || name, ref FROM settings"))


def find(town, name, text=""):
    return [each.name for each in queries.find(scope=town.by(name), now=NOW, text=text)]


def look(town, name, ref):
    return queries.setting(scope=town.by(name), ref=ref, now=NOW)


def test_they_are_found_by_words_and_postcode_in_one_s_own_area(town, places):
    assert sorted(find(town, "Leo")) == ["Mill", "The Mill"]
    assert sorted(find(town, "Dora", "MILL")) == ["Mill", "The Mill"]
    assert sorted(find(town, "Leo", "bb11aa")) == ["Mill", "The Mill"]
    assert find(town, "Leo", "works") == []
    assert find(town, "Leo", "100%_") == []
    assert sorted(find(town, "Hana")) == ["Mill", "The Mill"]
    with pytest.raises(Refused):
        find(town, "Nia")


def test_a_place_tells_who_was_there(town, places):
    found = look(town, "Leo", places["workplace The Mill"])
    assert [(stay.name, stay.category, stay.window) for stay in found.stays] == [
        ("Person 1 Test", "work", "infectious")
    ]
    assert (found.cases, found.contacts, found.may_merge) == (1, 1, True)
    assert [(line.name, why) for line, why in found.perhaps] == [
        ("Mill", "the same name at the same postcode, given as another kind of place")
    ]
    with pytest.raises(NotFound):
        look(town, "Leo", places["workplace The Works"])


def test_two_that_are_one_are_joined_and_parted(town, places):
    keep, gone = places["workplace The Mill"], places["shop Mill"]
    verbs.merge(keep=keep, merge=gone, by=town.by("Leo"), now=NOW)
    found = look(town, "Leo", keep)
    assert (found.cases, [each.ref for each in found.merged], found.perhaps) == (2, [gone], ())
    assert look(town, "Leo", gone).merged_into == keep
    assert find(town, "Leo") == ["The Mill"]
    assert [detail for *_, detail in events("setting.merged")]
    # Somebody who names it as before names the one that it is now.
    other = town.trace(phone="07700900199")
    say(other, town.by("Nia"), NOW + MINUTE, {"places": [place("d", "The Mill Ltd", kind="shop")]})
    assert taken(NOW + MINUTE).settings == 0
    assert look(town, "Leo", keep).cases == 3
    verbs.part(setting=gone, by=town.by("Leo"), now=NOW + HOUR)
    assert look(town, "Leo", gone).cases == 1
    assert look(town, "Leo", keep).cases == 2


def test_what_cannot_be_joined(town, places):
    keep, gone = places["workplace The Mill"], places["shop Mill"]
    with pytest.raises(Invalid, match="two different"):
        verbs.merge(keep=keep, merge=keep, by=town.by("Leo"), now=NOW)
    with pytest.raises(NotFound):
        verbs.merge(keep=keep, merge="ZZZ-ZZZ", by=town.by("Leo"), now=NOW)
    with pytest.raises(Refused):
        verbs.merge(keep=keep, merge=gone, by=town.by("Nia"), now=NOW)
    with pytest.raises((Refused, NotFound)):
        verbs.merge(keep=keep, merge=places["workplace The Works"], by=town.by("Leo"), now=NOW)
    with pytest.raises((Refused, NotFound)):
        verbs.merge(keep=keep, merge=gone, by=town.by("Hana"), now=NOW)
    verbs.merge(keep=keep, merge=gone, by=town.by("Leo"), now=NOW)
    with pytest.raises(Invalid, match="merged already"):
        verbs.merge(keep=gone, merge=keep, by=town.by("Leo"), now=NOW)
    with pytest.raises(Invalid, match="not merged"):
        verbs.part(setting=keep, by=town.by("Leo"), now=NOW)


def test_suggestions_while_somebody_types(town, places):
    def suggest(text, name="Nia", **more):
        return [(each.name, each.kind) for each in queries.suggest(scope=town.by(name), text=text, **more)]

    assert sorted(suggest("mi")) == [("Mill", "shop"), ("The Mill", "workplace")]
    assert suggest("m") == []
    assert sorted(suggest("", postcode="BB1 1AA")) == [("Mill", "shop"), ("The Mill", "workplace")]
    assert suggest("works") == []
    assert suggest("works", "Lars") == [("The Works", "workplace")]
    with pytest.raises(Refused):
        suggest("mi", "Gil")
