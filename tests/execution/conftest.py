from __future__ import annotations

import pytest

from tests.execution.stage import Stage


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()
