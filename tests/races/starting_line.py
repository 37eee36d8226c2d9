"""Let several threads do something at the same moment, each with a connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection


def all_at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Return what each returned or raised, in the order of the acts."""
    line = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            line.wait(30)
            return act()
        except Exception as error:  # noqa: BLE001 - what it raised is what the test wants to know
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def raised(results: Sequence[Any], kind: type[Exception]) -> int:
    """Count those of one kind, and let no other pass."""
    strange = [error for error in results if isinstance(error, Exception) and not isinstance(error, kind)]
    if strange:
        raise strange[0]
    return sum(isinstance(result, kind) for result in results)
