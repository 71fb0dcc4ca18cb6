"""What journeys in a real browser may ask for.

``site``  the address of the pages, served by a process of its own from this test's database; use ``committed`` with it
``page``  a fresh browser page whose addresses begin there; it fails the test when a page's script fails
``axe``   ``axe(page)`` returns the accessibility violations of the page as it stands
"""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.database import Database
from tests.journeys.windows import Windows, alone, violations
from tests.serving import serving

# A machine that does other work besides is slow, and slow is not wrong.
expect.set_options(timeout=30_000)

#: The shell without a window takes half the processor time of the whole browser.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; the test is skipped where there is none."""
    given = os.environ.get("RINGFENCE_TEST_CHROMIUM")
    found = given or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(
            "Chromium is not installed. On Debian: apt install chromium-headless-shell; or name one in"
            " RINGFENCE_TEST_CHROMIUM"
        )
    return found


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    # The driver keeps an event loop in this thread, in which Django would refuse to work.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def site(django_db_setup: Database) -> Iterator[str]:
    with serving() as found:
        yield found.address


@pytest.fixture(scope="session")
def windows(browser: Browser, site: str) -> Iterator[Windows]:
    with alone(browser, site) as first:
        yield Windows(first)


@pytest.fixture
def page(windows: Windows) -> Iterator[Page]:
    with windows.open() as opened:
        yield opened


@pytest.fixture(scope="session")
def axe() -> Callable[[Page], list[str]]:
    return violations


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page is tried at both widths, whatever was seen before."""
    from tests.journeys import test_pages

    monkeypatch.setattr(test_pages, "SEEN", test_pages.Forgetful())
