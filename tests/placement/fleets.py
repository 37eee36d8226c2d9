"""Fleets for tests, as the JSON that `propose` reads."""

from __future__ import annotations

import random
import time
from typing import Any

import numpy as np

from migrations_app.placement.planning import plan
from migrations_app.placement.reading import understand

LIMITS = {"cpu": 0.95, "mem": 0.9, "disk": 0.85}


def make_node(name: str, *, size: float = 100, tags: tuple[str, ...] = (), drained: bool = False) -> dict[str, Any]:
    """A node of which ``size`` of every resource may be used."""
    amounts = {resource: size / limit for resource, limit in LIMITS.items()}
    return {"name": name, **amounts, "nic_bps": 10**9, "tags": list(tags), "drained": drained}


def make_container(
    name: str,
    node: str | None,
    size: float,
    *,
    move_bytes: int = 1000,
    requires: tuple[str, ...] = (),
    group: str | None = None,
    pinned: bool = False,
) -> dict[str, Any]:
    sizes = {"cpu": size, "mem": size, "disk": size}
    told = {"move_bytes": move_bytes, "requires": list(requires), "group": group, "pinned": pinned}
    return {"name": name, "node": node, **sizes, **told}


def make_fleet(
    nodes: list[dict[str, Any]], containers: list[dict[str, Any]], *, mode: str = "evacuate"
) -> dict[str, Any]:
    told = {"format": "fleet/1", "mode": mode, "resources": ["cpu", "mem", "disk"], "limits": dict(LIMITS)}
    return {**told, "nodes": nodes, "containers": containers}


def random_fleet(seed: int, *, nodes: int, containers: int, fill: float, drained: int = 1) -> dict[str, Any]:
    """A fleet that keeps the rules today: tags, groups, pins, and so full once the drained nodes are empty."""
    chance = random.Random(seed)
    made = [
        make_node(f"n{n}", tags=("old",) if n % 3 == 0 else ("old", "new"), drained=n >= nodes - drained)
        for n in range(nodes)
    ]
    size = fill * 100 * (nodes - drained) / containers
    use = [0.0] * nodes
    cts = []
    for number in range(containers):
        wanted = max(1, round(size * chance.uniform(0.4, 1.6)))
        room = [n for n in range(nodes) if use[n] + wanted <= 100]
        if not room:
            continue
        node = chance.choice(room)
        use[node] += wanted
        requires = ("new",) if node % 3 and chance.random() < 0.3 else ()
        pinned = not made[node]["drained"] and chance.random() < 0.05
        moved = chance.randint(1, 50)
        cts.append(make_container(f"c{number}", f"n{node}", wanted, move_bytes=moved, requires=requires, pinned=pinned))
    _put_into_groups(cts, chance)
    return make_fleet(made, cts)


def _put_into_groups(cts: list[dict[str, Any]], chance: random.Random) -> None:
    for number in range(len(cts) // 8):
        seats: set[str] = set()
        for ct in chance.sample(cts, 3):
            if ct["group"] is None and ct["node"] not in seats:
                ct["group"] = f"g{number}"
                seats.add(ct["node"])


def propose(
    fleet: dict[str, Any], goal: str | None = None, *, seconds: float = 2.0, **preferences: Any
) -> dict[str, Any]:
    """The proposal for a fleet, as the command makes it."""
    return plan(
        fleet=understand(fleet),
        goal=goal,
        seconds=seconds,
        clock=time.monotonic,
        began=time.monotonic(),
        chance=np.random.default_rng(1),
        **preferences,
    )
