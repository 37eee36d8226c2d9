from __future__ import annotations

import pytest

from tests.batches.stage import Fleet
from tests.fakes.world import FakeWorld


@pytest.fixture
def fleet(db: None, world: FakeWorld) -> Fleet:
    return Fleet(world)
