"""Which of a node's containers come and go because of a migration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from django.db.models import Q

from migrations_app.models import Migration, Node
from migrations_app.vz.facts import ObservedContainer

# A look at the node that began before a migration ended may be written after it.
JUST_FINISHED = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Motion:
    """The migrations from and to one node that are under way or ended a moment ago."""

    numbers: frozenset[str]
    arriving_hostnames: frozenset[str]

    @classmethod
    def at(cls, node: Node, *, now: datetime) -> Self:
        under_way = Q(state__in=Migration.ACTIVE_STATES) | Q(finished_at__gt=now - JUST_FINISHED)
        moves = Migration.objects.filter(under_way, Q(source=node) | Q(target=node), started_at__isnull=False)
        rows = moves.values_list("source", "ctid", "target_ctid", "container__hostname")
        return cls(
            numbers=frozenset(ctid if source == node.pk else target_ctid for source, ctid, target_ctid, _ in rows),
            arriving_hostnames=frozenset(hostname for source, _, _, hostname in rows if source != node.pk and hostname),
        )

    def explains(self, ctid: str) -> bool:
        return ctid in self.numbers

    def explains_arrival(self, container: ObservedContainer) -> bool:
        """The copy that arrives, or its rehearsal, which runs under a number of its own and without an address."""
        is_rehearsal = not container.addresses and container.hostname in self.arriving_hostnames
        return is_rehearsal or self.explains(container.ctid)
