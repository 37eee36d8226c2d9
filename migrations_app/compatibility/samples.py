"""Which container stands for its node in a check: an ordinary one, and not always the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from django.db.models import Exists, Max, OuterRef

from migrations_app.models import Container, Migration, PairCheck

NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A running container, and when it stood for its node last."""

    pk: int
    ctid: str
    memory_mib: int
    layout: str
    tried_at: datetime | None = None


def choose(candidates: Sequence[Candidate]) -> Candidate | None:
    """Return the one tried longest ago; of those the most ordinary by layout and memory. None: there is none."""
    if not candidates:
        return None
    usual_mib = median(one.memory_mib for one in candidates)
    layouts = [one.layout for one in candidates]
    usual_layout = max(sorted(set(layouts)), key=layouts.count)
    return min(
        candidates,
        key=lambda one: (
            one.tried_at or NEVER,
            one.layout != usual_layout,
            abs(one.memory_mib - usual_mib),
            one.ctid,
        ),
    )


def candidates(source_id: int, target_id: int, *, busy: Collection[str] = ()) -> list[Candidate]:
    """Return the source's running containers that are free to stand for it, towards this target."""
    there = Container.objects.filter(node_id=target_id, gone_at=None, ctid=OuterRef("ctid"))
    moving = Migration.objects.acting().filter(container=OuterRef("pk"))
    here = Container.objects.filter(node_id=source_id, gone_at=None, status=Container.Status.RUNNING)
    free = here.exclude(ctid__in=busy).exclude(Exists(there)).exclude(Exists(moving))
    rows = list(free.values_list("pk", "ctid", "memory_held_mib", "layout"))
    tried = _tried(source_id)
    return [
        Candidate(pk=pk, ctid=ctid, memory_mib=memory_mib or 0, layout=layout, tried_at=tried.get(pk))
        for pk, ctid, memory_mib, layout in rows
    ]


def _tried(source_id: int) -> Mapping[int, datetime | None]:
    checks = PairCheck.objects.filter(source_id=source_id, container__isnull=False)
    return {row["container"]: row["at"] for row in checks.values("container").annotate(at=Max("started_at"))}


def nodes_with_one() -> set[int]:
    """Return the nodes on which at least one container runs."""
    running = Container.objects.filter(gone_at=None, status=Container.Status.RUNNING)
    return set(running.values_list("node_id", flat=True).distinct())
