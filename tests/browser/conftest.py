"""A real browser before a panel of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.conftest import PASSWORD

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-gpu"]
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
NewPage = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the stage and return its address."""
    state = tmp_path_factory.mktemp("panel")
    environment = os.environ | {"OVZ_STATE_DIR": str(state), "OVZ_LAB": "1", "OVZ_LOG_LEVEL": "CRITICAL"}
    environment.pop("DATABASE_URL", None)
    with (state / "stage.log").open("w") as log:
        stage = subprocess.Popen(
            [sys.executable, "-m", "tests.browser.stage"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert stage.stdin
        assert stage.stdout
        with stage.stdin, stage.stdout:
            address = stage.stdout.readline().strip()
            assert address, (state / "stage.log").read_text()
            yield address
        stage.wait(timeout=10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a browser for one file: its event loop stays in this thread, and other tests want loops of their own."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser, panel: str) -> Iterator[NewPage]:
    """Open a page as somebody; at the end nothing may have been complained about in any of them."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_as(name: str = "", **options: object) -> Page:
        context = browser.new_context(**{"base_url": panel, "viewport": DESKTOP} | options)
        contexts.append(context)
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if _is_complaint(said) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if name:
            sign_in(page, name)
        return page

    yield open_as
    for context in contexts:
        context.close()
    assert complaints == []


def _is_complaint(said: ConsoleMessage) -> bool:
    """A refused form is no complaint, though Chromium writes a line about its status."""
    return said.type in ("error", "warning") and "status of 422" not in said.text


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.goto("/sign-in/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()


def schedule(page: Page, container: str, *, method: str, target: str) -> None:
    """Find the container, choose node and method, and press the button."""
    page.goto("/containers/")
    page.get_by_label("Search").fill(container)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name=container).click()
    page.get_by_role("link", name="Schedule a migration").click()
    page.get_by_label("To which node").select_option(
        page.locator("option", has_text=f"{target}:").get_attribute("value")
    )
    page.get_by_label(method, exact=True).check()
    page.get_by_role("button", name="Schedule").click()
