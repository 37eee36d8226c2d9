"""A batch that waits for a second person, and how one is asked and answers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from migrations_app.models import Approval, Batch
from migrations_app.usecases.ask_approval import ask_approval
from migrations_app.usecases.decide_approval import decide_approval
from migrations_app.usecases.find_subject import find_subject
from migrations_app.usecases.plan_batch import BatchTerms, PlannedMove, plan_batch
from migrations_app.usecases.start_batch import start_batch
from tests.factories import make_container, make_node
from tests.fakes.clock import START

HOUR = timedelta(hours=1)


def make_batch(author: User, *, name: str = "Empty node-a", moves: int = 3, **terms: Any) -> Batch:
    source, target = make_node(), make_node()
    return plan_batch(
        name=name,
        moves=[
            PlannedMove(container=make_container(node=source), target=target, method="stream") for _ in range(moves)
        ],
        terms=BatchTerms(**terms),
        actor=author,
        now=START,
        settings=settings.OVZ,
    )


def ask(batch: Batch, actor: User, *, now: datetime = START, reason: str = "") -> Approval:
    subject = find_subject(kind="batch", subject_id=batch.pk)
    assert subject is not None
    return ask_approval(subject=subject, actor=actor, now=now, settings=settings.OVZ, reason=reason)


def decide(approval: Approval, actor: User, decision: Any = "approve", *, now: datetime = START + HOUR) -> Approval:
    decide_approval(approval=approval, decision=decision, comment="as discussed", actor=actor, now=now)
    return approval


def approve(batch: Batch, *, asked_by: User, by: User) -> Approval:
    """Have one person ask and another agree: all that a test of something else needs."""
    return decide(ask(batch, asked_by), by)


def start(batch: Batch, actor: User, *, now: datetime = START + 2 * HOUR, **policy: Any) -> Batch:
    start_batch(batch=batch, actor=actor, now=now, settings=settings.OVZ | policy)
    return batch
