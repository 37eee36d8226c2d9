"""Port: does a service answer, seen from outside the nodes?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class ProbeResult:
    answers: bool
    seconds: float
    detail: str = ""  # why not, in words; empty when it answers


class Probe(Protocol):
    """Open a TCP connection to a service and close it again."""

    def connect(self, address: str, port: int, *, timeout_seconds: float) -> ProbeResult:
        """Return what happened; a refused or silent service is an answer, not an error."""
