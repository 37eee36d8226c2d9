"""`make proof`: move containers under load by every method, and prove what was promised.

Prints a table and, as its last line, one JSON object; exit 0 only if every promise held.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lab import proof_new_address
from lab.demo_fleet import DemoContainer, create, fill
from lab.handle import Lab
from lab.load import Load, under_load
from lab.names import NameServers
from lab.panel import Panel

SETTLE_SECONDS = 2.0
LEAST_REQUESTS_PER_SECOND = 200
LIVE_STALL_LIMIT_SECONDS = 1.5
RETRY_SECONDS = 1.0  # a dropped connection is asked for again by the client's kernel after a second
FORECAST_TOLERANCE = 0.25
FORECAST_TOLERANCE_SECONDS = 0.5

MOVES = (
    ("live", DemoContainer(ctid=101, node="node-1", hostname="shop.example.com", data_mib=24, files=900)),
    (
        "dump",
        DemoContainer(
            ctid=102, node="node-1", hostname="mail.example.com", data_mib=40, files=2200, writer_bytes_per_second=4096
        ),
    ),
    ("stream", DemoContainer(ctid=103, node="node-1", hostname="wiki.example.org", data_mib=32, files=1500)),
)


@dataclass(frozen=True, kw_only=True)
class Move:
    """One move's figures; the names are those of the JSON line."""

    ctid: str
    method: str
    cutover: str
    requests: int
    failed_requests: int
    acknowledged_writes: int
    lost_writes: int
    longest_stall_s: float
    freeze_forecast_s: float | None
    freeze_s: float | None
    max_copies_running: int
    total_s: float | None
    bytes: int
    memory_kept: bool | None
    certificate: bool | None

    def broken_promises(self, state: str, rate: float) -> list[str]:
        """Return every promise that did not hold, in words with numbers."""
        broken = []
        if state != "done":
            broken.append(f"the migration ended as {state}")
        if self.failed_requests:
            broken.append(f"{self.failed_requests} requests failed")
        if self.lost_writes:
            broken.append(f"{self.lost_writes} acknowledged writes lost")
        if self.max_copies_running != 1:
            broken.append(f"{self.max_copies_running} copies seen running at once")
        if rate < LEAST_REQUESTS_PER_SECOND * 0.98:
            broken.append(f"only {rate:.0f} requests per second were sent")
        return broken + self._broken_stall() + self._broken_forecast() + self._broken_proof()

    def _broken_stall(self) -> list[str]:
        limit = LIVE_STALL_LIMIT_SECONDS if self.method == "live" else (self.freeze_s or 0.0) + RETRY_SECONDS
        if self.longest_stall_s <= limit:
            return []
        return [f"the longest stall was {self.longest_stall_s:.2f} s, allowed {limit:.2f} s"]

    def _broken_forecast(self) -> list[str]:
        if self.freeze_s is None or self.freeze_forecast_s is None:
            return ["the freeze was not forecast or not measured"]
        off = abs(self.freeze_s - self.freeze_forecast_s)
        if off <= max(FORECAST_TOLERANCE * self.freeze_forecast_s, FORECAST_TOLERANCE_SECONDS):
            return []
        return [f"the freeze took {self.freeze_s:.2f} s, forecast {self.freeze_forecast_s:.2f} s"]

    def _broken_proof(self) -> list[str]:
        if self.method == "live":
            return [] if self.memory_kept else ["memory or open connections were not kept"]
        return [] if self.certificate else ["no empty difference run was made"]


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="ovz-proof-") as folder, Lab.start(nodes=3, far_nodes=1) as lab:
        panel = Panel(lab, Path(folder) / "panel", proof_new_address.SETTINGS)
        try:
            _prepare(lab, panel)
            proven = [_prove(lab, panel, method, container) for method, container in MOVES]
            with proof_new_address.names(lab, panel) as servers:
                proven.append(_prove_new_address(lab, panel, servers))
        finally:
            panel.stop()
    _print_table(proven)
    held = all(not broken for _, broken in proven)
    print(json.dumps({"moves": [asdict(move) for move, _ in proven], "held": held}))
    return 0 if held else 1


def _prepare(lab: Lab, panel: Panel) -> None:
    for node in lab.nodes:
        node.run(["yum", "-y", "install", "vzdump"])
    for container in (*(container for _, container in MOVES), proof_new_address.CONTAINER):
        node = lab.node(container.node)
        create(node, container)
        fill(node, container)
        node.run(["vzctl", "start", str(container.ctid)])
    panel.set_up()
    panel.start_worker()


def _prove(lab: Lab, panel: Panel, method: str, container: DemoContainer) -> tuple[Move, list[str]]:
    print(f"Moving {container.ctid} by {method} under load ...", file=sys.stderr, flush=True)
    with lab.watch() as watching, under_load(lab, container.address, panel.folder) as load:
        time.sleep(SETTLE_SECONDS)
        told = _move(panel, container.ctid, method)
        time.sleep(SETTLE_SECONDS)
    report = load.report or {}
    move = _figures(lab, container, method, told, report, load, watching.report.max_copies_running)
    seconds = max(len(report["seconds"]) - 1, 1)
    return move, move.broken_promises(" ".join((told["state"], told["failure"])).strip(), report["requests"] / seconds)


def _prove_new_address(lab: Lab, panel: Panel, servers: NameServers) -> tuple[Move, list[str]]:
    print(
        "Moving to a new address by dump, names and all, under load of three callers ...", file=sys.stderr, flush=True
    )
    figures, broken = proof_new_address.prove(lab, panel, servers)
    state, seconds = figures.pop("state"), figures.pop("seconds")
    move = Move(**figures)
    return move, [*move.broken_promises(state, move.requests / seconds), *broken]


def _move(panel: Panel, ctid: int, method: str) -> dict[str, Any]:
    """Return what the panel says of it, whether it went well or not."""
    words = ["move", str(ctid), "--to", "node-2", "--method", method, "--no-fallback", "--json", "--wait"]
    told: dict[str, Any] = json.loads(panel.manage(*words, timeout_seconds=300, check=False))
    return told


def _figures(
    lab: Lab,
    container: DemoContainer,
    method: str,
    told: dict[str, Any],
    report: dict[str, Any],
    load: Load,
    max_copies_running: int,
) -> Move:
    connections = report["connections"]
    kept = bool(report["memory_kept"]) and connections["unbroken"] == connections["kept"]
    return Move(
        ctid=str(container.ctid),
        method=method,
        cutover="keep_ip",
        requests=report["requests"],
        failed_requests=report["failed_requests"],
        acknowledged_writes=report["acknowledged_writes"],
        lost_writes=load.writes_lost_on(lab.node(_home(told, container)), container.ctid),
        longest_stall_s=report["longest_stall_s"],
        freeze_forecast_s=told["freeze_forecast_s"],
        freeze_s=told["freeze_s"],
        max_copies_running=max_copies_running,
        total_s=told["total_s"],
        bytes=told["bytes"],
        memory_kept=kept if method == "live" else None,
        certificate=None if method == "live" else (told["certificate"] or {}).get("differences") == 0,
    )


def _home(told: dict[str, Any], container: DemoContainer) -> str:
    """Return where the container's data are: a move that did not take place left them where they were."""
    return "node-2" if told["state"] == "done" else container.node


def _print_table(proven: Sequence[tuple[Move, list[str]]]) -> None:
    print("method  cutover  requests  failed  writes  lost  stall s  freeze s (forecast)  copies  total s  held")
    for move, broken in proven:
        print(
            f"{move.method:<7} {move.cutover:<7} {move.requests:>9} {move.failed_requests:>7} "
            f"{move.acknowledged_writes:>7} "
            f"{move.lost_writes:>5} {move.longest_stall_s:>8.2f} {move.freeze_s or 0:>9.2f} "
            f"({move.freeze_forecast_s or 0:.2f})      {move.max_copies_running:>6} {move.total_s or 0:>8.1f}  "
            f"{'yes' if not broken else 'NO: ' + '; '.join(broken)}"
        )


if __name__ == "__main__":
    sys.exit(main())
