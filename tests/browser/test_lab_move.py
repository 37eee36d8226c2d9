"""The same with nothing played: simulated nodes, a real worker, real processes that move."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from lab import demo_fleet
from lab.demo_fleet import DemoContainer
from lab.handle import Lab
from lab.panel import Panel
from lab.people import PASSWORD
from tests.browser.conftest import NewPage, schedule, sign_in

pytestmark = pytest.mark.lab
SHOP = DemoContainer(ctid=101, node="node-1", hostname="shop.bakery.example.com", data_mib=8, files=200)
TO_THE_END_MS = 180_000


@pytest.fixture
def lab_panel(tmp_path: Path) -> Iterator[str]:
    """Two nodes, a container and a panel over them; its address."""
    with Lab.start(nodes=2) as lab:
        node = lab.node(SHOP.node)
        demo_fleet.create(node, SHOP)
        demo_fleet.fill(node, SHOP)
        node.run(["vzctl", "start", str(SHOP.ctid)])
        panel = Panel(lab, tmp_path / "panel")
        try:
            panel.set_up()
            panel.start_worker()
            panel.start_web()
            yield panel.address
        finally:
            panel.stop()


def test_it_really_moves(open_page: NewPage, lab_panel: str) -> None:
    page = open_page(base_url=lab_panel)
    sign_in(page, "ada", PASSWORD)
    schedule(page, SHOP.hostname, method="Stream", target="node-2")
    expect(page.locator("#state")).to_have_text("Done", timeout=TO_THE_END_MS)
    expect(page.get_by_text("0 differences")).to_be_visible()
    page.get_by_role("link", name="The container").click()
    expect(page.get_by_text(f"{SHOP.ctid} on node-2")).to_be_visible()
