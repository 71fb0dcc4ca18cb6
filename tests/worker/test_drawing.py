"""The map of an authority is there before its director opens it."""

from datetime import timedelta

from ringfence.accounts import walls
from ringfence.accounts.models import Membership
from ringfence.actions import shapes
from ringfence.rules.access import system_scope
from ringfence.worker import drawing
from tests.database import Connection
from tests.places import SECTORS, lay_out
from tests.town import ACCOUNTS, BLACKBURN, START, Town, events
from tests.worker.test_detecting import Played

GEOGRAPHY = system_scope("geography")
HARTLEPOOL = "E06000001"


def test_maps_are_worked_out_for_those_who_may_open_them(real_town: Town, owner: Connection) -> None:
    lay_out(owner)
    assert shapes.missing(by=GEOGRAPHY, now=START) == [BLACKBURN]
    # No postcode of Hartlepool is known, and its map keeps no other waiting.
    with walls.transaction(ACCOUNTS):
        Membership(user=real_town.users["Dora"], role="director", area_id=HARTLEPOOL, from_at=START).save()
    played = Played(START, START + timedelta(seconds=3 * drawing.PAUSE))
    drawing.run(played, played.now)
    assert shapes.missing(by=GEOGRAPHY, now=START) == [HARTLEPOOL]
    assert [row[-1] for row in events("shapes.computed")] == [{"shapes": len(SECTORS) + 1}]
    by = real_town.by("Dora")
    assert shapes.compute(area=BLACKBURN, by=by, now=START) == len(SECTORS) + 1
    lay_out(owner, "another directory")
    assert BLACKBURN in shapes.missing(by=GEOGRAPHY, now=START)
