from __future__ import annotations

import pytest

from tests.batches.stage import Fleet


@pytest.fixture(autouse=True)
def the_engine_alone(one_person_is_enough: None) -> None:
    """No batch here waits for a second person."""


@pytest.fixture
def fleet(db: None) -> Fleet:
    return Fleet()
