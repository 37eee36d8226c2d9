"""Staff schedule a migration in a browser and watch it finish."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import NewPage, schedule

TO_THE_END_MS = 90_000


def test_it_is_scheduled_and_watched_to_its_end_and_its_owner_sees_it_too(open_page: NewPage) -> None:
    staff, owner = open_page("ada"), open_page("carla")
    schedule(staff, "shop.example.net", method="Stream", target="node-2")
    expect(staff.get_by_role("heading", name="101 (shop.example.net)")).to_be_visible()
    staff.evaluate("window.neverReloaded = true")
    owner.get_by_role("link", name="shop.example.net").click()
    owner.get_by_role("link", name="See the move").click()

    # No reload: htmx alone brings the end.
    expect(staff.locator("#state")).to_have_text("Done", timeout=TO_THE_END_MS)
    expect(staff.get_by_text("0 differences")).to_be_visible()
    expect(staff.get_by_text("Measured downtime")).to_be_visible()
    assert staff.evaluate("window.neverReloaded") is True

    expect(owner.locator("#state")).to_have_text("Done", timeout=TO_THE_END_MS)
    expect(owner.get_by_text("all equal to the original")).to_be_visible()
    assert "node-" not in owner.content()

    # And then it leaves the server alone.
    asked: list[str] = []
    staff.on("request", lambda request: asked.append(request.url))
    staff.wait_for_timeout(5_000)
    assert asked == []
