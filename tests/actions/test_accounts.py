"""People: adding, roles, lending, passwords, and who may."""

from datetime import datetime, timedelta

import pytest

from ringfence.accounts import walls
from ringfence.accounts.models import Membership, User
from ringfence.actions import accounts, work
from ringfence.actions.errors import Invalid, NotFound
from ringfence.rules.access import ENGLAND, Refused
from tests.town import ACCOUNTS, BLACKBURN, HOUR, LEICESTER, LUTON, MINUTE, START, SWEEP, events, scope_of

WEEK = timedelta(days=7)
GOOD = "a long enough sentence"


def add(town, by="Olu", **given):
    wanted = {"email": "New@Example.org", "name": "New", "role": "local_tracer", "team": town.team("local"), **given}
    scope = ACCOUNTS if by == "" else town.by(by)
    return accounts.add_user(by=scope, now=START, **wanted)


def lend(town, by="Olu", who="Nia", to=("national", LUTON), now=START, **given):
    wanted = {"from_at": None, "until_at": START + WEEK, "why": "A wave in Luton.", **given}
    return accounts.lend(user=town.users[who].pk, to_team=town.team(*to), by=town.by(by, now), now=now, **wanted)


# Adding


def test_a_person_is_added_with_a_password_told_once(town):
    added = add(town)
    person = User.objects.get(pk=added.user)
    assert (person.email, person.name) == ("new@example.org", "New")
    assert added.password is not None and person.check_password(added.password)
    assert len(added.password) == 23 and added.password not in repr(added)
    row = Membership.objects.get(pk=added.membership)
    assert (row.role, row.team_id, row.area_id, row.from_at, row.until_at, row.lent) == (
        "local_tracer",
        town.team("local"),
        None,
        START,
        None,
        False,
    )
    assert row.granted_by == town.users["Olu"]
    assert [detail for *_, detail in events("user.added")] == [{"user": added.user, "role": "local_tracer"}]
    assert scope_of(person, START).teams == (town.team("local"),)


def test_a_password_of_ones_own_is_not_told_again(town):
    added = add(town, password=GOOD)
    assert added.password is None and User.objects.get(pk=added.user).check_password(GOOD)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": "nia@example.org"}, "email"),
        ({"name": " "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"password": "short"}, "password"),
        ({"password": "password1234"}, "password"),
        ({"password": "new@example.org"}, "password"),
        ({"role": "king"}, "role"),
        ({"role": "national_tracer"}, "role"),
        ({"team": None}, "team"),
        ({"area": BLACKBURN}, "team"),
        ({"role": "director"}, "team"),
        ({"role": "director", "team": None}, "area"),
        ({"role": "director", "team": None, "area": "E12000002"}, "area"),
        ({"role": "governance", "team": None, "area": BLACKBURN}, "area"),
        ({"why": "x" * 201}, "why"),
    ],
)
def test_what_cannot_be_added_says_which_field(town, given, field):
    before = User.objects.count(), Membership.objects.count()
    with pytest.raises(Invalid) as caught:
        add(town, by="", **given)
    assert caught.value.field == field
    assert (User.objects.count(), Membership.objects.count()) == before


def test_a_team_that_is_not_there(town):
    with pytest.raises(NotFound):
        add(town, team=10**6)


@pytest.mark.parametrize(
    ("by", "role", "team", "area"),
    [
        ("", "governance", None, None),
        ("Olu", "operations", None, None),
        ("Olu", "director", None, LEICESTER),
        ("Dora", "analyst", None, BLACKBURN),
        ("Dora", "local_lead", ("local", BLACKBURN), None),
        ("Leo", "local_tracer", ("local", BLACKBURN), None),
        ("Lena", "national_tracer", ("national", BLACKBURN), None),
    ],
)
def test_who_may_add_whom(town, by, role, team, area):
    added = add(town, by=by, role=role, team=town.team(*team) if team else None, area=area)
    row = Membership.objects.get(pk=added.membership)
    assert row.area_id == (None if team else area or ENGLAND)


@pytest.mark.parametrize(
    ("by", "role", "team", "area"),
    [
        ("Dora", "director", None, BLACKBURN),
        ("Dora", "analyst", None, LUTON),
        ("Dora", "national_tracer", ("national", BLACKBURN), None),
        ("Dora", "local_tracer", ("local", LUTON), None),
        ("Leo", "local_lead", ("local", BLACKBURN), None),
        ("Leo", "local_tracer", ("local", LUTON), None),
        ("Lena", "national_tracer", ("national", LUTON), None),
        ("Lena", "local_tracer", ("local", BLACKBURN), None),
        ("Nia", "national_tracer", ("national", BLACKBURN), None),
        ("Gil", "governance", None, None),
        ("Charlie", "local_tracer", ("local", BLACKBURN), None),
    ],
)
def test_who_may_not(town, by, role, team, area):
    with pytest.raises(Refused):
        add(town, by=by, role=role, team=town.team(*team) if team else None, area=area)
    assert not User.objects.filter(email="new@example.org").exists()


# Further roles


def test_a_further_role(town):
    lola = town.users["Lola"].pk
    given = {"user": lola, "role": "local_lead", "team": town.team("local"), "by": town.by("Dora"), "now": START}
    accounts.give_role(**given, from_at=START + HOUR, until_at=START + 9 * HOUR)
    assert scope_of(town.users["Lola"], START).lead_of == ()
    assert scope_of(town.users["Lola"], START + HOUR).lead_of == (town.team("local"),)
    with pytest.raises(Invalid, match="already"):
        accounts.give_role(**given)
    with pytest.raises(Invalid, match="in the past"):
        accounts.give_role(**given, from_at=START - MINUTE)
    with pytest.raises(Invalid, match="end after it begins"):
        accounts.give_role(**given, until_at=START)


def test_nobody_gives_themselves_a_role(town):
    olu = town.users["Olu"].pk
    with pytest.raises(Refused, match="themselves"):
        accounts.give_role(user=olu, role="local_tracer", team=town.team("local"), by=town.by("Olu"), now=START)


# Lending


def test_a_lent_tracer_works_the_other_teams_traces_for_that_time_and_no_longer(town):
    nia, luton = town.users["Nia"], town.team("national", LUTON)
    done = lend(town, who="Nia", from_at=START + HOUR)
    assert (done.role, done.from_at, done.until_at) == ("national_tracer", START + HOUR, START + WEEK)
    home = town.team("national")
    assert scope_of(nia, START).teams == (home,)
    assert set(scope_of(nia, START + HOUR).teams) == {home, luton}
    assert scope_of(nia, START + WEEK).teams == (home,)
    row = Membership.objects.get(pk=done.membership)
    assert (row.lent, row.why, row.granted_by) == (True, "A wave in Luton.", town.users["Olu"])
    ((_, _, _, team, detail),) = events("user.lent")
    assert team == luton and detail["user"] == nia.pk and detail["membership"] == done.membership


def test_without_lending_a_team_gets_only_its_own(town):
    luton = town.team("national", LUTON)
    with pytest.raises(Refused):
        work.claim(team=luton, by=town.by("Nia"), now=START)
    lend(town)
    assert work.claim(team=luton, by=town.by("Nia"), now=START) is None


def test_a_lent_lead_does_not_lead_there(town):
    assert lend(town, who="Lena").role == "national_tracer"
    assert scope_of(town.users["Lena"], START).lead_of == (town.team("national"),)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"from_at": START - MINUTE}, "from_at"),
        ({"until_at": START}, "until_at"),
        ({"until_at": START + timedelta(days=93)}, "until_at"),
        ({"until_at": datetime(2026, 12, 1)}, "until_at"),
        ({"why": " "}, "why"),
        ({"why": "x" * 201}, "why"),
    ],
)
def test_what_a_lending_needs(town, given, field):
    with pytest.raises(Invalid) as caught:
        lend(town, **given)
    assert caught.value.field == field
    assert not Membership.objects.filter(lent=True).exists()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"to": ("national", BLACKBURN)}, "in that team already"),
        ({"who": "Gil"}, "Only somebody who traces"),
        ({"who": "Olu"}, "themselves"),
        ({"to": ("health_protection", "E12000002")}, "Only specialists"),
        ({"by": "Dora"}, "national operations"),
        ({"by": "Lena"}, "national operations"),
        ({"by": "Leo", "who": "Lola"}, "national operations"),
        ({"by": "Nora"}, "national operations"),
        ({"by": "Gil"}, "national operations"),
        ({"by": "Charlie"}, "national operations"),
    ],
)
def test_a_lending_that_is_refused(town, given, told):
    with pytest.raises(Refused, match=told):
        lend(town, **given)
    assert not Membership.objects.filter(lent=True).exists()


@pytest.mark.parametrize(
    ("by", "who", "to"),
    [("Dora", "Nia", "local"), ("Lena", "Nia", "local"), ("Leo", "Lola", "national")],
)
def test_within_an_area_its_director_and_leads_lend(town, by, who, to):
    done = lend(town, by=by, who=who, to=(to, BLACKBURN))
    assert done.role == f"{to}_tracer"


def test_not_twice_at_once_and_not_to_a_team_or_of_a_person_that_is_not_there(town):
    lend(town)
    with pytest.raises(Invalid, match="in this time already"):
        lend(town, from_at=START + HOUR)
    lend(town, from_at=START + WEEK, until_at=START + 2 * WEEK)
    by = town.by("Olu")
    rest = {"until_at": START + WEEK, "why": "x", "by": by, "now": START}
    with pytest.raises(NotFound):
        accounts.lend(user=town.users["Nia"].pk, to_team=10**6, **rest)
    with pytest.raises(NotFound):
        accounts.lend(user=10**6, to_team=town.team("national", LUTON), **rest)


def test_a_lent_person_is_not_lent_on(town):
    lend(town, who="Nia")
    with walls.transaction(ACCOUNTS):
        Membership.objects.filter(user=town.users["Nia"], lent=False).update(until_at=START + MINUTE)
    with pytest.raises(Refused, match="Only somebody who traces"):
        lend(town, who="Nia", to=("national", LEICESTER), now=START + HOUR)


# Ending


def test_a_lending_ends_early(town):
    done = lend(town)
    at = START + HOUR
    assert accounts.end_membership(membership=done.membership, by=town.by("Olu", at), now=at) == at
    assert scope_of(town.users["Nia"], at).teams == (town.team("national"),)
    assert Membership.objects.get(pk=done.membership).from_at == START
    assert len(events("lending.ended")) == 1
    with pytest.raises(Invalid, match="already"):
        accounts.end_membership(membership=done.membership, by=town.by("Olu", at), now=at)


def test_a_lending_that_has_not_begun_never_will(town):
    done = lend(town, from_at=START + 2 * HOUR)
    by = town.by("Olu")
    assert accounts.end_membership(membership=done.membership, by=by, now=START) == START + 2 * HOUR
    assert scope_of(town.users["Nia"], START + 3 * HOUR).teams == (town.team("national"),)
    with pytest.raises(Invalid, match="already"):
        accounts.end_membership(membership=done.membership, by=by, now=START)


def test_the_lent_person_may_step_back_and_strangers_may_not_end_it(town):
    done = lend(town)
    for name in ("Noah", "Leo", "Dora", "Gil", "Charlie"):
        with pytest.raises(Refused):
            accounts.end_membership(membership=done.membership, by=town.by(name), now=START)
    accounts.end_membership(membership=done.membership, by=town.by("Nia"), now=START + MINUTE)


def test_a_role_ends_by_those_who_may_give_it(town):
    row = Membership.objects.get(user=town.users["Lola"])
    for name in ("Lola", "Lena", "Gil"):
        with pytest.raises(Refused):
            accounts.end_membership(membership=row.pk, by=town.by(name), now=START + HOUR)
    accounts.end_membership(membership=row.pk, by=town.by("Leo"), now=START + HOUR)
    assert scope_of(town.users["Lola"], START + HOUR).teams == ()
    with pytest.raises(NotFound):
        accounts.end_membership(membership=10**6, by=town.by("Leo"), now=START)


# Passwords, and leaving


def test_a_password_is_set_by_its_owner_or_from_the_command_line(town):
    nia = town.users["Nia"].pk
    accounts.set_password(user=nia, password=GOOD, by=town.by("Nia"), now=START)
    assert User.objects.get(pk=nia).check_password(GOOD)
    accounts.set_password(user=nia, password=f"{GOOD} more", by=ACCOUNTS, now=START)
    assert User.objects.get(pk=nia).check_password(f"{GOOD} more")
    assert len(events("user.password")) == 2
    for name in ("Olu", "Lena", "Dora"):
        with pytest.raises(Refused):
            accounts.set_password(user=nia, password=GOOD, by=town.by(name), now=START)
    with pytest.raises(Invalid):
        accounts.set_password(user=nia, password="short", by=town.by("Nia"), now=START)


def test_somebody_who_leaves_signs_in_no_more_and_has_no_role(town):
    lend(town, from_at=START + 2 * HOUR)
    nia, at = town.users["Nia"].pk, START + HOUR
    accounts.deactivate(user=nia, by=town.by("Olu", at), now=at)
    person = User.objects.get(pk=nia)
    assert not person.is_active
    assert scope_of(person, at).teams == scope_of(person, START + 3 * HOUR).teams == ()
    assert Membership.objects.filter(user=person).count() == 2
    with pytest.raises(NotFound):
        accounts.deactivate(user=nia, by=town.by("Olu", at), now=at)
    with pytest.raises(Refused):
        accounts.activate(user=nia, by=town.by("Dora", at), now=at)
    accounts.activate(user=nia, by=town.by("Olu", at), now=at)
    assert User.objects.get(pk=nia).is_active


@pytest.mark.parametrize(
    ("by", "who"), [("Olu", "Olu"), ("Dora", "Nia"), ("Leo", "Leo"), ("Lena", "Lola"), ("Dora", "Charlie")]
)
def test_who_may_not_deactivate(town, by, who):
    with pytest.raises(Refused):
        accounts.deactivate(user=town.users[who].pk, by=town.by(by), now=START)
    assert User.objects.get(pk=town.users[who].pk).is_active


def test_a_director_lets_the_authoritys_own_people_go(town):
    accounts.deactivate(user=town.users["Lola"].pk, by=town.by("Dora", START + HOUR), now=START + HOUR)


def test_the_clock_gives_no_roles(town):
    with pytest.raises(Refused):
        accounts.add_user(email="x@example.org", name="X", role="operations", by=SWEEP, now=START)
