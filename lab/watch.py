"""Watch a lab for a while: the observer in a process of its own, and the report it leaves.

with watch(lab.run_id) as watching:
    ...
assert watching.report.max_copies_running == 1
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from lab.observer import Eyes, Sighting, by_identity
from lab.paths import HERE, RunPaths

BEAT_SECONDS = 0.02
EVIDENCE_LIMIT = 20
REPORT_WITHIN_SECONDS = 10.0


@dataclass(kw_only=True)
class Copies:
    """What was seen of one container's copies."""

    max_running: int = 0
    max_rehearsing: int = 0
    too_many_samples: int = 0
    evidence: list[dict[str, Any]] = field(default_factory=list)  # the first samples with more than one running
    timeline: list[dict[str, Any]] = field(default_factory=list)  # each change of where it runs

    def note(self, sightings: list[Sighting], at: float) -> None:
        running = [sighting for sighting in sightings if not sighting.is_rehearsal]
        self.max_rehearsing = max(self.max_rehearsing, len(sightings) - len(running))
        self.max_running = max(self.max_running, len(running))
        if len(running) > 1:
            self.too_many_samples += 1
            if len(self.evidence) < EVIDENCE_LIMIT:
                self.evidence.append({"at": at, "copies": [asdict(sighting) for sighting in running]})
        nodes = sorted(sighting.guest.node for sighting in running)
        if not self.timeline or self.timeline[-1]["nodes"] != nodes:
            self.timeline.append({"at": at, "nodes": nodes})


@dataclass(kw_only=True)
class Report:
    samples: int = 0
    longest_gap_seconds: float = 0.0
    copies: dict[str, Copies] = field(default_factory=dict)  # by identity

    @property
    def max_copies_running(self) -> int:
        return max((copies.max_running for copies in self.copies.values()), default=0)

    def note(self, sightings: list[Sighting], at: float) -> None:
        self.samples += 1
        seen = by_identity(sightings)
        for identity in seen.keys() | self.copies.keys():
            self.copies.setdefault(identity, Copies()).note(seen.get(identity, []), at)

    @classmethod
    def read(cls, text: str) -> Report:
        told = json.loads(text)
        copies = {identity: Copies(**seen) for identity, seen in told.pop("copies").items()}
        return cls(**told, copies=copies)


@dataclass(kw_only=True)
class Watching:
    """A watch that is on; its report is there once it has ended."""

    _process: subprocess.Popen[str]
    _report: Report | None = None

    @property
    def report(self) -> Report:
        if self._report is None:
            told, _ = self._process.communicate(timeout=REPORT_WITHIN_SECONDS)
            if self._process.returncode:
                raise RuntimeError(f"the observer ended with {self._process.returncode}; nobody counted")
            self._report = Report.read(told)
        return self._report


@contextmanager
def watch(run_id: str) -> Iterator[Watching]:
    command = [sys.executable, "-m", "lab.watch", run_id]
    process = subprocess.Popen(command, cwd=HERE.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    # The watch is on only when the first sample has been taken.
    process.stdout.readline()
    watching = Watching(_process=process)
    try:
        yield watching
    finally:
        _ = watching.report


def observe(run_id: str) -> Report:
    """Sample until standard input ends, and always a last time after that."""
    eyes, report = Eyes(paths=RunPaths(run_id=run_id)), Report()
    due = previous = time.monotonic()
    told_to_end = False
    while True:
        begun = time.monotonic()
        report.longest_gap_seconds = max(report.longest_gap_seconds, round(begun - previous, 4))
        previous = begun
        report.note(eyes.look(begun), time.time())
        if report.samples == 1:
            print("watching", flush=True)
        if told_to_end:
            return report
        due = max(due + BEAT_SECONDS, begun)
        told_to_end = bool(select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0])


def main() -> None:
    with suppress(PermissionError):
        os.nice(-5)  # a busy machine must not make the observer blind
    print(json.dumps(asdict(observe(sys.argv[1]))))


if __name__ == "__main__":
    main()
