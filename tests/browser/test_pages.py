"""Every page, on a phone and on a desk, by day and by night: nothing wider than the screen, nothing out of reach.

Set OVZ_SCREENSHOTS to a folder to have each page's picture left there.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import DESKTOP, PHONE, NewPage

VENDOR = Path(__file__).parent / "vendor"
SCREENS = {"phone": PHONE, "desk": DESKTOP}
# Only sentences come back: the whole result of a run is megabytes.
AXE_RUN = """async rules => {
    const {violations} = await axe.run(document, {runOnly: rules, resultTypes: ["violations"]});
    return violations.flatMap(({id, nodes}) => nodes.map(node => `${id} ${node.target}: ${node.failureSummary}`));
}"""
# The checker takes a second a page: colours differ by scheme and layout by screen, so two looks show them all.
CHECKED_WHOLE = (("phone", "light"), ("desk", "dark"))
STAFF_PAGES = {
    "overview": "/",
    "nodes": "/nodes/",
    "node-add": "/nodes/add/",
    "segments": "/nodes/segments/",
    "segment": "/nodes/segments/1/",
    "node-ready": "/nodes/1/",
    "node-new": "/nodes/3/",
    "node-offered": "/nodes/4/",
    "node-pinned": "/nodes/5/",
    "node-changed": "/nodes/6/",
    "node-lacking": "/nodes/7/",
    "containers": "/containers/",
    "container": "/containers/2/",
    "container-hostile": "/containers/14/",
    "container-moved": "/containers/15/",
    "container-gone": "/containers/16/",
    "schedule": "/containers/3/schedule/",
    "migrations": "/migrations/",
    "migration-running": "/migrations/1/",
    "migration-frozen": "/migrations/2/",
    "migration-parked": "/migrations/3/",
    "migration-planned": "/migrations/4/",
    "migration-done": "/migrations/5/",
    "migration-retirable": "/migrations/6/",
    "migration-rolled-back": "/migrations/7/",
    "capacity": "/capacity/?show=week&cpu=1&memory=2&disk=20",
    "capacity-forecasts": "/capacity/forecasts/",
    "live-moves": "/compatibility/",
    "live-moves-classes": "/compatibility/?by=classes",
    "pair-impossible": "/compatibility/2/1/",
    "pair-possible": "/compatibility/1/2/",
    "node-month": "/nodes/1/?range=month",
    "container-measured": "/containers/1/?range=day",
    "names": "/names/",
    "names-ask": "/containers/1/names/",
    "names-zone": "/names/zones/1/",
    "names-zone-troubled": "/names/zones/3/",
    "names-zone-add": "/names/zones/add/",
    "names-key-add": "/names/keys/add/",
    "names-server-add": "/names/servers/add/",
    "difference-verified": "/names/differences/1/",
    "difference-objected": "/names/differences/2/",
    "difference-void": "/names/differences/3/",
    "difference-ready": "/names/differences/4/",
    "difference-lagging": "/names/differences/5/",
    "batches": "/batches/",
    "batch-draft": "/batches/1/",
    "batch-running": "/batches/2/",
    "batch-stopped": "/batches/3/",
    "batch-done": "/batches/4/",
    "batch-long": "/batches/5/?page=2",
    "batch-cancel": "/batches/2/cancel/",
    "batch-terms": "/batches/1/terms/",
    "batch-skip": "/batch-moves/1/skip/",
    "freeze-periods": "/freeze-periods/",
    "node-draining": "/nodes/12/",
    "node-maintained": "/nodes/13/",
    "approvals-open": "/approvals/",
    "approval-own": "/approvals/1/",
    "batch-waiting": "/batches/6/",
    "runbook": "/runbook/",
    "time-zone": "/time-zone/",
}
APPROVER_PAGES = {
    "approvals": "/approvals/",
    "approval-waiting": "/approvals/1/",
    "approval-changed": "/approvals/2/",
    "approval-alone": "/approvals/3/",
    "audit": "/audit/",
}
CUSTOMER_PAGES = {
    "own": "/",
    "own-server": "/servers/17/",
    "own-server-measured": "/servers/1/",
    "own-move-running": "/moves/1/",
    "own-move-frozen": "/moves/2/",
    "own-move-parked": "/moves/3/",
    "own-move-planned": "/moves/4/",
    "own-move-done": "/moves/5/",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize(
    ("who", "pages"),
    [("", {"sign-in": "/sign-in/"}), ("ada", STAFF_PAGES), ("boris", APPROVER_PAGES), ("carla", CUSTOMER_PAGES)],
)
def test_it_fits_and_everybody_can_use_it(
    open_page: NewPage, who: str, pages: dict[str, str], screen: str, scheme: str
) -> None:
    page = open_page(who, viewport=SCREENS[screen], color_scheme=scheme)
    objections = {}
    for name, path in pages.items():
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, name
        _picture(page, f"{name}-{screen}-{scheme}")
        found = _too_wide(page)
        if (screen, scheme) in CHECKED_WHOLE:
            found += _inaccessible(page)
        if found:
            objections[name] = found
    assert objections == {}


def test_the_checker_objects_where_there_is_something_to_object_to(open_page: NewPage) -> None:
    page = open_page()
    page.set_content('<title>x</title><img src="data:,">')
    assert [found.split()[0] for found in _inaccessible(page)].count("image-alt") == 1


def test_the_checker_is_the_file_that_was_published() -> None:
    name, wanted, _ = (VENDOR / "VERSIONS").read_text().splitlines()[1].split(maxsplit=2)
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == wanted


def _too_wide(page: Page) -> list[str]:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{wide} pixels wider than the screen"] if wide > 0 else []


def _inaccessible(page: Page) -> list[str]:
    page.evaluate((VENDOR / "axe.min.js").read_text())
    found: list[str] = page.evaluate(AXE_RUN, ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    return found


def _picture(page: Page, name: str) -> None:
    if folder := os.environ.get("OVZ_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
