"""Follow-up calls and where visits begin, on the policy's own pages."""

from __future__ import annotations

import pytest

from ringfence.partnerships.models import Policy
from ringfence.queries.policy import partnership_history
from tests.town import BLACKBURN, Town
from tests.web.conftest import SignedIn
from tests.web.reading import Page

ADDRESS = f"/authorities/{BLACKBURN}/policy"
SENT = {
    "model": "timed",
    "set_period_hours": "24",
    "working_days": ["0", "1"],
    "opens": "09:00",
    "closes": "17:00",
    "bank_holidays": "no",
    "contacts_by": "national",
    "start": "now",
    "follow_up_days": "8 and 4",
    "visits_from": "bb17dy",
}


def test_it_is_previewed_recorded_and_shown_in_the_form_again(town: Town, signed_in: SignedIn) -> None:
    dora = signed_in("Dora")
    shown = Page(dora.post(ADDRESS, SENT).content.decode())
    assert "on days 4, 8 of isolation" in shown.words
    assert "Visitors set out from BB1 7DY" in shown.words
    assert dora.post(ADDRESS, SENT | {"step": "confirm", "revision": shown.typed["revision"]}).status_code == 302
    recorded = Policy.objects.filter(area_id=BLACKBURN).latest("recorded_at")
    assert (recorded.follow_up_days, recorded.visits_from) == ("4,8", "BB1 7DY")
    assert partnership_history(BLACKBURN)[-1].follow_up_days == (4, 8)
    form = Page(dora.get(ADDRESS).content.decode())
    assert (form.typed["follow_up_days"], form.typed["visits_from"]) == ("4, 8", "BB1 7DY")


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"follow_up_days": "often"}, "Give the days of isolation as numbers"),
        ({"follow_up_days": "9" * 5000}, "shorten it to 40 or fewer"),
        ({"follow_up_days": "4, 15"}, "Give days of isolation from 1 to 14"),
        ({"visits_from": "the town hall"}, "shorten it to 10"),
        ({"visits_from": "BB1"}, "Give a full postcode"),
    ],
)
def test_a_mistake_is_told(town: Town, signed_in: SignedIn, sent: dict[str, str], says: str) -> None:
    answer = signed_in("Dora").post(ADDRESS, SENT | sent)
    assert answer.status_code == 422
    assert says in Page(answer.content.decode()).words
