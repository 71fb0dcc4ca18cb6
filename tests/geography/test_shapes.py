"""Shapes of an authority: from its postcodes once, or its own; who may write which."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from ringfence.accounts import walls
from ringfence.actions import shapes as verbs
from ringfence.actions.errors import Invalid
from ringfence.geography import boundaries, resolve, shapes
from ringfence.geography.boundaries import BoundaryProblem
from ringfence.rules.access import NotFound, Scope, system_scope
from tests.database import Connection
from tests.places import SECTORS, lay_out
from tests.town import BLACKBURN, LUTON, START, Town, events

GEOGRAPHY = system_scope("geography")


@pytest.fixture
def dora(real_town: Town, owner: Connection) -> Scope:
    lay_out(owner)
    return real_town.by("Dora", START)


def seen(scope: Scope) -> dict[str, shapes.Shape]:
    with walls.transaction(scope):
        return {each.code: each for each in shapes.stored(BLACKBURN)}


def test_they_are_computed_once_and_residents_are_apportioned(dora: Scope) -> None:
    assert seen(dora) == {}
    assert verbs.compute(area=BLACKBURN, by=dora, now=START) == len(SECTORS) + 1
    assert verbs.compute(area=BLACKBURN, by=dora, now=START) == len(SECTORS) + 1
    with walls.transaction(dora):
        # As one does that waited for another.
        assert shapes.compute(BLACKBURN) == 0
    assert [(row[0], row[-1]) for row in events("shapes.computed")] == [(dora.user, {"shapes": len(SECTORS) + 1})]
    found = seen(dora)
    assert next(iter(found)) == BLACKBURN
    whole = found.pop(BLACKBURN)
    assert whole.population == resolve.area(BLACKBURN).population
    assert sum(each.population or 0 for each in found.values()) == pytest.approx(whole.population)
    assert {each.counted for each in found.values()} == {shapes.APPORTIONED}
    assert found["BB1 1"].population == pytest.approx(found["BB1 2"].population)
    with walls.transaction(dora):
        cells = shapes.cells(BLACKBURN, "BB1 1")
    assert {code for cell in cells for code in cell.postcodes} == SECTORS["BB1 1"]
    assert any(len(cell.postcodes) == 2 for cell in cells)


def test_nobody_lives_where_a_sorting_office_has_its_boxes(dora: Scope, owner: Connection) -> None:
    owner.execute(
        "INSERT INTO geography.postcodes (code, area, easting, northing)"
        " SELECT 'BB9 9' || chr(65 + n / 20) || chr(65 + n %% 20), %s, 368300, 428300 FROM generate_series(0, 39) n",
        [BLACKBURN],
    )
    verbs.compute(area=BLACKBURN, by=dora, now=START)
    found = seen(dora)
    whole = found.pop(BLACKBURN).population
    assert found["BB9 9"].population == 0 < (found["BB1 1"].population or 0)
    assert sum(each.population or 0 for each in found.values()) == pytest.approx(whole)


def test_new_postcodes_make_them_stale(dora: Scope, owner: Connection) -> None:
    verbs.compute(area=BLACKBURN, by=dora, now=START)
    lay_out(owner, "another directory", without="BB1 1AB")
    assert seen(dora) == {}
    verbs.compute(area=BLACKBURN, by=dora, now=START)
    with walls.transaction(dora):
        assert not any("BB1 1AB" in cell.postcodes for cell in shapes.cells(BLACKBURN, "BB1 1"))


def test_nobody_computes_those_of_another_area(dora: Scope) -> None:
    with pytest.raises(NotFound):
        verbs.compute(area=LUTON, by=dora, now=START)


def geojson(*features: tuple[str, list[list[float]]], metres: bool = True) -> str:
    whole: dict[str, object] = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"Code": code},
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }
            for code, ring in features
        ],
    }
    if metres:
        whole["crs"] = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::27700"}}
    return json.dumps(whole)


SQUARE = [[368000.0, 428000.0], [369000.0, 428000.0], [369000.0, 429000.0], [368000.0, 428000.0]]


def test_an_authority_gives_its_own_and_the_same_again_changes_nothing(dora: Scope, tmp_path: Path) -> None:
    drawn, counted = tmp_path / "own.geojson", tmp_path / "own.csv"
    drawn.write_text(geojson(("bb11", SQUARE)))
    counted.write_text('code,population\nBB1 1,"1,200"\n')
    given = boundaries.read(drawn, counted)
    now = START + timedelta(hours=1)
    first = verbs.give(area=BLACKBURN, given=given, by=GEOGRAPHY, now=now)
    again = verbs.give(area=BLACKBURN, given=given, by=GEOGRAPHY, now=now)
    assert (first.boundaries, first.populations, first.fresh, again.fresh) == (1, 1, True, False)
    assert len(events("shapes.given")) == 1
    found = seen(dora)
    assert found["BB1 1"].rings == ([368000, 428000, 369000, 428000, 369000, 429000],)
    assert (found["BB1 1"].population, found["BB1 1"].source) == (1200, "own.geojson and own.csv")
    assert found["BB1 2"].counted == shapes.APPORTIONED
    # What they give next takes the place of all that they gave before.
    counted.write_text("code,population\nBB1 2,7\n")
    verbs.give(area=BLACKBURN, given=boundaries.read(None, counted), by=GEOGRAPHY, now=now)
    found = seen(dora)
    assert found["BB1 1"].source == shapes.COMPUTED and found["BB1 2"].population == 7
    drawn.write_text(geojson(("LE5 4", SQUARE)))
    with pytest.raises(Invalid, match=r"LE5 4 is in own\.geojson, but no postcode of Blackburn"):
        verbs.give(area=BLACKBURN, given=boundaries.read(drawn, None), by=GEOGRAPHY, now=now)
    with pytest.raises(NotFound, match="not an upper-tier"):
        verbs.give(area="E12000002", given=given, by=GEOGRAPHY, now=now)


def test_degrees_are_the_standard(tmp_path: Path) -> None:
    file = tmp_path / "own.json"
    ring = [[-2.4844, 53.7485], [-2.4700, 53.7485], [-2.4700, 53.7600], [-2.4844, 53.7485]]
    file.write_text(geojson(("BB1 1", ring), metres=False))
    east, north = boundaries.read(file, None).rings["BB1 1"][0][:2]
    assert abs(east - 368_150) < 250 and abs(north - 428_150) < 250


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "not a GeoJSON FeatureCollection"),
        ('{"type": "Polygon"}', "not a GeoJSON FeatureCollection"),
        ('{"features": [{"properties": {"code": "BB1 1"}}]}', "feature 1 has no properties or no geometry"),
        (geojson(("", SQUARE)), "no property 'code' or 'sector'"),
        (geojson(("Ward 7", SQUARE)), "feature 1: 'WARD 7' is neither a postcode sector"),
        (geojson(("BB1 1", SQUARE), ("BB1 1", SQUARE)), "feature 2: BB1 1 is there twice"),
        (geojson(("BB1 1", SQUARE[:2])), "not four or more pairs"),
        (geojson(("BB1 1", SQUARE), metres=False), "coordinates that are no degrees"),
        (geojson(("BB1 1", [[53.7, -2.4]] * 4), metres=False), "Longitude comes before latitude"),
        (geojson(("BB1 1", SQUARE)).replace('"Polygon"', '"Point"'), "is a Point"),
    ],
)
def test_a_file_of_boundaries_that_cannot_be_used_says_why(tmp_path: Path, content: str, told: str) -> None:
    file = tmp_path / "own.json"
    file.write_text(content)
    with pytest.raises(BoundaryProblem, match=told):
        boundaries.read(file, None)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "no header with the columns"),
        ("code,population\n", "no line with a population"),
        ("code,population\nBB1 1,many\n", "line 2: 'many' is not a number of people"),
        ("code,population\nBB1 1,5\nbb11,6\n", "line 3: BB1 1 is there twice"),
    ],
)
def test_a_file_of_populations_that_cannot_be_used_says_why(tmp_path: Path, content: str, told: str) -> None:
    file = tmp_path / "own.csv"
    file.write_text(content)
    with pytest.raises(BoundaryProblem, match=told):
        boundaries.read(None, file)
    with pytest.raises(BoundaryProblem, match="cannot be read"):
        boundaries.read(tmp_path / "nothing", None)


_PUT = (
    "INSERT INTO geography.shapes (authority, level, code, given, source, fingerprint) VALUES ('E06000008', {}, '', '')"
)


def test_a_page_may_not_touch_what_an_authority_gave(login: Callable[[str], Connection], committed: None) -> None:
    worker, app = login("worker"), login("app")
    worker.execute(_PUT.format("'sector', 'BB1 1', true"))
    app.execute(_PUT.format("'sector', 'BB1 1', false"))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(_PUT.format("'sector', 'BB1 2', true"))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("UPDATE geography.shapes SET population = 1")
    assert app.execute("DELETE FROM geography.shapes").rowcount == 1
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        login("lab").execute("SELECT FROM geography.shapes")


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        (_PUT.format("'sector', 'BB1 1', false") + ", ('E06000008', 'sector', 'BB1 1', false, '', '')", "shape_once"),
        (_PUT.format("'authority', 'BB1 1', false"), "shape_level"),
        (_PUT.format("'ward', 'E06000008', false"), "shape_level"),
        (_PUT.format("'sector', 'BB1 1', false").replace("(authority", "(population, authority").replace("('E", "(-1, 'E"),
         "shape_population"),
    ],
)  # fmt: skip
def test_its_rules_hold(login: Callable[[str], Connection], committed: None, statement: str, rule: str) -> None:
    with pytest.raises(psycopg.errors.IntegrityError, match=rule):
        login("worker").execute(statement)
