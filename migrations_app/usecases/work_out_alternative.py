"""Work one alternative of a proposal out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import F

from migrations_app.audit import trail
from migrations_app.capacity import answers, homecoming, picture
from migrations_app.capacity.picture import Picture
from migrations_app.models import Alternative, Proposal
from migrations_app.placement import proposal as proposals
from migrations_app.placement.budget import Budget
from migrations_app.placement.goals import GoalRefused
from migrations_app.placement.planning import plan
from migrations_app.placement.reading import FleetUnreadable
from migrations_app.placement.returning import bring_home

logger = logging.getLogger(__name__)
Goal = Proposal.Goal
State = Alternative.State

MOST_TRIES = 3
# A worker ends a task after 20 seconds; what is not done a minute later was lost with its worker.
LOST_AFTER = timedelta(seconds=60)
# Whoever rings moves the time on by some seconds; further ahead it is only where somebody is at work.
RUNG_AHEAD = timedelta(seconds=20)
# What the planner finishes beyond its time is bounded too: both together stay well below 20 seconds.
SEARCH_SECONDS = (4.0, 2.0, 1.0)
SEED = 1
# What nobody has to move only moves for so much less pressure on the fullest node.
MARGIN = 0.02


def work_out_alternative(
    *, alternative_id: int, clock: Callable[[], float], now: datetime, settings: Mapping[str, Any]
) -> None:
    """Safe to call twice, and after a call that never came back: each try is counted, and the last one is the last."""
    alternative = Alternative.objects.select_related("proposal__container").get(pk=alternative_id)
    if alternative.tries >= MOST_TRIES and not _is_at_work(alternative, now):
        _give_up(alternative, "Its worker was stopped before it had finished, each time it was tried.", now)
    elif _claim(alternative, now):
        _try(alternative, clock=clock, now=now, settings=settings)


def _is_at_work(alternative: Alternative, now: datetime) -> bool:
    return alternative.next_try_at is not None and alternative.next_try_at > now + RUNG_AHEAD


def _claim(alternative: Alternative, now: datetime) -> bool:
    """Return whether the try is ours."""
    rows = Alternative.objects.filter(pk=alternative.pk, state=State.WAITING, tries=alternative.tries)
    free = rows.filter(next_try_at__lte=now + RUNG_AHEAD)
    return bool(free.update(tries=F("tries") + 1, next_try_at=now + LOST_AFTER))


def _try(alternative: Alternative, *, clock: Callable[[], float], now: datetime, settings: Mapping[str, Any]) -> None:
    began = clock()
    try:
        seen = _look(alternative.proposal, now, settings)
        answer = _answer(alternative, seen, clock=clock, began=began)
        columns = {
            "body": answers.body_of(seen, answer, now=now, settings=settings),
            "pressures": answers.pressures(seen, _where(seen, answer)),
        }
    except (GoalRefused, FleetUnreadable) as refusal:
        _give_up(alternative, str(refusal), now)
    except Exception as error:
        logger.exception("%s cannot be worked out", alternative)
        if alternative.tries + 1 >= MOST_TRIES:
            _give_up(alternative, f"{type(error).__name__}: {error}", now)
        else:
            Alternative.objects.filter(pk=alternative.pk, state=State.WAITING).update(next_try_at=now)
    else:
        _write(alternative, now, state=State.READY, **columns)


def _look(proposal: Proposal, now: datetime, settings: Mapping[str, Any]) -> Picture:
    nodes = set(proposal.nodes.values_list("pk", flat=True))
    home = proposal.goal == Goal.HOME
    return picture.take(
        settings=settings,
        now=now,
        emptied=nodes if proposal.goal == Goal.EVACUATE else (),
        with_closed=home,
        levels=proposal.goal == Goal.REBALANCE,
        placed=proposal.container_id,
    )


def _answer(alternative: Alternative, seen: Picture, *, clock: Callable[[], float], began: float) -> dict[str, Any]:
    proposal = alternative.proposal
    seconds = SEARCH_SECONDS[min(alternative.tries, len(SEARCH_SECONDS) - 1)]
    if proposal.goal == Goal.HOME:
        keys = homecoming.origins(set(proposal.nodes.values_list("pk", flat=True)))
        origins = {seen.rows[ct]: seen.node_rows[node] for ct, node in keys.items() if ct in seen.rows}
        found = bring_home(seen.fleet, origins, Budget(clock=clock, until=clock() + seconds))
        return proposals.write(seen.fleet, found, clock() - began)
    return plan(
        fleet=seen.fleet,
        goal=_goal(proposal, seen),
        seconds=seconds,
        clock=clock,
        began=began,
        chance=np.random.default_rng(SEED),
        taste=alternative.kind,
        survives_a_loss=proposal.survives_a_loss,
        margin=MARGIN,
    )


def _goal(proposal: Proposal, seen: Picture) -> str:
    """Return the wish as the planner's words have it; which nodes are to be empty the picture says."""
    if proposal.goal == Goal.PLACE:
        row = seen.rows.get(proposal.container_id or 0)
        if row is None:
            raise GoalRefused(f"{proposal.container} is not there any more.")
        return f"place:{seen.fleet.names[row]}"
    if proposal.goal == Goal.REBALANCE and proposal.level is not None:
        return f"rebalance:{proposal.level!r}"
    return str(proposal.goal)


def _where(seen: Picture, answer: Mapping[str, Any]) -> np.ndarray:
    where = seen.fleet.home.copy()
    cts = {name: row for row, name in enumerate(seen.fleet.names)}
    nodes = {name: row for row, name in enumerate(seen.fleet.node_names)}
    for ct, node in answer["moves"]:
        where[cts[ct]] = nodes[node]
    return where


def _give_up(alternative: Alternative, detail: str, now: datetime) -> None:
    _write(alternative, now, state=State.FAILED, failure="ProposalFailed", failure_detail=detail[:2000])


@transaction.atomic
def _write(alternative: Alternative, now: datetime, **columns: Any) -> None:
    """Write what came of it, unless another worker was faster."""
    waiting = Alternative.objects.filter(pk=alternative.pk, state=State.WAITING)
    if waiting.update(made_at=now, next_try_at=None, **columns):
        trail.record("work_out", str(alternative), actor=None, now=now, state=columns["state"])
