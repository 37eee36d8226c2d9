"""What the measuring client saw, second by second, and its report."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

FAILURES_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class GuestState:
    """What GET /state told: the incarnation lives in memory only, the rest is on disk or counted."""

    identity: str
    incarnation: str
    memory_counter: int
    writes: int


@dataclass(frozen=True, kw_only=True)
class Failure:
    at_s: float
    after_s: float
    kind: str
    reason: str


@dataclass(kw_only=True)
class Second:
    sent: int = 0
    answered: int = 0
    failed: int = 0
    worst_s: float = 0.0


@dataclass(kw_only=True)
class KeptConnections:
    """How the connections meant to stay open fared; `unbroken` of them were opened once only."""

    kept: int
    unbroken: int = 0
    reopened: int = 0
    closed_by_peer: int = 0


@dataclass(kw_only=True)
class Tally:
    started_at: datetime
    kept: KeptConnections
    latencies_s: list[float] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    seconds: defaultdict[int, Second] = field(default_factory=lambda: defaultdict(Second))
    acknowledged_writes: int = 0
    longest_stall_s: float = 0.0
    longest_stall_offset_s: float = 0.0
    worst_schedule_lag_s: float = 0.0

    def sent(self, *, due_s: float, lag_s: float) -> None:
        self.seconds[int(due_s)].sent += 1
        self.worst_schedule_lag_s = max(self.worst_schedule_lag_s, lag_s)

    def answered(self, *, due_s: float, latency_s: float) -> None:
        self.seconds[int(due_s)].answered += 1
        self._lasted(due_s, latency_s)

    def failed(self, failure: Failure) -> None:
        self.failures.append(failure)
        self.seconds[int(failure.at_s)].failed += 1
        self._lasted(failure.at_s, failure.after_s)

    def _lasted(self, due_s: float, latency_s: float) -> None:
        self.latencies_s.append(latency_s)
        second = self.seconds[int(due_s)]
        second.worst_s = max(second.worst_s, latency_s)
        if latency_s > self.longest_stall_s:
            self.longest_stall_s, self.longest_stall_offset_s = latency_s, due_s

    def report(self, *, before: GuestState | None, after: GuestState | None) -> dict[str, Any]:
        return {
            "started_at": self.started_at.isoformat(),
            "requests": len(self.latencies_s),
            "failed_requests": len(self.failures),
            "failures": [asdict(failure) for failure in self.failures[:FAILURES_SHOWN]],
            "acknowledged_writes": self.acknowledged_writes,
            "longest_stall_s": round(self.longest_stall_s, 4),
            "longest_stall_offset_s": round(self.longest_stall_offset_s, 3),
            "longest_stall_at": (self.started_at + timedelta(seconds=self.longest_stall_offset_s)).isoformat(),
            "median_s": round(quantile(self.latencies_s, 0.5), 5),
            "p99_s": round(quantile(self.latencies_s, 0.99), 5),
            "worst_schedule_lag_s": round(self.worst_schedule_lag_s, 4),
            "memory_kept": memory_kept(before, after),
            "state_before": asdict(before) if before else None,
            "state_after": asdict(after) if after else None,
            "connections": asdict(self.kept),
            "seconds": [{"second": number, **asdict(self.seconds[number])} for number in sorted(self.seconds)],
        }


def memory_kept(before: GuestState | None, after: GuestState | None) -> bool | None:
    """Tell whether the same process memory answered at both ends; None if one end did not answer."""
    if before is None or after is None:
        return None
    return before.incarnation == after.incarnation and before.memory_counter < after.memory_counter


def quantile(values: list[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed; 0 for no values."""
    if not values:
        return 0.0
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def utc_now() -> datetime:
    return datetime.now(tz=UTC)
