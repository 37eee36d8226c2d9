"""`make demo`: a lab, its containers and a panel that moves them, until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

from lab import demo_fleet, demo_names
from lab.handle import Lab
from lab.panel import Panel
from lab.people import CUSTOMERS, PASSWORD, STAFF


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m lab.demo", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="of the pages, on this machine's loopback")
    port = parser.parse_args(argv).port
    signal.signal(signal.SIGTERM, _stop)
    with tempfile.TemporaryDirectory(prefix="ovz-demo-") as folder:
        try:
            _run(Path(folder), port)
        except KeyboardInterrupt:
            print("\nStopped. Nothing is left running.")


def _run(folder: Path, port: int) -> None:
    print("Starting three simulated nodes and their containers ...", flush=True)
    with Lab.start(nodes=3) as lab:
        address = f"http://127.0.0.1:{port}"
        panel = Panel(lab, folder / "panel", {"OVZ_PUBLIC_URL": address}, web_port=port)
        try:
            demo_fleet.populate(lab)
            _furnish(lab)
            print("Starting the panel and taking the nodes in ...", flush=True)
            panel.set_up()
            panel.replay()
            with demo_names.served(lab, panel):
                panel.start_worker()
                panel.start_web()
                print(_welcome(address, lab), flush=True)
                panel.wait()
        finally:
            print("\nStopping ...", flush=True)
            panel.stop()


def _furnish(lab: Lab) -> None:
    """Two nodes have vzdump; on the third the panel finds it missing and offers to install it."""
    for node in lab.nodes[:2]:
        node.run(["yum", "-y", "install", "vzdump"])


def _welcome(address: str, lab: Lab) -> str:
    return f"""
OVZPanel runs on simulated nodes (a lab, not OpenVZ):  {address}/

  staff      {", ".join(STAFF)}
  customers  {", ".join(CUSTOMERS)}
  password   {PASSWORD}  (for all of them)

The graphs begin with a month that was replayed, not measured, and say so.
Press "Names" at a container to see what points to it, and what would change with its address.
Pick a container, pick a node, press "Schedule" and watch. Or empty a whole node: Nodes, node-1, "Empty this node",
"Work it out", "Accept" twice. It becomes a batch, and node-3 has room for it. "Ask for approval"; sign in as another
of the staff and approve it, and it can be started. Mail that is sent is kept in {lab.mail_dir}.
Look inside a node:  {sys.executable} -m lab shell node-1
Ctrl-C stops everything.
"""


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
