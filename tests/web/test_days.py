"""Days in three boxes: what a page names its boxes is what is read from them."""

from __future__ import annotations

import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

from django.utils import timezone

import ringfence.web
from ringfence.actions import incidents
from ringfence.web.forms import Form
from tests.town import BLACKBURN, LEICESTER, LUTON, Town
from tests.web.conftest import SignedIn

TEMPLATES = Path(ringfence.web.__file__).parent / "templates"
SOMETIMES = date(2026, 12, 31)


class Boxes(HTMLParser):
    """The boxes of days of a page: the name of each, under the id of the first, which the list of mistakes links to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {}
        self._at: str | None = None
        self._depth = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if tag == "div" and (self._depth or "nhsuk-date-input" in given.get("class", "").split()):
            self._depth += 1
        elif tag == "input" and self._depth:
            self._at = self._at or given["id"]
            self.found.setdefault(self._at, []).append(given["name"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "div" and self._depth:
            self._depth -= 1
            self._at = self._at if self._depth else None


def test_every_day_is_read_under_the_names_of_its_boxes(town: Town, signed_in: SignedIn) -> None:
    now = timezone.now()
    ref = incidents.open_incident(area=BLACKBURN, title="Flex", by=town.by("Dora", now), now=now).ref
    signed_in("Olu").post(f"/authorities/{LEICESTER}/joining", {"step": "agree", "agreement": "DPA 12"})
    pages = {
        "areas/incident.jinja": ("Dora", f"/incidents/{ref}"),
        "authorities/policy.jinja": ("Dora", f"/authorities/{BLACKBURN}/policy"),
        "authorities/authority.jinja": ("Olu", f"/authorities/{LUTON}"),
        "authorities/authority.jinja, joining": ("Olu", f"/authorities/{LEICESTER}"),
        "scripts/edit.jinja": ("Sid", "/scripts/followup/1/next"),
        "templates/text.jinja": ("Sid", "/templates/missed/text/en"),
        "gallery.jinja": ("Olu", "/gallery"),
    }
    seen = set()
    for template, (name, address) in pages.items():
        answer = signed_in(name).get(address, follow=True)
        assert answer.status_code == 200, address
        for field, names in Boxes(answer.content.decode()).found.items():
            sent = dict(zip(names, ("31", "12", "2026"), strict=True))
            assert Form(sent).date(field, "the day") == SOMETIMES, (address, sent)
            seen.add((template.split(",")[0], field))
    every = {
        (str(path.relative_to(TEMPLATES)), field)
        for path in TEMPLATES.rglob("*.jinja")
        for field in re.findall(r'\{\{ day\("([^"]+)"', path.read_text(encoding="utf-8"))
    }
    assert seen == every
