"""Windows of the browser, and what axe finds in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page

from tests.serving import CHECKOUT

AXE = (CHECKOUT / "node_modules" / "axe-core" / "axe.min.js").read_text()

#: What has the same tag, classes and state, within the same, has the same colours: their contrast is tried once a width.
ONCE = """() => {
    const contrast = axe._audit.rules.find((rule) => rule.id === "color-contrast"), matches = contrast.matches;
    const turn = window.turn, tried = new Set();
    const own = ["action", "aria-describedby", "aria-label", "datetime", "for", "href", "id", "name", "title", "value"];
    const states = [":focus", ":hover", ":checked", ":disabled"];
    let places;
    window.turn = (to) => {
        places = new Map([[null, to.innerWidth]]);
        turn(to);
    };
    const place = (node) => {
        if (!places.has(node)) {
            const said = node.getAttributeNames().filter((name) => !own.includes(name));
            const here = [...said.map((name) => name + node.getAttribute(name)), ...states.map((each) => node.matches(each))];
            places.set(node, `${place(node.parentElement)} > ${node.localName} ${here}`);
        }
        return places.get(node);
    };
    contrast.matches = (node, ...more) => {
        if (tried.has(place(node)) || !matches.call(contrast, node, ...more)) return false;
        tried.add(place(node));
        return true;
    };
}"""


@contextmanager
def alone(browser: Browser, address: str, **options: Any) -> Iterator[Page]:
    """A window in a browser context of its own; it fails when a page's script failed."""
    context = browser.new_context(base_url=address, locale="en-GB", timezone_id="Europe/London", **options)
    try:
        opened = context.new_page()
        with attentive(opened):
            yield opened
    finally:
        context.close()


@contextmanager
def attentive(page: Page) -> Iterator[None]:
    problems: list[str] = []
    page.on("pageerror", lambda problem: problems.append(str(problem)))
    yield
    assert problems == []


class Windows:
    """Windows on one site, one after the other, opened by one that stays open and has axe in it.

    What a window has loaded is gone with its document; to send axe to each anew, and to have the browser compile it, takes
    half as long as to run it. It looks at a window that its own opened as it would at its own.
    """

    def __init__(self, first: Page) -> None:
        self._first = first
        first.goto("/")
        begins = re.compile(r"\{var (\w+)=window,document=window\.document;")
        turning, times = begins.subn(r"\g<0>window.turn=(to)=>{\1=window=to;document=to.document};", AXE, count=1)
        assert times == 1
        first.evaluate(turning)
        first.evaluate(ONCE)

    @contextmanager
    def open(self) -> Iterator[Page]:
        """A fresh window, as of a browser that was never here; it fails when a page's script failed."""
        with self._first.expect_popup() as opening:
            self._first.evaluate("() => { window.other = window.open('about:blank') }")
        opened = opening.value
        try:
            with attentive(opened):
                yield opened
        finally:
            opened.close()
            opened.context.clear_cookies()
            self._first.evaluate("localStorage.clear()")


def violations(page: Page) -> list[str]:
    """Where the page as it stands fails people."""
    page.wait_for_load_state()
    first = page.opener()
    # Evaluated by the browser itself, so that the page's own content policy stays as strict as it is.
    if first is None:
        page.evaluate(AXE)
    found: list[dict[str, Any]] = (first or page).evaluate(
        "(window.other && turn(other), axe.run({resultTypes: ['violations']})).then((result) => result.violations)"
    )
    return [f"{each['id']}: {each['help']} ({each['nodes'][0]['html']})" for each in found]
