from __future__ import annotations

import pytest
from pytest_django.fixtures import SettingsWrapper

from tests.batches.stage import Fleet


@pytest.fixture(autouse=True)
def one_person_is_enough(settings: SettingsWrapper) -> None:
    """What is tried here is the engine; who has to agree is tried in tests/approvals."""
    settings.OVZ = settings.OVZ | {"approval_for": []}


@pytest.fixture
def fleet(db: None) -> Fleet:
    return Fleet()
