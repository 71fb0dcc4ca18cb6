"""Being somebody, in a real browser."""

from __future__ import annotations

from django.conf import settings
from django.test import Client
from playwright.sync_api import Page

from ringfence.accounts import walls
from tests.town import ACCOUNTS, Town

PASSWORD = "a long enough password"


def be(page: Page, town: Town, name: str, at: str = "/") -> None:
    """Be somebody who signed in a moment ago, on a page. In place of whoever was: their session is left behind."""
    client = Client()
    client.force_login(town.users[name], settings.AUTHENTICATION_BACKENDS[-1])
    page.context.clear_cookies()
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "domain": "127.0.0.1", "path": "/"}])
    page.goto(at)


def sign_in(page: Page, town: Town, name: str) -> None:
    """Through the page, which takes a while: a password is hashed slowly on purpose."""
    user = town.users[name]
    user.set_password(PASSWORD)
    with walls.transaction(ACCOUNTS):
        user.save(update_fields=["password"])
    page.goto("/sign-in")
    page.fill("#username", f"{name.lower()}@example.org")
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: not address.endswith("/sign-in"))
