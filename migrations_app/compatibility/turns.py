"""Whose turn it is: few checks at once, one per node, and none beside real work."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from migrations_app.models import Migration, Node, PairCheck

# A move that begins so soon would find the check still there.
SOON = timedelta(minutes=10)
# What an open check of a container that is to move needs to be gone.
MAKING_WAY = timedelta(seconds=10)


def can_take_part() -> Q:
    """Return which nodes are checked at all."""
    return Q(state=Node.State.READY) & ~Q(duty=Node.Duty.MAINTENANCE)


def nodes_at_work(now: datetime) -> set[int]:
    """Return the nodes that a migration is acting on, or is about to."""
    later = Q(state=Migration.State.SCHEDULED, not_before__gt=now + SOON)
    ends = Migration.objects.acting().exclude(later).values_list("source_id", "target_id")
    return {node for pair in ends for node in pair}


def is_in_the_way(check: PairCheck, now: datetime) -> bool:
    """Return whether real work wants one of its nodes, or its sample."""
    if {check.source_id, check.target_id} & nodes_at_work(now):
        return True
    if Migration.objects.acting().filter(ctid=check.ctid).exists():
        return True
    return Node.objects.filter(can_take_part(), pk__in=(check.source_id, check.target_id)).count() < 2


def make_way(ctid: str, now: datetime) -> datetime:
    """Have an open check of this container give way at once; return when a move of it may begin."""
    open_ones = PairCheck.objects.open().filter(ctid=ctid)
    return now + MAKING_WAY if open_ones.update(next_look_at=now) else now


def free_slots(at_once: int) -> int:
    """Return how many checks may begin. One that only waits for a silent node to give its key back holds no slot."""
    return at_once - PairCheck.objects.open().filter(closing_trouble="").count()


def nodes_in_checks() -> set[int]:
    ends = PairCheck.objects.open().values_list("source_id", "target_id")
    return {node for pair in ends for node in pair}


def containers_in_checks() -> set[str]:
    return set(PairCheck.objects.open().values_list("ctid", flat=True))
