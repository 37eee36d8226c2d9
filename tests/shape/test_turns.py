"""The lock by which tests on several workers take turns."""

from __future__ import annotations

import fcntl
import threading
from pathlib import Path

import pytest

from tests.turns import turn


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    found = {"door": tmp_path / "door", "room": tmp_path / "room"}
    for path in found.values():
        path.touch()
    return found


def is_free(path: Path, how: int = fcntl.LOCK_EX) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_others_may_run_beside_a_test(places: dict[str, Path]) -> None:
    with turn(alone=False, **places):
        assert is_free(places["door"])
        assert is_free(places["room"], fcntl.LOCK_SH)
        assert not is_free(places["room"])


def test_nobody_runs_beside_one_that_is_alone(places: dict[str, Path]) -> None:
    with turn(alone=True, **places):
        assert not is_free(places["room"], fcntl.LOCK_SH)
    assert is_free(places["room"])


def test_nobody_slips_past_one_that_waits_to_be_alone(places: dict[str, Path]) -> None:
    was_alone = threading.Event()

    def wait_to_be_alone() -> None:
        with turn(alone=True, **places):
            was_alone.set()

    waiting = threading.Thread(target=wait_to_be_alone)
    with turn(alone=False, **places):
        waiting.start()
        while is_free(places["door"]):
            assert waiting.is_alive()
        assert not was_alone.is_set()
    waiting.join()
    assert was_alone.is_set()


def test_a_test_that_fails_gives_its_turn_back(places: dict[str, Path]) -> None:
    with pytest.raises(ZeroDivisionError), turn(alone=True, **places):
        raise ZeroDivisionError
    assert is_free(places["door"])
    assert is_free(places["room"])
