"""Who may act on a migration: one worker at a time, for a short time, with a token that only rises."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.db.models import F, Max, Q
from django.db.models.functions import Now

from migrations_app.models import Container, Migration, PairCheck
from migrations_app.models.execution import MigrationQuerySet

LEASE = timedelta(seconds=20)


class LeaseTaken(Exception):
    """Another worker holds the migration, or it has nothing to do."""


class LeaseLost(Exception):
    """The lease ran out under its holder and somebody else acts now; whatever was to be written is not."""


@dataclass(frozen=True, kw_only=True)
class Lease:
    migration_id: int
    token: int

    def renew(self) -> None:
        """Hold on for another full term.

        :raises LeaseLost: it is no longer ours to renew.
        """
        kept = self.rows().update(lease_until=Now() + LEASE)
        if not kept:
            raise LeaseLost(f"m{self.migration_id}: token {self.token} is no longer the newest")

    def rows(self) -> MigrationQuerySet:
        """The migration, as long as this lease is the newest: every write of a holder goes through here."""
        return Migration.objects.filter(pk=self.migration_id, lease_token=self.token)


@contextmanager
def held(migration_id: int) -> Iterator[Lease]:
    """Hold the migration for the length of the block.

    :raises LeaseTaken: see there.
    """
    lease = _acquire(migration_id)
    try:
        yield lease
    finally:
        lease.rows().update(lease_until=None, lease_holder="")


def _acquire(migration_id: int) -> Lease:
    # The database's clock decides, so that hosts with different clocks agree on what has run out.
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    holder = this_process()
    taken = Migration.objects.filter(free, pk=migration_id, state__in=Migration.TICKING_STATES).update(
        lease_until=Now() + LEASE, lease_token=F("lease_token") + 1, lease_holder=holder
    )
    row = Migration.objects.filter(pk=migration_id, lease_holder=holder).values("lease_token").first()
    if not taken or row is None:
        raise LeaseTaken(f"m{migration_id}")
    return Lease(migration_id=migration_id, token=row["lease_token"])


def next_token(ctid: str, now: datetime) -> int:
    """Return a token above every one a node may have seen for this container; call it in the transaction that uses it.

    Seconds since 1970 grow faster than leases are taken, so this holds even after the database was lost. The row is
    locked so that tokens come into force in the order in which they were taken.
    """
    list(Container.objects.select_for_update().filter(ctid=ctid, gone_at=None).order_by("pk").values_list("pk"))
    moves = Migration.objects.filter(ctid=ctid).aggregate(newest=Max("lease_token"))["newest"]
    checks = PairCheck.objects.filter(ctid=ctid).aggregate(newest=Max("token"))["newest"]
    return max(int(now.timestamp()), max(moves or 0, checks or 0) + 1)


def this_process() -> str:
    """Name this process so that nobody else is ever meant: host, boot, pid and start time (pids come again)."""
    return f"{_here()}:{os.getpid()}:{_start_time(os.getpid())}"


def release_of_the_dead(now: datetime) -> int:
    """Free the leases of processes of this host that no longer live, and return how many; they need not run out.

    What they were at is due at once: the container may be frozen.
    """
    held_here = Migration.objects.filter(lease_holder__startswith=f"{_here()}:")
    holders = held_here.values_list("pk", "lease_token", "lease_holder")
    return sum(_release(pk, token, now) for pk, token, holder in holders if not _lives(holder))


def _release(pk: int, token: int, now: datetime) -> int:
    rows = Migration.objects.filter(pk=pk, lease_token=token)
    rows.filter(next_tick_at__isnull=False).update(next_tick_at=now)
    return rows.update(lease_until=None, lease_holder="")


def _here() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    return f"{socket.gethostname()[:40]}/{boot}"


def _lives(holder: str) -> bool:
    _, pid, start = holder.rsplit(":", 2)
    return _start_time(int(pid)) == start


def _start_time(pid: int) -> str:
    """Return the process's start in clock ticks since boot, empty when there is no such process."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if after_name[0] in "ZX" else after_name[19]
