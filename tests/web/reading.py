"""Reads a page as a browser would: headings, ids, links to fields, and what a policy against inline code forbids."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

VOID = frozenset("area base br col embed hr img input link meta source track wbr path polygon circle rect".split())


class Page(HTMLParser):
    """What a page holds. ``problems`` are sentences, none for a page as it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: Counter[str] = Counter()
        self.text: list[str] = []
        self.headings: list[str] = []
        self.title = ""
        self.anchors: list[str] = []
        self.links: list[str] = []
        self.problems: list[str] = []
        self.typed: dict[str, str] = {}
        self._open: list[str] = []
        self._form_methods: list[tuple[str, bool]] = []
        self._skip = 0
        self.feed(text)
        self._finish()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if tag not in VOID:
            self._open.append(tag)
        if "id" in given:
            self.ids[given["id"]] += 1
        for name in given:
            if name == "style" or name.startswith("on"):
                self.problems.append(f"<{tag} {name}=...> is inline")
        if tag == "h1":
            self.headings.append("")
        if tag == "script" and not given.get("src") and not given.get("nonce"):
            self.problems.append("an inline script has no nonce")
        if tag == "a":
            self.links.append(given.get("href", ""))
        if tag == "a" and given.get("href", "").startswith("#"):
            self.anchors.append(given["href"][1:])
        for address in (given.get("href", ""), given.get("src", ""), given.get("action", "")):
            if address.startswith(("http:", "https:", "//")):
                self.problems.append(f"{address} is another site's")
        if tag == "form":
            self._form_methods.append((given.get("method", "get").lower(), False))
        if tag == "input":
            if given.get("name") == "csrfmiddlewaretoken" and self._form_methods:
                self._form_methods[-1] = (self._form_methods[-1][0], True)
            if given.get("type") not in ("radio", "checkbox") or "checked" in given:
                self.typed[given.get("name", "")] = given.get("value", "")
        if tag in ("script", "style"):
            self._skip += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if tag in ("script", "style"):
            self._skip -= 1
        if not self._open or self._open.pop() != tag:
            self.problems.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "title":
            self.title += data
        elif "h1" in self._open:
            self.headings[-1] += data
        if not self._skip:
            self.text.append(data)

    @property
    def words(self) -> str:
        """The text of the page, its spaces made one."""
        return " ".join(" ".join(self.text).split())

    def _finish(self) -> None:
        if len(self.headings) != 1 or not self.headings[0].strip():
            self.problems.append(f"{len(self.headings)} headings of the first level")
        if " - Ringfence" not in self.title:
            self.problems.append(f"its title is {self.title!r}")
        self.problems += [f"the id {each} is there {count} times" for each, count in self.ids.items() if count > 1]
        self.problems += [f"the link #{each} leads nowhere" for each in self.anchors if each not in self.ids]
        self.problems += [
            "a form that posts has no token" for method, token in self._form_methods if method == "post" and not token
        ]
