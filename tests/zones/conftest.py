from __future__ import annotations

import pytest

from tests.fakes.world import FakeWorld
from tests.zones.rig import Names, make_names


@pytest.fixture
def names(db: None, world: FakeWorld) -> Names:
    return make_names(world)
