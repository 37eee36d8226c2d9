"""What the doctor sees."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError

from migrations_app.models import Node
from migrations_app.usecases.examine import Checkup, examine_database, examine_installation
from tests.factories import make_node
from tests.fakes.clock import START
from tests.fakes.work import public_key
from tests.fakes.world import FakeWorld

pytestmark = pytest.mark.django_db


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "node_key"
    path.touch(mode=0o600)
    return path


def examine(world: FakeWorld, key_file: Path, *, served_at: datetime | None = START) -> dict[str, Checkup]:
    found = examine_installation(
        outside=world.outside,
        settings=settings.OVZ | {"ssh_key_file": key_file},
        mail_server=("mail.example", 25),
        served_at=served_at,
    )
    return {checkup.subject: checkup for checkup in found}


def test_a_sane_node_is_one_good_line(world: FakeWorld, key_file: Path) -> None:
    make_node(fake=world.node("node-1"))
    found = examine(world, key_file)
    assert found["node-1"].ok
    assert "host key as pinned, gate answers, clock off by 0.0" in found["node-1"].found
    assert found["key file"].ok
    assert found["queue"].ok


@pytest.mark.parametrize(
    ("attribute", "value", "words"),
    [
        ("is_up", False, "NodeUnreachable"),
        ("host_key", public_key("another"), "HostKeyChanged"),
        ("accepts_panel", False, "LoginRefused"),
        ("service_runs", False, "OpenVzNotRunning"),
        ("clock_offset_seconds", 400.0, "400.0 s ahead"),
        ("ntp_client", "", "No NTP client"),
        ("tools", {"vzctl": "4.11.1"}, "rsync is not installed"),
    ],
)
def test_a_fault_of_one_node_is_named_and_the_others_are_looked_at(
    world: FakeWorld, key_file: Path, attribute: str, value: Any, words: str
) -> None:
    make_node(fake=world.node("node-1"))
    make_node(fake=world.node("node-2"))
    setattr(world.node("node-1"), attribute, value)
    found = examine(world, key_file)
    assert not found["node-1"].ok
    assert words in found["node-1"].found
    assert found["node-2"].ok


def test_it_changes_nothing(world: FakeWorld, key_file: Path) -> None:
    world.node("node-1").make_container("101")
    make_node(fake=world.node("node-1"))
    before = Node.objects.values().get()
    examine(world, key_file)
    assert Node.objects.values().get() == before
    assert world.effects == []


def test_a_node_without_a_pinned_key_is_not_spoken_to(world: FakeWorld, key_file: Path) -> None:
    make_node(fake=world.node("node-1"), host_key="")
    assert not examine(world, key_file)["node-1"].ok
    assert all(call.node != "node-1" for call in world.calls)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_key_that_others_can_read_is_a_fault(world: FakeWorld, key_file: Path, mode: int) -> None:
    key_file.chmod(mode)
    found = examine(world, key_file)["key file"]
    assert not found.ok
    assert "chmod 600" in found.found


def test_a_missing_key_is_a_fault(world: FakeWorld, tmp_path: Path) -> None:
    assert not examine(world, tmp_path / "none")["key file"].ok


@pytest.mark.parametrize("served_at", [None, START - timedelta(minutes=5)])
def test_a_silent_queue_is_a_fault(world: FakeWorld, key_file: Path, served_at: datetime | None) -> None:
    found = examine(world, key_file, served_at=served_at)["queue"]
    assert not found.ok
    assert "manage.py work" in found.found


def test_a_silent_mail_server_is_a_fault(world: FakeWorld, key_file: Path) -> None:
    assert not examine(world, key_file)["mail server"].ok


def test_a_database_that_does_not_answer_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object) -> int:
        raise OperationalError("no such table: migrations_app_node")

    assert examine_database().ok
    monkeypatch.setattr("django.db.models.query.QuerySet.count", refuse)
    found = examine_database()
    assert not found.ok
    assert "manage.py migrate" in found.found
