from __future__ import annotations

import pytest

from tests.batches.stage import Fleet


@pytest.fixture
def fleet(db: None) -> Fleet:
    return Fleet()
