"""What ``ringfence overview`` prints."""

import json

from ringfence.cli.commands.overview import NOTE, to_json, to_lines
from ringfence.queries.statistics import overview
from ringfence.rules.access import system_scope
from ringfence.rules.statistics import DEFINITIONS
from tests.town import BLACKBURN, HOUR, START


def found(now=START + HOUR, **period):
    return overview(scope=system_scope("statistics"), now=now, **period)


def test_json_has_every_figure_with_its_definition(town):
    town.trace()
    town.trace(None)
    told = json.loads(json.dumps(to_json(found(from_at=START))))
    assert [each["id"] for each in told["definitions"]] == [each.id for each in DEFINITIONS]
    assert set(told["total"]) == {each.id for each in DEFINITIONS}
    assert (told["total"]["transferred"], told["total"]["waiting"], told["total"]["oldest_waiting_hours"]) == (2, 2, 1)
    assert set(told["contacts_of_household"]) == set(told["contacts_elsewhere"]) == set(told["contacts"])
    assert set(told["by_team_kind"]) == {"national", "pool"}
    assert [(each["code"], each["name"]) for each in told["by_authority"]] == [
        (BLACKBURN, "Blackburn with Darwen"),
        (None, "No known authority"),
    ]
    assert (told["from"], told["to"], told["note"]) == (START.isoformat(), None, NOTE)


def test_the_table_has_the_authorities_by_name(town):
    for area in (None, "E06000032", "E06000016", BLACKBURN):
        town.trace(area)
    names = [line[:28].strip() for line in to_lines(found())]
    assert names[5:9] == ["Blackburn with Darwen", "Leicester", "Luton", "No known authority"]


def test_the_table_has_england_first_and_gaps_where_there_is_nothing_to_divide_by(town):
    head, england, *_ = to_lines(found())
    assert "reached %" in head
    assert england.split() == ["England", "0", "-", "0", "0", "0", "0", "-", "0", "0", "-"]
    town.trace()
    lines = to_lines(found())
    assert lines[1].split() == ["England", "1", "0.0", "0", "0", "0", "0", "0.0", "1", "0", "1.0"]
    assert len({len(line) for line in lines[:3]}) == 1 and NOTE in lines
