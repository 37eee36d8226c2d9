"""What orchestration costs: the panel's moves against a plain script with the same tools and the same data, in one run.

`make bench-orchestration`, or `python -m bench.bench_orchestration --mib 1024 --files 20000 --rounds 3`
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.probing import probing
from lab.demo_fleet import DemoContainer, create, fill
from lab.handle import Lab, LabNode
from lab.panel import Panel

SCRIPT = Path(__file__).with_name("plain_move.sh")
ADMIN_KEY = "/root/.ssh/id_ed25519"
SCRIPT_ON_NODE = "/root/plain_move.sh"
VZ_SIZE_MIB = 24_576
FIRST_CTID = 101
MOVE_SECONDS = 900
# A run that begins with the last one's pages still to be written would pay for it.
SETTLE_SECONDS = 3.0

WAYS = ("script", "dump", "stream")
MOST_OF_SCRIPT = {"dump whole": 1.1, "dump downtime": 0.1, "stream whole": 0.35}


@dataclass(frozen=True, kw_only=True)
class Run:
    """One container moved one way."""

    way: str
    whole_s: float
    downtime_s: float  # as seen from outside
    freeze_s: float | None = None  # as the panel says
    freeze_forecast_s: float | None = None


def main(argv: Sequence[str] | None = None) -> int:
    options = _read_options(argv)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ovz-bench-")))
        lab = stack.enter_context(Lab.start(nodes=2, vz_size_mib=VZ_SIZE_MIB))
        panel = Panel(lab, folder / "panel")
        stack.callback(panel.stop)
        containers = _prepare(lab, panel, options)
        runs = [_move(lab, panel, way, container) for way, container in containers]
    shares = _shares(runs)
    _print_table(runs, shares)
    held = all(shares[what] <= most for what, most in MOST_OF_SCRIPT.items())
    told = {"bench": "orchestration", "mib": options.mib, "files": options.files}
    print(json.dumps({**told, "runs": [asdict(run) for run in runs], "of_script": shares, "held": held}))
    return 0


def _read_options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.bench_orchestration", description=__doc__)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=1, help="how often each way is measured; the table shows medians")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    return parser.parse_args(argv)


def _prepare(lab: Lab, panel: Panel, options: argparse.Namespace) -> list[tuple[str, DemoContainer]]:
    """Make one container for each run, all with the same data, and a panel that is awake."""
    for node in lab.nodes:
        node.run(["yum", "-y", "install", "vzdump"])
    _let_admin_in(*lab.nodes)
    ways = [way for _ in range(options.rounds) for way in options.ways]
    containers = [(way, _container(FIRST_CTID + number, options)) for number, way in enumerate(ways)]
    for _, container in containers:
        node = lab.node(container.node)
        create(node, container)
        fill(node, container, seed=FIRST_CTID)
        node.run(["vzctl", "start", str(container.ctid)])
    panel.set_up()
    panel.start_worker()
    return containers


def _container(ctid: int, options: argparse.Namespace) -> DemoContainer:
    return DemoContainer(
        ctid=ctid, node="node-1", hostname=f"c{ctid}.example.com", data_mib=options.mib, files=options.files
    )


def _let_admin_in(source: LabNode, target: LabNode) -> None:
    """Let root of one node reach the other, as the script takes for granted."""
    source.put(SCRIPT_ON_NODE, SCRIPT.read_text(), mode=0o755)
    source.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ADMIN_KEY])
    public_key = source.run(["cat", f"{ADMIN_KEY}.pub"]).stdout
    target.put("/root/.ssh/authorized_keys", public_key, mode=0o600)
    source.put("/root/.ssh/known_hosts", f"{target.address} {target.host_key}\n", mode=0o600)


def _move(lab: Lab, panel: Panel, way: str, container: DemoContainer) -> Run:
    print(f"Moving {container.ctid} by {way} ...", file=sys.stderr, flush=True)
    os.sync()
    time.sleep(SETTLE_SECONDS)
    with probing(lab, container.address) as probe:
        told = _by_script(lab, container.ctid) if way == "script" else _by_panel(panel, container.ctid, way)
    return Run(way=way, downtime_s=round(probe.longest_gap_seconds, 2), **told)


def _by_script(lab: Lab, ctid: int) -> dict[str, Any]:
    source, target = lab.nodes
    began = time.monotonic()
    source.run([SCRIPT_ON_NODE, str(ctid), target.address], timeout_seconds=MOVE_SECONDS)
    return {"whole_s": round(time.monotonic() - began, 2)}


def _by_panel(panel: Panel, ctid: int, method: str) -> dict[str, Any]:
    words = ["move", str(ctid), "--to", "node-2", "--method", method, "--no-rehearsal", "--no-fallback"]
    told = json.loads(panel.manage(*words, "--json", "--wait", timeout_seconds=MOVE_SECONDS, check=False))
    if told["state"] != "done":
        raise RuntimeError(f"the panel's move of {ctid} by {method} ended as {told['state']}: {told['failure_detail']}")
    whole = round(told["waited_s"] + told["total_s"], 2)
    return {"whole_s": whole, "freeze_s": told["freeze_s"], "freeze_forecast_s": told["freeze_forecast_s"]}


def _shares(runs: Sequence[Run]) -> dict[str, float]:
    """Return the panel's medians as shares of the script's."""
    shares = {}
    for way in ("dump", "stream"):
        for what, column in (("whole", "whole_s"), ("downtime", "downtime_s")):
            mine, scripts = (_median(runs, one, column) for one in (way, "script"))
            shares[f"{way} {what}"] = round(mine / scripts, 3)
    return shares


def _median(runs: Iterable[Run], way: str, column: str) -> float:
    return float(median(getattr(run, column) for run in runs if run.way == way))


def _print_table(runs: Sequence[Run], shares: dict[str, float]) -> None:
    print("way     whole s  downtime s  freeze s (forecast)")
    for run in runs:
        freeze = "" if run.freeze_s is None else f"{run.freeze_s:>8.2f} ({run.freeze_forecast_s:.2f})"
        print(f"{run.way:<7} {run.whole_s:>7.1f} {run.downtime_s:>11.2f}  {freeze}")
    for what, share in shares.items():
        most = MOST_OF_SCRIPT.get(what)
        print(f"{what} / script: {share:.3f}" + (f", at most {most}" if most else ""))


if __name__ == "__main__":
    sys.exit(main())
