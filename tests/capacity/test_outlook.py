"""When a container reaches its limits."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lab.replay import write_days
from migrations_app.capacity import outlook
from migrations_app.capacity.chunks import Kind, Subject

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
CONTAINER = Subject(Kind.CONTAINER, 1)


def test_a_growing_disk_reaches_its_limit_in_a_range_of_days() -> None:
    # The lab lets a disk grow by a quarter over the days that it writes: 20 days from 750 to 1,000 MiB.
    write_days(CONTAINER, {"disk_mib": 1000.0, "disk_limit_mib": 1500.0}, NOW, 20)
    (disk,) = outlook.of_container(CONTAINER, NOW)
    assert (disk.resource, disk.limit) == ("Disk", 1500.0)
    assert disk.until.days == pytest.approx(40, rel=0.15)
    assert disk.until.earliest is not None
    assert disk.until.latest is not None
    assert disk.until.earliest <= disk.until.days <= disk.until.latest


def test_what_has_no_limit_has_no_outlook() -> None:
    write_days(CONTAINER, {"disk_mib": 1000.0, "memory_mib": 100.0, "memory_limit_mib": 0.0}, NOW, 20)
    assert list(outlook.of_container(CONTAINER, NOW)) == []


def test_a_few_days_tell_nothing() -> None:
    write_days(CONTAINER, {"disk_mib": 1000.0, "disk_limit_mib": 1500.0}, NOW, 3)
    assert list(outlook.of_container(CONTAINER, NOW)) == []


def test_what_does_not_grow_has_no_end_in_sight() -> None:
    write_days(CONTAINER, {"memory_mib": 0.0, "memory_limit_mib": 900.0}, NOW, 20)
    (memory,) = outlook.of_container(CONTAINER, NOW)
    assert (memory.resource, memory.until.days) == ("Memory", None)
