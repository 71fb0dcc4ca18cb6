"""The browser, the served pages and the accessibility checker themselves."""

from collections.abc import Callable

from playwright.sync_api import Page


def test_the_sign_in_page_is_served_with_its_design(page: Page, site: str, axe: Callable[[Page], list[str]]) -> None:
    response = page.goto("/sign-in")
    assert response is not None
    assert response.status == 200
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontFamily.includes('arial')")
    assert page.evaluate("document.body.classList.contains('js-enabled')"), "the inline script has no nonce"
    assert axe(page) == []


def test_a_page_that_fails_people_is_found(page: Page, site: str, axe: Callable[[Page], list[str]]) -> None:
    page.goto("/sign-in")
    page.evaluate("document.body.append(document.createElement('img'))")
    page.evaluate("document.querySelector('img:last-child').src = '/static/none.png'")
    assert any(each.startswith("image-alt") for each in axe(page))
    page.evaluate("document.querySelector('h1').style.color = '#ccc'")
    assert any(each.startswith("color-contrast") for each in axe(page))
