"""The doctor's lines and its exit code."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_q.models import Task

from migrations_app.adapters.ssh_key import read_or_make_key
from migrations_app.ports.probe import ProbeResult
from tests.factories import make_node
from tests.fakes.probe import FakeProbe
from tests.fakes.world import FakeWorld

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sane(world: FakeWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Everything as it should be."""
    now = timezone.now()
    world.clock.set(now)
    monkeypatch.setattr("migrations_app.wiring.outside", lambda: world.outside)
    monkeypatch.setattr(FakeProbe, "connect", lambda *a, **k: ProbeResult(answers=True, seconds=0.01))
    monkeypatch.setitem(settings.OVZ, "ssh_key_file", tmp_path / "node_key")
    read_or_make_key(tmp_path / "node_key")
    Task.objects.create(id="a" * 32, name="canary", func="migrations_app.tasks.canary", started=now, stopped=now)
    make_node(fake=world.node("node-1"))


def doctor() -> tuple[list[str], bool]:
    """Return the lines and whether all is well."""
    out = StringIO()
    try:
        call_command("doctor", stdout=out)
    except CommandError:
        return out.getvalue().splitlines(), False
    return out.getvalue().splitlines(), True


def test_it_finds_nothing_where_all_is_well() -> None:
    lines, well = doctor()
    assert well, lines
    assert [line.split(": ")[0] for line in lines] == [
        "ok    database",
        "ok    key file",
        "ok    queue",
        "ok    mail server",
        "ok    node-1",
    ]


def test_it_fails_on_a_fault(world: FakeWorld) -> None:
    world.node("node-1").is_up = False
    lines, well = doctor()
    assert not well
    assert lines[-1].startswith("FAULT node-1: NodeUnreachable: ")


def test_it_names_a_key_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "node_key").chmod(0o644)
    monkeypatch.setattr("migrations_app.wiring.outside", lambda: read_or_make_key(tmp_path / "node_key"))
    lines, well = doctor()
    assert not well
    assert "others may read it" in lines[-1]
