from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from lab.handle import Lab

_container_numbers = itertools.count(101)


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """One lab of three nodes for the whole session; each test makes containers of its own numbers."""
    with Lab.start(nodes=3) as running:
        yield running


@pytest.fixture
def fresh_ctid(lab: Lab) -> Callable[[], int]:
    """Hand out container numbers that no other test of this session uses; 192.0.2.N goes with number N."""
    return lambda: next(_container_numbers)
