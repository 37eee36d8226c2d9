"""Forecast how long the container will answer nobody."""

from __future__ import annotations

from dataclasses import dataclass

# Until something was measured: what small services need. A rehearsal replaces them by this container's own.
PRIOR_STOP_SECONDS = 0.8
PRIOR_START_SECONDS = 0.8
# How often the nodes are asked and told something between the freeze and its end.
FROZEN_CALLS = 16

MIB = 1024 * 1024
# Suspending, dumping, undumping and resuming, without the memory that has to cross the wire.
LIVE_OVERHEAD_SECONDS = 0.5
# Assumed where nothing was measured: a gigabit link through ssh.
USUAL_BYTES_PER_SECOND = 100.0 * MIB


def live_freeze_seconds(*, memory_bytes: float, written_bytes: float, bytes_per_second: float) -> float:
    """Return how long a live move holds the container: its memory and what it wrote meanwhile have to cross."""
    return round(LIVE_OVERHEAD_SECONDS + (memory_bytes + written_bytes) / bytes_per_second, 2)


@dataclass(frozen=True, kw_only=True)
class FreezeParts:
    """What a freeze is made of, each part measured where it could be."""

    stop_seconds: float = PRIOR_STOP_SECONDS
    last_pass_seconds: float
    check_seconds: float
    start_seconds: float = PRIOR_START_SECONDS
    call_seconds: float  # one question to a node and its answer

    @property
    def total_seconds(self) -> float:
        parts = (self.stop_seconds, self.last_pass_seconds, self.check_seconds, self.start_seconds)
        return round(sum(parts) + FROZEN_CALLS * self.call_seconds, 2)
