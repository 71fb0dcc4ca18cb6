"""Saved views: one's own, of one's own areas, as many as can be looked through, and each change in the audit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection

from ringfence.accounts import walls
from ringfence.actions import views
from ringfence.actions.errors import Invalid, NotFound
from ringfence.queries.areas import saved_views
from ringfence.rules.access import Refused, Scope
from ringfence.rules.line_list import MOST_VIEWS
from tests.town import BLACKBURN, LUTON, START, Town, events


def named(by: Scope, area: str = BLACKBURN) -> list[str]:
    return [each.name for each in saved_views(scope=by, area=area, now=START)]


def of_both(town: Town) -> Scope:
    """A director who serves two areas."""
    dora = town.by("Dora")
    return replace(dora, areas=(*dora.areas, LUTON))


def test_there_are_as_many_as_can_be_looked_through_and_each_can_be_saved_again(town: Town) -> None:
    by = of_both(town)
    with walls.transaction(by), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO saved_views (user_id, area, name, filters, saved_at)"
            " SELECT %s, %s, 'View ' || n, '{}', %s FROM generate_series(2, %s) n",
            [by.user, BLACKBURN, START, MOST_VIEWS],
        )
    views.save(area=BLACKBURN, name="View 1", view={}, by=by, now=START)
    with pytest.raises(Invalid, match=f"You have {MOST_VIEWS} views of this list"):
        views.save(area=BLACKBURN, name="One more", view={}, by=by, now=START)
    views.save(area=BLACKBURN, name="View 1", view={"sector": ["BB1"]}, by=by, now=START)
    views.save(area=LUTON, name="Of Luton", view={}, by=by, now=START)
    assert len(named(by)) == MOST_VIEWS and named(by, LUTON) == ["Of Luton"]


def test_they_stand_by_name(town: Town) -> None:
    by = town.by("Dora")
    for name in ("under 18", "Bars", "Under 5", "care homes"):
        views.save(area=BLACKBURN, name=name, view={}, by=by, now=START)
    assert named(by) == ["Bars", "care homes", "under 18", "Under 5"]


def test_what_is_kept_is_what_the_list_knows(town: Town) -> None:
    by = town.by("Dora")
    views.save(area=BLACKBURN, name="A", view={"sector": ["BB1"], "next": ["http://elsewhere"]}, by=by, now=START)
    with walls.transaction(by), connection.cursor() as cursor:
        cursor.execute("SELECT filters->>'next', filters->'sector'->>0 FROM saved_views")
        assert cursor.fetchall() == [(None, "BB1")]


def test_of_other_areas_and_of_other_people_there_are_none(town: Town) -> None:
    dora = town.by("Dora")
    with pytest.raises(NotFound, match="no area"):
        views.save(area=LUTON, name="A", view={}, by=dora, now=START)
    number = views.save(area=BLACKBURN, name="A", view={}, by=dora, now=START)
    with pytest.raises(NotFound, match="no such view of yours"):
        views.delete(view=number + 1, by=dora, now=START)
    for name in ("Nia", "Leo"):
        with pytest.raises(Refused):
            views.save(area=BLACKBURN, name="A", view={}, by=town.by(name), now=START)
        with pytest.raises(Refused):
            views.delete(view=number, by=town.by(name), now=START)


def test_each_change_is_in_the_audit(town: Town) -> None:
    dora = town.by("Dora")
    number = views.save(area=BLACKBURN, name="A", view={}, by=dora, now=START)
    views.delete(view=number, by=dora, now=START)
    for verb in ("view.saved", "view.deleted"):
        assert [(user, detail) for user, *_, detail in events(verb)] == [(dora.user, {"view": number})]
    assert named(dora) == []
