"""Signing in, in a real browser."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password
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


def sign_in(page: Page, name: str) -> None:
    """As somebody else, if need be: the session of whoever was signed in is left behind."""
    page.context.clear_cookies()
    page.goto("/sign-in")
    page.fill("#username", f"{name.lower()}@example.org")
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: not address.endswith("/sign-in"))
