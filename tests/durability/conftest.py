from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.durability import fleet as fleets
from tests.durability.campaign import Campaign
from tests.durability.fleet import Fleet


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A kill has to hit a step that lasts for a moment, and users wait no longer than they may."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.alone)


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """One lab and one panel for all of these tests; each makes containers of its own."""
    with fleets.fleet(tmp_path_factory.mktemp("durability")) as made:
        yield made


@pytest.fixture(scope="session")
def campaign(fleet: Fleet) -> Campaign:
    """Everything is killed at every step of every method, once for all the tests that look at how it went."""
    fought = Campaign(fleet=fleet)
    fleet.panel.start_web()
    fought.run()
    return fought
