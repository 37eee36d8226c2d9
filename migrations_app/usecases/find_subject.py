"""Find what an approval is about, as it stands now."""

from __future__ import annotations

from migrations_app.approvals.subject import Subject
from migrations_app.batches import content
from migrations_app.models import Approval, Batch

# Only these wait for somebody to start them, or to let them go on.
ASKABLE = (Batch.State.DRAFT, Batch.State.PAUSED, Batch.State.STOPPED)


def find_subject(*, kind: str, subject_id: int) -> Subject | None:
    """Return it read from its rows; None: it is gone, or of a kind that needs no approval."""
    if kind != Approval.Kind.BATCH:
        return None
    batch = Batch.objects.filter(pk=subject_id).first()
    return None if batch is None else _of_batch(batch)


def _of_batch(batch: Batch) -> Subject:
    closed = "" if batch.state in ASKABLE else f"{batch} is {batch.get_state_display().lower()}."
    return Subject(
        kind=Approval.Kind.BATCH,
        id=batch.pk,
        title=str(batch),
        content=content.content_of(batch),
        author_ids=content.authors_of(batch),
        closed_because=closed,
    )
