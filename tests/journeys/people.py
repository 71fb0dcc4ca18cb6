"""Being somebody, in a real browser."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.test import Client
from playwright.sync_api import Page

from ringfence.accounts import walls
from tests.town import ACCOUNTS, Town

PASSWORD = "a long enough password"


def give_passwords(town: Town) -> None:
    """Everybody of the small country can sign in. One hash for all: hashing is slow on purpose."""
    hashed = make_password(PASSWORD)
    with walls.transaction(ACCOUNTS):
        for user in town.users.values():
            user.password = hashed
            user.save(update_fields=["password"])


def be(page: Page, town: Town, name: str, at: str = "/") -> None:
    """Be somebody who signed in a moment ago, on a page. In place of whoever was: their session is left behind."""
    client = Client()
    client.force_login(town.users[name], settings.AUTHENTICATION_BACKENDS[-1])
    page.context.clear_cookies()
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "domain": "127.0.0.1", "path": "/"}])
    page.goto(at)


def sign_in(page: Page, name: str) -> None:
    """As somebody else, if need be: the session of whoever was signed in is left behind."""
    page.context.clear_cookies()
    page.goto("/sign-in")
    page.fill("#username", f"{name.lower()}@example.org")
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: not address.endswith("/sign-in"))
