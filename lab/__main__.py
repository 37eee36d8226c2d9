"""The lab from a terminal: `python -m lab up|down|status|sweep|shell NODE`."""

from __future__ import annotations

import argparse
import os
import sys

from lab import sweep
from lab.handle import Lab, LabDidNotStart
from lab.host_needs import HostLacks
from lab.paths import RunPaths


def running_labs() -> list[Lab]:
    """Every lab that is ready; one still being built has no state to read."""
    runs = [RunPaths(run_id=run_id) for run_id in sweep.known_runs()]
    return [Lab.attach(paths.run_id) for paths in runs if paths.state.exists() and sweep.is_owned(paths)]


def staying(labs: list[Lab]) -> list[Lab]:
    """Pick those that nobody else will end: the labs of running tests and demos are theirs."""
    return [lab for lab in labs if lab.state.detached]


def up(wish: argparse.Namespace) -> None:
    lab = Lab.start(wish.nodes, vz_size_mib=wish.vz_size_mib, checkpointing=wish.checkpointing, detach=True)
    print(describe(lab))
    print("`python -m lab shell node-1` opens a shell there, `make lab-down` ends it.")


def down(_wish: argparse.Namespace) -> None:
    for lab in staying(running_labs()):
        lab.stop()
        print(f"lab {lab.run_id} is gone")
    clean(_wish)


def clean(_wish: argparse.Namespace) -> None:
    for run_id in sweep.sweep():
        print(f"swept what lab {run_id} had left")


def status(_wish: argparse.Namespace) -> None:
    labs = running_labs()
    print("\n".join(describe(lab) for lab in labs) if labs else "no lab is running")


def shell(wish: argparse.Namespace) -> None:
    for lab in running_labs():
        node = lab.node(wish.node)
        command = node.argv(["env", f"TERM={os.environ.get('TERM', 'dumb')}", "bash", "-l"])
        os.execvp(command[0], command)
    sys.exit("no lab is running; start one with `make lab`")


def describe(lab: Lab) -> str:
    nodes = "\n".join(f"  {node.name}  {node.address}  {node.host_key}" for node in lab.nodes)
    kernel = "checkpointing works" if lab.checkpointing else "no checkpointing on this machine"
    return f"lab {lab.run_id}: {len(lab.nodes)} nodes, {kernel}, mail in {lab.mail_dir}\n{nodes}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m lab")
    doors = parser.add_subparsers(required=True)
    start = doors.add_parser("up", help="start a lab that stays after this command")
    start.add_argument("--nodes", type=int, default=3)
    start.add_argument("--vz-size-mib", type=int, default=6144)
    start.add_argument("--no-checkpointing", dest="checkpointing", action="store_false")
    start.set_defaults(door=up)
    doors.add_parser("down", help="end every lab that `up` started, and sweep").set_defaults(door=down)
    doors.add_parser("sweep", help="clear what killed labs left").set_defaults(door=clean)
    doors.add_parser("status", help="list the running labs").set_defaults(door=status)
    enter = doors.add_parser("shell", help="a root shell on a node")
    enter.add_argument("node")
    enter.set_defaults(door=shell)
    wish = parser.parse_args()
    try:
        wish.door(wish)
    except (HostLacks, LabDidNotStart, LookupError) as refusal:
        sys.exit(f"lab: {refusal}")


if __name__ == "__main__":
    main()
