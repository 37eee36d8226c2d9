"""Make a batch of an alternative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.capacity import picture
from migrations_app.capacity.answers import containers_by_key
from migrations_app.capacity.picture import Picture
from migrations_app.models import Alternative, Batch, Container, Node, Proposal
from migrations_app.placement.checking import against_steps
from migrations_app.usecases.plan_batch import BatchTerms, PlannedMove, plan_batch

Steps = Sequence[Mapping[str, Any]]


class NotAcceptable(Exception):
    """The alternative is not ready, has no moves, or its proposal has been decided already."""


class AlternativeStale(Exception):
    """The fleet has changed so that moves are not allowed any more; ``objections`` say which and why."""

    def __init__(self, objections: Sequence[tuple[str, str]]) -> None:
        super().__init__(" ".join(f"{container}: {reason}" for container, reason in objections))
        self.objections = objections


def accept_alternative(
    *,
    alternative: Alternative,
    name: str,
    terms: BatchTerms,
    actor: User,
    now: datetime,
    settings: Mapping[str, Any],
) -> Batch:
    """Plan the alternative's moves as a batch, if each of them is still allowed as the fleet is now.

    :raises NotAcceptable:
    :raises AlternativeStale: with every move that is not allowed any more.
    :raises BatchRefused: the name or the terms do not fit.
    """
    _refuse_what_is_not_ready(alternative)
    steps: Steps = alternative.body["steps"]
    containers = containers_by_key([step["ct"] for step in steps])
    nodes = Node.objects.in_bulk({step["node"] for step in steps} | {step["source"] for step in steps})
    seen = picture.take(settings=settings, now=now, with_closed=True)
    if drift := drift_of(seen, steps, containers, nodes):
        raise AlternativeStale(drift)
    moves = [_planned(alternative, step, containers, nodes) for step in steps]
    return _write(alternative, name, moves, terms, actor, now, settings)


def _refuse_what_is_not_ready(alternative: Alternative) -> None:
    proposal = alternative.proposal
    if proposal.state != Proposal.State.OPEN:
        raise NotAcceptable(f"{proposal} is {proposal.get_state_display().lower()} already.")
    if alternative.state != Alternative.State.READY:
        raise NotAcceptable(f"{alternative} is not ready: {alternative.get_state_display().lower()}.")
    if not alternative.body.get("steps"):
        raise NotAcceptable(f"{alternative} moves nothing, so there is nothing to be done.")


def drift_of(
    seen: Picture, steps: Steps, containers: Mapping[int, Container], nodes: Mapping[int, Node]
) -> list[tuple[str, str]]:
    """Return which moves are not allowed any more, and why, as pairs of container and sentence."""
    gone = [(step, why) for step in _first_hops(steps) if (why := _astray(step, containers, nodes))]
    if gone:
        return [(str(containers.get(step["ct"], "A container")), why) for step, why in gone]
    missing = [step for step in steps if step["ct"] not in seen.rows or step["node"] not in seen.node_rows]
    if missing:
        why = "it or its target cannot be planned with now: a node is not ready."
        return [(str(containers[step["ct"]]), why) for step in missing]
    held = [step["ct"] for step in _first_hops(steps) if step["ct"] in seen.held]
    if held:
        return [(str(containers[ct]), seen.held[ct]) for ct in held]
    moves = [(seen.rows[step["ct"]], seen.node_rows[step["node"]]) for step in steps]
    return [
        (str(containers[steps[place]["ct"]]), f"{one.sentence}.")
        for place, against in against_steps(seen.fleet, moves).items()
        for one in against
    ]


def _first_hops(steps: Steps) -> Steps:
    return list({step["ct"]: step for step in reversed(steps)}.values())[::-1]


def _astray(step: Mapping[str, Any], containers: Mapping[int, Container], nodes: Mapping[int, Node]) -> str:
    """Return why the container is not where its move begins; empty: it is."""
    container = containers.get(step["ct"])
    if container is None or container.gone_at is not None:
        return "it is not there any more."
    if step["node"] not in nodes:
        return "its target has been removed."
    if container.node_id != step["source"]:
        return f"it is on {container.node} now, not on {nodes.get(step['source'], 'the node it was on')}."
    return ""


def _planned(
    alternative: Alternative, step: Mapping[str, Any], containers: Mapping[int, Container], nodes: Mapping[int, Node]
) -> PlannedMove:
    return PlannedMove(
        container=containers[step["ct"]],
        target=nodes[step["node"]],
        after=tuple(step["after"]),
        parks=step["parks"],
        reason=alternative.body["reasons"].get(str(step["ct"]), ""),
        move_bytes=step["bytes"],
    )


@transaction.atomic
def _write(
    alternative: Alternative,
    name: str,
    moves: Sequence[PlannedMove],
    terms: BatchTerms,
    actor: User,
    now: datetime,
    settings: Mapping[str, Any],
) -> Batch:
    still_open = Proposal.objects.filter(pk=alternative.proposal_id, state=Proposal.State.OPEN)
    if not still_open.update(state=Proposal.State.ACCEPTED):
        raise NotAcceptable("Somebody has decided this proposal at this moment.")
    alternative.proposal.alternatives.filter(state=Alternative.State.WAITING).delete()
    batch = plan_batch(
        name=name, moves=moves, terms=terms, actor=actor, now=now, settings=settings, alternative=alternative
    )
    trail.record("accept_alternative", str(alternative), actor=actor, now=now, batch=str(batch))
    return batch
