"""Give up what still waits in a batch, and ask for the same anew."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.models import Batch, Proposal
from migrations_app.usecases.cancel_batch import BatchNotCancellable, cancel_batch
from migrations_app.usecases.request_proposal import ProposalRefused, request_proposal


class NotReplannable(Exception):
    """The batch goes on as it is: it has ended, came of no proposal, or its wish cannot be asked for now."""


@transaction.atomic
def replan_batch(*, batch: Batch, actor: User, now: datetime, settings: Mapping[str, Any]) -> Proposal:
    """Open a proposal with the batch's goal; what is under way goes on to its end and is counted at both nodes.

    :raises NotReplannable: nothing was given up.
    """
    if batch.alternative is None:
        raise NotReplannable(f"{batch} came of no proposal, so nobody knows what for. Ask for a proposal instead.")
    former = batch.alternative.proposal
    try:
        cancel_batch(batch=batch, actor=actor, now=now, settings=settings)
        return request_proposal(
            goal=former.goal,
            nodes=list(former.nodes.all()),
            container=former.container,
            level=former.level,
            survives_a_loss=former.survives_a_loss,
            actor=actor,
            now=now,
            settings=settings,
        )
    except (BatchNotCancellable, ProposalRefused) as refusal:
        raise NotReplannable(str(refusal)) from refusal
