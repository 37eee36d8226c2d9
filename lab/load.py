"""The measuring client at work on one container, in the client's place of the lab."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.client import lost_writes
from lab.handle import Lab, LabNode
from lab.paths import HERE

STOP_SECONDS = 90.0


@dataclass
class Load:
    folder: Path
    name: str
    report: dict[str, Any] | None = None

    @property
    def journal(self) -> Path:
        return self.folder / f"{self.name}.journal"

    def writes_lost_on(self, node: LabNode, ctid: int) -> int:
        """Return how many acknowledged writes the container's own journal does not have there."""
        survived = self.folder / f"{self.name}.survived"
        survived.write_text(node.run(["cat", f"/vz/private/{ctid}/data/journal"]).stdout)
        return len(lost_writes(self.journal, survived))


@contextmanager
def under_load(
    lab: Lab, address: str, folder: Path, *, rate: float = 200.0, share: float = 0.25, follow: Sequence[str] = ()
) -> Iterator[Load]:
    """Ask the service all through the block; its report is there afterwards.

    ``follow``: more words for the client, about the name that it looks up.
    """
    load = Load(folder=folder, name="-".join([address.replace(".", "-"), *(word.strip("-") for word in follow)]))
    report = folder / f"{load.name}.json"
    words = ["--address", address, "--rate", str(rate), "--write-share", str(share)]
    words += [*follow, "--journal", str(load.journal), "--report", str(report)]
    command = lab.argv_in("client", [sys.executable, "-m", "lab.client", *words])
    with (folder / f"{load.name}.log").open("wb") as log:
        client = subprocess.Popen(command, cwd=HERE.parent, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield load
        finally:
            client.send_signal(signal.SIGTERM)
            client.wait(STOP_SECONDS)
    load.report = json.loads(report.read_text())
