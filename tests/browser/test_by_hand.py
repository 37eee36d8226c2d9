"""What people do with a keyboard, without scripts, and with a finger on the wrong button."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.conftest import PASSWORD


def test_it_is_used_by_keyboard_alone(open_page: NewPage) -> None:
    page = open_page()
    page.goto("/sign-in/")
    expect(page.get_by_label("Username")).to_be_focused()
    page.keyboard.type("ada")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Overview").wait_for()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


def test_focus_is_always_seen(open_page: NewPage) -> None:
    page = open_page("ada")
    page.goto("/containers/3/schedule/")
    for _ in range(25):
        page.keyboard.press("Tab")
        assert _shows_focus(page), page.evaluate("document.activeElement.outerHTML.slice(0, 120)")


def test_it_schedules_without_scripts(open_page: NewPage) -> None:
    page = open_page("ada", java_script_enabled=False)
    page.goto("/containers/3/schedule/")
    page.get_by_role("button", name="Schedule").click()
    expect(page.get_by_text("This field is required.")).to_be_visible()
    on_its_segment = page.get_by_label("To which node").locator("option", has_text="node-2")
    page.get_by_label("To which node").select_option(value=on_its_segment.get_attribute("value"))
    page.get_by_label("At a time").check()
    page.get_by_label("Not before").fill("2027-02-03T02:30")
    page.get_by_role("button", name="Schedule").click()
    expect(page.locator("#state")).to_have_text("Scheduled")
    expect(page.get_by_text("not before Wed 3 Feb 2027, 02:30 UTC", exact=True)).to_be_visible()
    page.get_by_role("button", name="Cancel it").click()
    expect(page.locator("#state")).to_have_text("Cancelled")


def test_a_time_is_asked_for_only_where_one_is_wanted(open_page: NewPage) -> None:
    page = open_page("ada")
    page.goto("/containers/4/schedule/")
    expect(page.get_by_label("Not before")).to_be_hidden()
    page.get_by_label("At a time").check()
    expect(page.get_by_label("Not before")).to_be_visible()


def test_a_command_is_copied(open_page: NewPage) -> None:
    page = open_page("ada", permissions=["clipboard-read", "clipboard-write"])
    page.goto("/nodes/7/")
    block = page.locator(".command", has_text="yum -y install rsync")
    block.get_by_role("button", name="Copy").click()
    expect(block.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "yum -y install rsync"


def test_it_goes_dark_with_the_system(open_page: NewPage) -> None:
    page = open_page("ada", color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")


def test_a_button_keeps_its_focus_while_the_page_lives(open_page: NewPage) -> None:
    page = open_page("ada")
    page.goto("/migrations/1/")
    page.get_by_role("button", name="Pause").focus()
    with page.expect_response(lambda answer: "/live/" in answer.url):
        pass
    page.wait_for_timeout(300)
    expect(page.get_by_role("button", name="Pause")).to_be_focused()


def test_times_are_shown_in_the_browsers_zone(open_page: NewPage) -> None:
    page = open_page("ada", timezone_id="Asia/Tokyo")
    expect(page.get_by_text("Times are shown in Asia/Tokyo")).to_be_visible()


@pytest.mark.parametrize("path", ["/nodes/6/", "/containers/14/", "/migrations/3/", "/containers/?q=%3Cimg%20src=x%3E"])
def test_what_strangers_write_is_never_run(open_page: NewPage, path: str) -> None:
    page = open_page("ada")
    page.goto(path)
    page.wait_for_timeout(300)
    assert page.title() != "1"
    assert page.locator("img[src=x]").count() == 0


def _shows_focus(page: Page) -> bool:
    drawn = page.evaluate(
        """() => {
            const shown = element => getComputedStyle(element).outlineStyle !== "none"
                || getComputedStyle(element).boxShadow !== "none";
            const focused = document.activeElement;
            return focused === document.body || shown(focused) || shown(focused.closest(".choice") || focused);
        }"""
    )
    return bool(drawn)
