from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from migrations_app import wiring


@pytest.fixture(autouse=True)
def own_key(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    settings.OVZ = {**settings.OVZ, "ssh_key_file": tmp_path / "node_key"}
    wiring._outside_of_process.cache_clear()
    yield tmp_path / "node_key"
    wiring._outside_of_process.cache_clear()


def test_it_keeps_one_set_per_process() -> None:
    assert wiring.outside() is wiring.outside()


def test_it_carries_no_connection_across_a_fork() -> None:
    mine = wiring.outside()
    context = multiprocessing.get_context("fork")
    answers: Any = context.Queue()
    child = context.Process(target=lambda: answers.put(wiring.outside() is mine))
    child.start()
    assert answers.get(timeout=20) is False
    child.join(timeout=20)


def test_it_shows_the_public_key_it_made(own_key: Path) -> None:
    assert wiring.panel_public_key().startswith("ssh-ed25519 ")
    assert own_key.exists()
    assert wiring.panel_public_key() == wiring.panel_public_key()


def test_it_hands_out_the_whole_gate() -> None:
    files = wiring.gate_files()
    assert {"ovzgate", "install.sh", "lib/gate.sh", "lib/words.sh"} <= files.keys()
    assert all(files.values())
