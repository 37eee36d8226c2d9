"""Placement from files alone: fleet in, proposal out; no database, no node."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand

from migrations_app.placement.goals import GoalRefused
from migrations_app.placement.planning import plan
from migrations_app.placement.reading import FleetUnreadable, read_fleet
from migrations_app.placement.summary import summary
from migrations_app.placement.tastes import CHEAPEST, TASTES

REFUSED = 2
SEED = 1


class Command(BaseCommand):
    help = "Propose where containers should live: exit 0 with a proposal, 1 if the goal cannot be met, 2 on bad input."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--fleet", required=True, metavar="FILE", type=Path, help="a fleet/1 file")
        parser.add_argument("--goal", metavar="GOAL", help="evacuate:NODE[,NODE], rebalance:LEVEL, place:CT or fill")
        parser.add_argument("--out", metavar="FILE", type=Path, help="write the proposal there, and a summary here")
        parser.add_argument("--seconds", type=_seconds, metavar="N", help="how long to search; left out: by the size")

        parser.add_argument("--taste", choices=TASTES, default=CHEAPEST, help="what to save or to win; cheapest: bytes")
        parser.add_argument("--survive-a-loss", action="store_true", help="any one node may be lost afterwards")
        parser.add_argument(
            "--margin", metavar="SHARE", type=float, default=0.0, help="rebalance, fill: the least gain"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic() - time.process_time()  # whoever started this waits since then
        try:
            proposal = plan(
                fleet=read_fleet(options["fleet"]),
                goal=options["goal"],
                seconds=options["seconds"],
                clock=time.monotonic,
                began=began,
                chance=np.random.default_rng(SEED),
                taste=options["taste"],
                survives_a_loss=options["survive_a_loss"],
                margin=options["margin"],
            )
            self._deliver(proposal, options["out"])
        except (FleetUnreadable, GoalRefused, OSError) as refusal:
            self.stderr.write(str(refusal))
            sys.exit(REFUSED)
        sys.exit(1 if proposal["impossible"] else 0)

    def _deliver(self, proposal: dict[str, Any], out: Path | None) -> None:
        text = json.dumps(proposal, separators=(",", ":"))
        if out is None:
            self.stdout.write(text)
            return
        out.write_text(text + "\n", encoding="ascii")
        self.stdout.write(summary(proposal))


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 86_400:
        raise ValueError(text)
    return seconds
