"""Set what the planner has to keep to on a node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from math import isfinite

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.inventory import rule_words
from migrations_app.models import Node

LEAST_OVERCOMMIT, MOST_OVERCOMMIT = 0.5, 64.0
Objections = list[tuple[str, str]]


class NodeRulesRefused(Exception):
    """The rules stay as they were; ``objections`` are pairs of field name and reason."""

    def __init__(self, objections: Objections) -> None:
        super().__init__(" ".join(reason for _, reason in objections))
        self.objections = objections


@transaction.atomic
def set_node_rules(
    *,
    node: Node,
    cpu_limit_percent: int | None,
    memory_limit_percent: int | None,
    disk_limit_percent: int | None,
    cpu_overcommit: float,
    tags: Sequence[str],
    actor: User,
    now: datetime,
) -> None:
    """Let proposals from now on go by these; a limit of None is the panel's own.

    :raises NodeRulesRefused: all reasons at once, each with the field it belongs to.
    """
    limits = {
        "cpu_limit_percent": cpu_limit_percent,
        "memory_limit_percent": memory_limit_percent,
        "disk_limit_percent": disk_limit_percent,
    }
    objections = [*_of_limits(limits), *_of_overcommit(cpu_overcommit)]
    objections += [("tags", reason) for reason in rule_words.objections(tags)]
    if objections:
        raise NodeRulesRefused(objections)
    rules = limits | {"cpu_overcommit": cpu_overcommit, "tags": sorted(set(tags))}
    Node.objects.filter(pk=node.pk).update(**rules)
    node.refresh_from_db()
    trail.record("set_node_rules", node.name, actor=actor, now=now, **rules)


def _of_limits(limits: dict[str, int | None]) -> Iterator[tuple[str, str]]:
    for field, percent in limits.items():
        if percent is not None and not 1 <= percent <= 100:
            yield field, "Give 1 to 100 percent, or nothing for the panel's own limit."


def _of_overcommit(factor: float) -> Iterator[tuple[str, str]]:
    if not (isfinite(factor) and LEAST_OVERCOMMIT <= factor <= MOST_OVERCOMMIT):
        yield "cpu_overcommit", f"Give {LEAST_OVERCOMMIT} to {MOST_OVERCOMMIT:.0f}."
