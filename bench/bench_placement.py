"""Placement beside Ganeti's hbal and hail, on the same fleets in one run, scored by the judge.

`make bench-placement`, or `python -m bench.bench_placement --judge FOLDER --sizes 20:400 40:1000`. The judge is
a folder with `gen_cluster.py` and `score_plan.py`; it is not part of this repository. Without it nothing is measured.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import ganeti

ROOT = Path(__file__).resolve().parents[1]
DEFAULT_JUDGE = ROOT.parent / "shared" / "judge"
SIZES = ["20:400", "40:1000", "100:5000"]
LEVEL = 0.90
LARGE = 100
TIMES_FASTER = 40.0
# hbal may compute for so many times what ours took, which is more than is to be shown, and for so long in any case.
TIMES_ALLOWED = 60.0
LEAST_ALLOWED_S = 240.0
TERABYTE = 1e12
HEADING = (
    "nodes  wish           planner     wall s    cpu s  broken  unplaced    peak    recv      sd  moves       TB"
    " times ours"
)


@dataclass(frozen=True, kw_only=True)
class Score:
    """One planner on one fleet. ``broken`` counts hard rules broken; ``peak`` is of the nodes that received.

    Not ``finished``: it was stopped, and nothing is moved. ``times_ours`` is its processor time by ours, or at least
    so many times where it was stopped.
    """

    nodes: int
    wish: str
    planner: str
    wall_s: float
    cpu_s: float
    broken: int
    unplaced: int
    peak: float
    peak_recv: float
    sd: float
    moves: int
    terabytes: float
    finished: bool
    times_ours: float


def main(argv: Sequence[str] | None = None) -> int:
    options = _read_options(argv)
    if not (options.judge / "score_plan.py").is_file():
        print(f"There is no judge at {options.judge}: nothing is measured. --judge or OVZ_JUDGE names its folder.")
        print(json.dumps({"bench": "placement", "skipped": "no judge"}))
        return 0
    if not _has_ganeti():
        print("Ganeti's hbal is missing, and installing ganeti-htools failed: nothing is measured.")
        print(json.dumps({"bench": "placement", "skipped": "no ganeti-htools"}))
        return 0
    sys.path.insert(0, str(options.judge))
    scores: list[Score] = []
    for size in options.sizes:
        nodes, containers = (int(word) for word in size.split(":"))
        scores += _evacuation(nodes, containers, options.seed) + _rebalance(nodes, containers, options.seed)
    _print_table(scores)
    verdicts = _verdicts(scores)
    for what, held in verdicts.items():
        print(f"{'yes' if held else 'NO '} {what}")
    told = {"bench": "placement", "seed": options.seed, "scores": [asdict(score) for score in scores]}
    print(json.dumps({**told, "verdicts": verdicts, "held": all(verdicts.values())}))
    return 0


def _read_options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.bench_placement", description=__doc__)
    judge = Path(os.environ.get("OVZ_JUDGE", DEFAULT_JUDGE))
    parser.add_argument("--judge", type=Path, default=judge, help="the judge's folder; or OVZ_JUDGE in the environment")
    parser.add_argument("--sizes", nargs="+", default=SIZES, metavar="NODES:CONTAINERS")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(argv)


def _has_ganeti() -> bool:
    """Install it where it is missing; return whether it is there now."""
    if not shutil.which("hbal"):
        print("Installing ganeti-htools ...", file=sys.stderr)
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "ganeti-htools"]
        subprocess.run(install, check=False, stdout=subprocess.DEVNULL)
    return shutil.which("hbal") is not None


def _evacuation(nodes: int, containers: int, seed: int) -> list[Score]:
    fleet = importlib.import_module("gen_cluster").gen(nodes, containers, seed, mode="evacuate")
    ours = _measure(fleet, "evacuate", "ovzpanel", lambda folder: _propose(fleet, folder))
    limit = _allowed(ours)
    others: dict[str, Callable[[Path], dict[str, str]]] = {
        "hbal": lambda folder: ganeti.hbal(fleet, folder, "--evac-mode", cpu_limit_s=limit),
        "hail": lambda folder: ganeti.hail(fleet, folder),
    }
    return [ours, *(_measure(fleet, "evacuate", planner, ask, ours) for planner, ask in others.items())]


def _rebalance(nodes: int, containers: int, seed: int) -> list[Score]:
    fleet = importlib.import_module("gen_cluster").gen(nodes, containers, seed, mode="rebalance")
    wish = f"rebalance:{LEVEL}"
    ours = _measure(fleet, wish, "ovzpanel", lambda folder: _propose(fleet, folder, wish))
    limit = _allowed(ours)
    theirs = _measure(fleet, wish, "hbal", lambda folder: ganeti.hbal(fleet, folder, cpu_limit_s=limit), ours)
    return [ours, theirs]


def _allowed(ours: Score) -> float:
    return max(LEAST_ALLOWED_S, TIMES_ALLOWED * ours.cpu_s)


def _propose(fleet: dict[str, Any], folder: Path, *goal: str) -> dict[str, str]:
    (folder / "fleet.json").write_text(json.dumps(fleet))
    command = [sys.executable, str(ROOT / "manage.py"), "propose", "--fleet", str(folder / "fleet.json")]
    wish = ["--goal", *goal] if goal else []
    done = subprocess.run([*command, *wish], capture_output=True, text=True, check=True)
    plan: dict[str, str] = json.loads(done.stdout)["plan"]
    return plan


def _measure(
    fleet: dict[str, Any],
    wish: str,
    planner: str,
    ask: Callable[[Path], dict[str, str]],
    ours: Score | None = None,
) -> Score:
    print(f"{len(fleet['nodes'])} nodes, {wish}: {planner} ...", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="ovz-bench-") as folder:
        before, began = _cpu_seconds(), time.monotonic()
        plan, finished = _asked(ask, Path(folder))
        wall, cpu = time.monotonic() - began, _cpu_seconds() - before
    told = importlib.import_module("score_plan").score(fleet, plan)
    return Score(
        nodes=len(fleet["nodes"]),
        wish=wish,
        planner=planner,
        wall_s=round(wall, 2),
        cpu_s=round(cpu, 2),
        broken=sum(told["violations"].values()),
        unplaced=told["unplaced"],
        peak=round(told["peak"], 4),
        peak_recv=round(told["peak_recv"], 4),
        sd=round(told["sd"], 4),
        moves=told["moves"],
        terabytes=round(told["bytes"] / TERABYTE, 4),
        finished=finished,
        times_ours=round(cpu / ours.cpu_s, 1) if ours else 1.0,
    )


def _asked(ask: Callable[[Path], dict[str, str]], folder: Path) -> tuple[dict[str, str], bool]:
    """Return the plan, and whether there is one: who was stopped has moved nothing."""
    try:
        return ask(folder), True
    except ganeti.Unfinished as stopped:
        print(str(stopped), file=sys.stderr)
        return {}, False


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _print_table(scores: Sequence[Score]) -> None:
    print(HEADING)
    for s in scores:
        print(
            f"{s.nodes:>5}  {s.wish:<14} {s.planner:<9} {s.wall_s:>8.2f} {s.cpu_s:>8.2f} {s.broken:>7} {s.unplaced:>9}"
            f" {s.peak:>7.4f} {s.peak_recv:>7.4f} {s.sd:>7.4f} {s.moves:>6} {s.terabytes:>8.3f}"
            f" {'' if s.finished else '>'}{s.times_ours:g}{'' if s.finished else ' (stopped)'}"
        )


def _verdicts(scores: Sequence[Score]) -> dict[str, bool]:
    held = {}
    for ours in (score for score in scores if score.planner == "ovzpanel"):
        for theirs in (s for s in scores if (s.nodes, s.wish) == (ours.nodes, ours.wish) and s is not ours):
            name = f"{ours.nodes} nodes, {ours.wish}: better than {theirs.planner}"
            held[name] = _is_better(ours, theirs)
            if ours.nodes >= LARGE and theirs.planner == "hbal" and ours.wish != "evacuate":
                # What was stopped took at least so long.
                name = f"{ours.nodes} nodes, {ours.wish}: {TIMES_FASTER:g} times faster than hbal"
                held[name] = theirs.times_ours >= TIMES_FASTER
    return held


def _is_better(ours: Score, theirs: Score) -> bool:
    """Fewer rules broken and containers left behind decide; then the peak where all is emptied, and the bytes.

    Whoever was stopped has no mapping, which one without fault is better than.
    """
    if not theirs.finished:
        return ours.broken + ours.unplaced == 0
    mine = (ours.broken + ours.unplaced, ours.peak_recv if ours.wish == "evacuate" else ours.peak)
    other = (theirs.broken + theirs.unplaced, theirs.peak_recv if theirs.wish == "evacuate" else theirs.peak)
    return mine < other and ours.terabytes <= theirs.terabytes


if __name__ == "__main__":
    sys.exit(main())
