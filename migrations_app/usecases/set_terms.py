"""Set the terms of a batch: its windows, caps and care."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.approvals import decisions
from migrations_app.audit import trail
from migrations_app.batches import canaries, terms, turn
from migrations_app.batches.scene import Scene
from migrations_app.batches.terms import BatchTerms
from migrations_app.calendar_rules import objections
from migrations_app.capacity import moves
from migrations_app.models import Approval, Batch, BatchItem, Migration
from migrations_app.usecases.schedule_migration import of_limits
from migrations_app.usecases.time_batch import time_batch

Objections = list[tuple[str, str]]
State = Batch.State


class TermsRefused(Exception):
    """The terms stay as they were; ``objections`` are pairs of field name and reason."""

    def __init__(self, objections: Objections) -> None:
        super().__init__(" ".join(reason for _, reason in objections))
        self.objections = objections


@transaction.atomic
def set_terms(
    *, batch: Batch, terms: BatchTerms, actor: User | None, now: datetime, settings: Mapping[str, Any]
) -> None:
    """Let what has not begun go by these terms; what is under way goes on by those it began with.

    :raises TermsRefused: all reasons at once, each with the field it belongs to.
    """
    held = turn.take(batch.pk)
    found = of_terms(terms, now, settings)
    if held.state not in (State.DRAFT, State.PAUSED, State.STOPPED):
        found.append(("batch", f"{held} is {held.get_state_display().lower()}: pause it first."))
    if found:
        raise TermsRefused(found)
    columns = terms.columns(usual_freeze_budget_seconds=settings["freeze_budget_seconds"])
    before = {name: getattr(held, name) for name in columns}
    Batch.objects.filter(pk=batch.pk).update(**columns)
    batch.refresh_from_db()
    voided = decisions.void_all_of(Approval.Kind.BATCH, batch.pk, "its terms were set anew")
    _plan_anew(Scene(batch=batch, now=now))
    changed = [name for name in columns if before[name] != columns[name]]
    trail.record(
        "set_terms",
        str(batch),
        actor=actor,
        now=now,
        before=_as_words(before, changed),
        after=_as_words(columns, changed),
        voided=voided,
    )


def of_terms(given: BatchTerms, now: datetime, settings: Mapping[str, Any]) -> Objections:
    """Return all that is wrong with the terms."""
    budget = given.freeze_budget_seconds
    return [
        *objections.of_window(
            weekdays=given.weekdays,
            opens_at=given.opens_at,
            closes_at=given.closes_at,
            time_zone=given.time_zone,
            not_before=given.not_before,
            deadline=given.deadline,
            now=now,
        ),
        *terms.of_caps(given),
        *of_limits(settings["freeze_budget_seconds"] if budget is None else budget, given.bandwidth_limit_kib),
    ]


def _plan_anew(scene: Scene) -> None:
    """The bandwidth decides how long it takes, the rest when it may begin."""
    _foretell(scene)
    if scene.batch.state == State.DRAFT:
        for item in scene.items:
            item.is_canary = False
        for item in canaries.choose(scene.items, scene.batch.canaries):
            item.is_canary = True
        BatchItem.objects.bulk_update(scene.items, ["is_canary"], batch_size=200)
    time_batch(scene=scene)


def _foretell(scene: Scene) -> None:
    waiting = scene.waiting()
    cap = scene.batch.bandwidth_limit_kib
    wanted = (
        Migration(
            container=item.container,
            source=item.source,
            target=item.target,
            method=item.method,
            bandwidth_limit_kib=cap,
        )
        for item in waiting
    )
    for item, said in zip(waiting, moves.foretell_all(wanted, scene.now), strict=True):
        item.seconds_forecast, item.freeze_seconds_forecast = said.seconds, said.freeze_seconds
    BatchItem.objects.bulk_update(waiting, ["seconds_forecast", "freeze_seconds_forecast"], batch_size=200)


def _as_words(columns: Mapping[str, Any], names: list[str]) -> dict[str, str]:
    return {name: str(columns[name]) for name in names}
