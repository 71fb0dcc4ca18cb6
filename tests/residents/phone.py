"""A resident's old phone: it follows links, fills in forms and keeps cookies, and runs no script."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit


class _Reading(HTMLParser):
    """Links, and the first form with its fields."""

    def __init__(self) -> None:
        super().__init__()
        self.links: dict[str, str] = {}
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._link = ""
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a":
            self._link, self._text = given.get("href", ""), ""
        elif tag == "form":
            self.forms.append((given.get("action", ""), {}))
        elif tag == "input" and self.forms and (given.get("type") not in ("radio", "checkbox") or "checked" in given):
            self.forms[-1][1][given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._link:
            self.links[" ".join(self._text.split())] = self._link
            self._link = ""

    def handle_data(self, data: str) -> None:
        self._text += data
        self.words.append(data)


class Phone:
    """One browser. ``status``, ``address`` and ``body`` are those of the page that is shown."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, tuple[str, str]] = {}
        self.status, self.address, self.body = 0, "/", ""
        self.headers: dict[str, str] = {}
        self.sizes: dict[str, int] = {}

    def open(self, address: str) -> Phone:
        return self._ask("GET", address)

    def send(self, form: int = 0, to: str = "", **fields: str) -> Phone:
        """Send a form of the page with what was typed."""
        action, kept = self._read().forms[form]
        return self._ask("POST", to or action or self.address, {**kept, **fields})

    def follow(self, text: str) -> Phone:
        found = [href for words, href in self._read().links.items() if text in words]
        assert found, (text, list(self._read().links), self.words)
        return self.open(found[0])

    @property
    def words(self) -> str:
        return " ".join(" ".join(self._read().words).split())

    @property
    def heading(self) -> str:
        found = re.search(r"<h1[^>]*>(.*?)</h1>", self.body, re.DOTALL)
        return " ".join(found[1].split()) if found else ""

    def _read(self) -> _Reading:
        reading = _Reading()
        reading.feed(self.body)
        return reading

    def _ask(self, method: str, address: str, sent: dict[str, str] | None = None) -> Phone:
        address = urljoin(self.address, address)
        for _ in range(10):
            parts = urlsplit(address)
            where = parts.path + (f"?{parts.query}" if parts.query else "")
            connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
            headers = {
                "Cookie": "; ".join(
                    f"{name}={value}" for name, (value, path) in self.cookies.items() if parts.path.startswith(path)
                )
            }
            body = None
            if sent is not None:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
                body = urlencode(sent)
            connection.request(method, where, body, headers)
            answer = connection.getresponse()
            self.body = answer.read().decode()
            connection.close()
            self.status, self.address = answer.status, where
            self.headers = {name.lower(): value for name, value in answer.headers.items()}
            for text in answer.headers.get_all("Set-Cookie") or ():
                for name, made in SimpleCookie(text).items():
                    self.cookies[name] = (made.value, made["path"] or "/")
                    if not made.value:
                        del self.cookies[name]
            if answer.status not in (301, 302, 303):
                self.sizes[where] = len(self.body.encode())
                return self
            method, address, sent = "GET", answer.headers["Location"], None
        raise AssertionError(f"round and round at {address}")
