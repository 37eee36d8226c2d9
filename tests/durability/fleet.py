"""A lab with a whole panel on it, and eyes on the panel's rows from outside."""

from __future__ import annotations

import itertools
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from lab.demo_fleet import DemoContainer, create, fill
from lab.handle import Lab
from lab.panel import Panel

ORDER = """
from django.conf import settings
from django.utils import timezone
from migrations_app.models import Container, Node
from migrations_app.usecases.schedule_migration import schedule_migration
for ctid, method, limits in {orders!r}:
    migration = schedule_migration(
        container=Container.objects.get(ctid=ctid, node__name="node-1", gone_at=None),
        target=Node.objects.get(name="node-2"),
        method=method,
        actor=None,
        now=timezone.now(),
        settings=settings.OVZ,
        fall_back_to_dump=False,
        **limits,
    )
    print(migration.pk)
"""
ENDED = ("done", "parked", "rolled_back", "cancelled")


@dataclass(frozen=True, kw_only=True)
class InFlight:
    """One migration as its rows say this moment: which step is next or under way, and who is at it."""

    migration: int
    method: str
    state: str
    step: str  # empty: none is left
    step_state: str
    step_before: str
    holder_pid: int | None
    frozen: bool


@dataclass(kw_only=True)
class Fleet:
    lab: Lab
    panel: Panel
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(101))

    def make_containers(self, count: int, *, data_mib: int = 1, files: int = 30) -> list[DemoContainer]:
        """Make small containers on the first node, running, and let the panel take them in."""
        made = [self._container(next(self.numbers), data_mib, files) for _ in range(count)]
        node = self.lab.node("node-1")
        for container in made:
            create(node, container)
            fill(node, container)
            node.run(["vzctl", "start", str(container.ctid)])
        self.panel.manage("scan", "node-1")
        return made

    def order(self, orders: Iterable[tuple[DemoContainer, str]], **limits: Any) -> list[int]:
        """Schedule moves to the second node, due now, and return their numbers."""
        wanted = [(str(container.ctid), method, limits) for container, method in orders]
        told = self.panel.manage("shell", "--no-imports", "-c", ORDER.format(orders=wanted))
        return [int(line) for line in told.split()]

    def look(self, migrations: Iterable[int]) -> list[InFlight]:
        """Return how each stands, read from outside."""
        rows = self.rows(
            f"""
            SELECT m.id, m.method, m.state, m.lease_holder, m.frozen_at IS NOT NULL AND m.unfrozen_at IS NULL,
                   s.name, s.state, (
                   SELECT name FROM migrations_app_steprun
                    WHERE migration_id = m.id AND position < s.position ORDER BY position DESC LIMIT 1)
              FROM migrations_app_migration m
              LEFT JOIN migrations_app_steprun s ON s.id = (
                   SELECT id FROM migrations_app_steprun
                    WHERE migration_id = m.id AND state NOT IN ('done', 'skipped', 'undone')
                    ORDER BY position LIMIT 1)
             WHERE m.id IN ({",".join(str(int(pk)) for pk in migrations)}) ORDER BY m.id
            """
        )
        return [
            InFlight(
                migration=pk,
                method=method,
                state=state,
                step=step or "",
                step_state=step_state or "",
                step_before=before or "",
                holder_pid=int(holder.rsplit(":", 2)[1]) if holder else None,
                frozen=bool(frozen),
            )
            for pk, method, state, holder, frozen, step, step_state, before in rows
        ]

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._eyes.execute(query, values).fetchall()

    def outcome(self, migration: int) -> dict[str, Any]:
        """Return the migration's row."""
        with closing(sqlite3.connect(self._database, timeout=20)) as database:
            database.row_factory = sqlite3.Row
            row = database.execute("SELECT * FROM migrations_app_migration WHERE id = ?", (migration,)).fetchone()
        told = dict(row)
        return told | {"certificate": json.loads(told["certificate"] or "null")}

    def await_end(self, migrations: Iterable[int], *, seconds: float) -> None:
        wanted = list(migrations)
        until(lambda: all(seen.state in ENDED for seen in self.look(wanted)), seconds=seconds)

    def worker_log(self) -> str:
        return (self.panel.folder / "worker.log").read_text()

    @cached_property
    def _eyes(self) -> sqlite3.Connection:
        """Kept open: the campaign looks hundreds of times a second."""
        return sqlite3.connect(self._database, timeout=20, isolation_level=None)

    def close(self) -> None:
        self._eyes.close()

    @property
    def _database(self) -> Path:
        return self.panel.folder / "panel.sqlite3"

    @staticmethod
    def _container(ctid: int, data_mib: int, files: int) -> DemoContainer:
        return DemoContainer(ctid=ctid, node="node-1", hostname=f"ct{ctid}.example.com", data_mib=data_mib, files=files)


@contextmanager
def fleet(folder: Path) -> Iterator[Fleet]:
    with Lab.start(nodes=2) as lab:
        for node in lab.nodes:
            node.run(["yum", "-y", "install", "vzdump"])
        panel = Panel(lab, folder / "panel", {"OVZ_SCAN_EVERY_SECONDS": "3600"})
        try:
            panel.set_up()
            panel.start_worker()
            with closing(Fleet(lab=lab, panel=panel)) as made:
                yield made
        finally:
            panel.stop()


def until(happens: Callable[[], bool], *, seconds: float) -> float:
    """Wait for something, and return how long that took."""
    began = time.monotonic()
    while not happens():
        if time.monotonic() - began > seconds:
            raise TimeoutError(f"it did not happen within {seconds:.0f} s")
        time.sleep(0.05)
    return time.monotonic() - began
