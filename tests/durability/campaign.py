"""Moves of every method, all at once and under load, while the panel is killed at every step of each."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

from lab.demo_fleet import DemoContainer
from lab.load import Load, under_load
from lab.watch import Report
from migrations_app.strategies import RECIPES
from tests.durability.fleet import ENDED, Fleet, InFlight
from tests.durability.killing import GROUP_KINDS, strike

METHODS = ("live", "dump", "stream")
STEPS = [(method, step.name) for method in METHODS for step in RECIPES[method]]
SEED = 20
MOST_WAVES = 8
WAVE_SECONDS = 240.0
# Then nothing is killed any more, and what is still under way may end in peace.
PEACE_SECONDS = 120.0
LOOK_EVERY_SECONDS = 0.005
# Lasts a thousandth of a second where the services answer: who wants to see it must not blink.
BLINK = "probe_outside"
BEFORE_THE_BLINK = {(method, before) for (method, before), (_, step) in itertools.pairwise(STEPS) if step == BLINK}
REQUESTS_PER_SECOND = 20.0
LONGEST_AIM_SECONDS = 0.12
# The steps of a freeze are short: some last for a twentieth of a second.
LONGEST_AIM_FROZEN_SECONDS = 0.03
SETTLE_SECONDS = 1.0

Cell = tuple[str, str]  # method, step


@dataclass(frozen=True, kw_only=True)
class Strike:
    kind: str
    at: float
    hit: tuple[InFlight, ...]


@dataclass(frozen=True, kw_only=True)
class Moved:
    """How one migration ended, by its rows, by its users and by what is on the nodes."""

    migration: int
    method: str
    row: dict[str, Any]
    unfinished_steps: list[tuple[str, str]]
    users: dict[str, Any]
    lost_writes: int
    runs_on: list[str]
    keys_left: list[str]
    kills_while_frozen: int

    @property
    def complaints(self) -> list[str]:
        """Return everything that is not as if nothing had happened."""
        told = []
        if self.row["state"] != "done":
            told.append(f"ended as {self.row['state']}: {self.row['failure']} {self.row['failure_detail']}")
        if self.unfinished_steps:
            told.append(f"steps left: {self.unfinished_steps}")
        if self.runs_on != ["node-2"]:
            told.append(f"runs on {self.runs_on}")
        if self.users["failed_requests"] and not self.kills_while_frozen:
            told.append(f"{self.users['failed_requests']} requests failed: {self.users['failures'][:2]}")
        if self.lost_writes:
            told.append(f"{self.lost_writes} acknowledged writes lost")
        if self.method == "live" and not self.users["memory_kept"]:
            told.append("its memory was not kept")
        if self.method != "live" and (self.row["certificate"] or {}).get("differences") != 0:
            told.append("without an empty certificate")
        if self.keys_left:
            told.append(f"keys left on {self.keys_left}")
        return told


@dataclass(kw_only=True, repr=False)
class Campaign:
    fleet: Fleet
    strikes: list[Strike] = field(default_factory=list)
    # The migrations that were hit, by method and step: by killing one worker alone (True), or a whole part.
    struck: dict[bool, dict[Cell, list[int]]] = field(default_factory=lambda: {True: {}, False: {}})
    moved: dict[int, Moved] = field(default_factory=dict)
    watch: Report = field(default_factory=Report)
    seconds: float = 0.0
    _chance: random.Random = field(default_factory=lambda: random.Random(SEED))
    _kinds: Iterator[str] = field(default_factory=lambda: itertools.cycle(GROUP_KINDS))

    def run(self) -> None:
        began = time.monotonic()
        with self.fleet.lab.watch() as watching:
            for _ in range(MOST_WAVES):
                if missing := self.missing():
                    self._wave(sorted({method for method, _ in missing}))
        self.watch = watching.report
        self.seconds = time.monotonic() - began

    def missing(self) -> set[Cell]:
        return set(STEPS) - (self.struck[True].keys() & self.struck[False].keys())

    # One wave

    def _wave(self, methods: list[str]) -> None:
        """Two moves of each method: one whose workers are killed one by one, one at which whole parts are."""
        pairs = [(method, alone) for method in methods for alone in (True, False)]
        containers = self.fleet.make_containers(len(pairs))
        with ExitStack() as stack:
            loads = [stack.enter_context(self._load(container)) for container in containers]
            time.sleep(SETTLE_SECONDS)
            orders = zip(containers, (method for method, _ in pairs), strict=True)
            numbers = self.fleet.order(orders, freeze_budget_seconds=30.0)
            self._fight(dict(zip(numbers, (alone for _, alone in pairs), strict=True)))
            self.fleet.await_end(numbers, seconds=PEACE_SECONDS)
            time.sleep(SETTLE_SECONDS)
        for number, container, load in zip(numbers, containers, loads, strict=True):
            self.moved[number] = self._take_stock(number, container, load)

    def _load(self, container: DemoContainer) -> Any:
        return under_load(self.fleet.lab, container.address, self.fleet.panel.folder, rate=REQUESTS_PER_SECOND)

    def _fight(self, aims: dict[int, bool]) -> None:
        """Kill at every step that was not hit yet, until all migrations have ended."""
        deadline = time.monotonic() + WAVE_SECONDS
        while time.monotonic() < deadline:
            seen = self.fleet.look(aims)
            if all(one.state in ENDED for one in seen):
                return
            aim = next((one for one in seen if self._is_wanted(one, seen, alone=aims[one.migration])), None)
            if aim is not None:
                self._strike(aim, aims)
            elif not any((one.method, one.step) in BEFORE_THE_BLINK for one in seen):
                time.sleep(LOOK_EVERY_SECONDS)

    def _is_wanted(self, one: InFlight, seen: list[InFlight], *, alone: bool) -> bool:
        if not one.step or one.state in ENDED or (alone and one.holder_pid is None):
            return False
        if not alone and any(other.frozen for other in seen if other != one):
            return False  # a whole part is killed for one freeze at a time, else no freeze would ever end
        return not _cells(one) <= self.struck[alone].keys()

    def _strike(self, aim: InFlight, aims: dict[int, bool]) -> None:
        """Let some of the step pass by, look again, and hit what is there then."""
        alone = aims[aim.migration]
        if BLINK not in (aim.step, aim.step_before):
            longest = LONGEST_AIM_FROZEN_SECONDS if aim.frozen else LONGEST_AIM_SECONDS
            time.sleep(self._chance.uniform(0, longest))
        seen = self.fleet.look(aims)
        now = next(one for one in seen if one.migration == aim.migration)
        if not self._is_wanted(now, seen, alone=alone):
            return
        kind = "worker" if alone else next(self._kinds)
        strike(self.fleet.panel, kind, worker_pid=now.holder_pid)
        hit = (now,) if alone else tuple(one for one in seen if one.step and one.state not in ENDED)
        self._note(Strike(kind=kind, at=time.time(), hit=hit), alone=alone)

    def _note(self, blow: Strike, *, alone: bool) -> None:
        self.strikes.append(blow)
        for one in blow.hit:
            for cell in _cells(one):
                self.struck[alone].setdefault(cell, []).append(one.migration)

    # Afterwards

    def _take_stock(self, number: int, container: DemoContainer, load: Load) -> Moved:
        lab = self.fleet.lab
        nodes = [node for node in lab.nodes if _runs(node, container.ctid)]
        where = lab.node("node-2") if nodes else lab.node("node-1")
        lost = -1
        with suppress(Exception):
            lost = load.writes_lost_on(where, container.ctid)
        return Moved(
            migration=number,
            method=self.fleet.look([number])[0].method,
            row=self.fleet.outcome(number),
            unfinished_steps=self.fleet.rows(
                "SELECT name, state FROM migrations_app_steprun WHERE migration_id = ? AND state NOT IN "
                "('done', 'skipped')",
                number,
            ),
            users=load.report or {},
            lost_writes=lost,
            runs_on=[node.name for node in nodes],
            keys_left=[node.name for node in lab.nodes if _has_key(node, number)],
            kills_while_frozen=sum(one.migration == number and one.frozen for blow in self.strikes for one in blow.hit),
        )


def _cells(seen: InFlight) -> set[Cell]:
    """Return the steps that are hit: between two steps it is the edge of both."""
    steps = {seen.step} | ({seen.step_before} - {""} if seen.step_state == "pending" else set())
    return {(seen.method, step) for step in steps}


def _runs(node: Any, ctid: int) -> bool:
    return "running" in node.run(["vzctl", "status", str(ctid)], check=False).stdout.split()


def _has_key(node: Any, number: int) -> bool:
    found = node.run(["grep", "-qw", f"ovzpanel-m{number}", "/root/.ssh/authorized_keys"], check=False)
    return bool(found.returncode == 0)
