"""A node emptied from the browser, with nothing played: proposal, terms, batch, real migrations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from lab import demo_fleet
from lab.demo_fleet import DemoContainer
from lab.handle import Lab
from lab.panel import Panel
from lab.people import PASSWORD
from tests.browser.conftest import NewPage, sign_in

pytestmark = pytest.mark.lab
SMALL = (
    DemoContainer(ctid=101, node="node-1", hostname="shop.bakery.example.com", data_mib=4, files=60),
    DemoContainer(ctid=102, node="node-1", hostname="mail.bakery.example.com", data_mib=4, files=60),
)
WORKED_OUT_MS, TO_THE_END_MS = 60_000, 300_000


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[tuple[Lab, str]]:
    """Two nodes, one of them with containers, and a panel over them; the lab and the panel's address."""
    with Lab.start(nodes=2) as lab:
        for container in SMALL:
            demo_fleet.create(lab.node(container.node), container)
            demo_fleet.fill(lab.node(container.node), container)
            lab.node(container.node).run(["vzctl", "start", str(container.ctid)])
        panel = Panel(lab, tmp_path / "panel")
        try:
            panel.set_up()
            panel.start_worker()
            panel.start_web()
            yield lab, panel.address
        finally:
            panel.stop()


def test_a_node_is_emptied(open_page: NewPage, lab: tuple[Lab, str]) -> None:
    nodes, address = lab
    page = open_page(base_url=address)
    sign_in(page, "ada", PASSWORD)
    _propose(page)
    _accept(page)
    expect(page.locator("#state")).to_have_text("Draft")
    batch = page.url
    page.get_by_role("button", name="Ask for approval").click()
    _approve(open_page(base_url=address))
    page.goto(batch)
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#state")).to_have_text("Running")

    # No reload: htmx alone brings the end.
    expect(page.locator("#state")).to_have_text("Done", timeout=TO_THE_END_MS)
    expect(page.get_by_text("Everything was moved")).to_be_visible()
    page.get_by_role("link", name="Nodes").click()
    page.get_by_role("link", name="node-1").click()
    expect(page.get_by_text("No containers.")).to_be_visible()
    assert _running(nodes, "node-1") == []
    assert _running(nodes, "node-2") == [101, 102]


def _propose(page: Page) -> None:
    """Ask for the node to be emptied, from its page, and wait for an answer."""
    page.goto("/nodes/")
    page.get_by_role("link", name="node-1").click()
    page.get_by_role("link", name="Empty this node").click()
    page.get_by_role("button", name="Work it out").click()
    page.get_by_role("link", name="Accept").click(timeout=WORKED_OUT_MS)


def _accept(page: Page) -> None:
    """Choose terms: no canary, and both at once."""
    page.get_by_label("Canaries").fill("0")
    page.get_by_text("How many at once, how fast").click()
    page.get_by_label("At once, between two nodes").fill("2")
    page.get_by_role("button", name="Accept").click()
    expect(page).to_have_url(re.compile(r"/batches/\d+/$"))


def _approve(page: Page) -> None:
    """The second person reads what waits, and says yes."""
    sign_in(page, "boris", PASSWORD)
    page.get_by_role("link", name="Approvals").click()
    page.locator("main a.cell-main").first.click()
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".state", has_text="Approved")).to_be_visible()


def _running(lab: Lab, node: str) -> list[int]:
    """Ask the node itself."""
    listed = lab.node(node).run(["vzlist", "-H", "-o", "ctid"])
    return sorted(int(word) for word in listed.stdout.split())
