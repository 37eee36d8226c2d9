"""Ask for a proposal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.capacity import homecoming, in_flight
from migrations_app.models import Alternative, Container, Node, Proposal

Goal = Proposal.Goal
Objections = list[tuple[str, str]]
KINDS = (Alternative.Kind.FEWEST_MOVES, Alternative.Kind.BEST_SPREAD, Alternative.Kind.CHEAPEST)
# There is one way home.
KINDS_HOME = (Alternative.Kind.FEWEST_MOVES,)


class ProposalRefused(Exception):
    """Nothing was asked for; ``objections`` are pairs of field name and reason."""

    def __init__(self, objections: Objections) -> None:
        super().__init__(" ".join(reason for _, reason in objections))
        self.objections = objections


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is asked for; which fields count depends on the goal."""

    goal: str
    nodes: Sequence[Node] = ()
    container: Container | None = None
    level: float | None = None
    survives_a_loss: bool = False


def request_proposal(
    *,
    goal: str,
    actor: User | None,
    now: datetime,
    settings: Mapping[str, Any],
    nodes: Sequence[Node] = (),
    container: Container | None = None,
    level: float | None = None,
    survives_a_loss: bool = False,
) -> Proposal:
    """Open a proposal with its alternatives, which the worker works out within seconds.

    :raises ProposalRefused: all reasons at once, each with the field it belongs to.
    """
    wish = Wish(goal=goal, nodes=nodes, container=container, level=level, survives_a_loss=survives_a_loss)
    if objections := _objections(wish):
        raise ProposalRefused(objections)
    return _write(wish, actor, now)


@transaction.atomic
def _write(wish: Wish, actor: User | None, now: datetime) -> Proposal:
    proposal = Proposal.objects.create(
        goal=wish.goal,
        container=wish.container if wish.goal == Goal.PLACE else None,
        level=wish.level if wish.goal == Goal.REBALANCE else None,
        survives_a_loss=wish.survives_a_loss,
        created_at=now,
        created_by=actor,
    )
    if wish.goal in (Goal.EVACUATE, Goal.HOME):
        proposal.nodes.set(wish.nodes)
    kinds = KINDS_HOME if wish.goal == Goal.HOME else KINDS
    Alternative.objects.bulk_create(Alternative(proposal=proposal, kind=kind, next_try_at=now) for kind in kinds)
    trail.record("request_proposal", str(proposal), actor=actor, now=now, nodes=[node.name for node in wish.nodes])
    return proposal


def _objections(wish: Wish) -> Objections:
    if wish.goal not in Goal.values:
        return [("goal", "Choose one of the goals.")]
    if Node.objects.filter(state=Node.State.READY).count() < 2:
        return [("goal", "Fewer than two nodes are ready: there is no choice of places.")]
    match wish.goal:
        case Goal.EVACUATE:
            return _of_emptied(wish.nodes)
        case Goal.HOME:
            return _of_homes(wish.nodes)
        case Goal.PLACE:
            return _of_placed(wish.container)
        case Goal.REBALANCE if wish.level is not None and not 0 < wish.level <= 1:
            return [("level", "Give a pressure above 0 and at most 100 %, or none.")]
    return []


def _of_nodes(nodes: Sequence[Node]) -> Objections:
    if not nodes:
        return [("nodes", "Choose at least one node.")]
    return [
        ("nodes", f"{node} is not ready: {node.get_state_display().lower()}.")
        for node in nodes
        if node.state != Node.State.READY
    ]


def _of_emptied(nodes: Sequence[Node]) -> Objections:
    if found := _of_nodes(nodes):
        return found
    if not Container.objects.filter(node__in=nodes, gone_at=None).exists():
        return [("nodes", f"Nothing is on {_listed(nodes)}: there is nothing to be moved.")]
    keys = [node.pk for node in nodes]
    others = Node.objects.filter(state=Node.State.READY, duty=Node.Duty.IN_SERVICE).exclude(pk__in=keys)
    if not others.exists():
        return [("nodes", "No other node is in service that could take anything. Keep one.")]
    return []


def _of_homes(nodes: Sequence[Node]) -> Objections:
    found = _of_nodes(nodes)
    found += [
        ("nodes", f"{node} is {node.get_duty_display().lower()}: put it in service first.")
        for node in nodes
        if node.duty != Node.Duty.IN_SERVICE
    ]
    if not found and not homecoming.origins({node.pk for node in nodes}):
        found.append(
            ("nodes", f"No container that a batch moved away from {_listed(nodes)} is still where the batch put it.")
        )
    return found


def _of_placed(container: Container | None) -> Objections:
    if container is None:
        return [("container", "Choose a container.")]
    if container.gone_at is not None:
        return [("container", f"{container} was not seen on {container.node} at the last scan.")]
    if container.pinned:
        return [
            ("container", f"{container} is pinned: {container.pin_reason or 'no reason was given'}. Unpin it first.")
        ]
    if journey := in_flight.read().get(container.pk):
        return [("container", f"{container}: {journey.why}")]
    return []


def _listed(nodes: Sequence[Node]) -> str:
    return ", ".join(str(node) for node in nodes)
