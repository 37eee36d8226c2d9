"""Find what an approval is about, as it stands now."""

from __future__ import annotations

from typing import Any

from migrations_app.approvals.subject import Subject
from migrations_app.batches import content as of_batches
from migrations_app.execution import content as of_migrations
from migrations_app.models import Approval, Batch, Migration, Publication
from migrations_app.zones import agreed, publications

# Only these wait for somebody to start them, or to let them go on.
ASKABLE = (Batch.State.DRAFT, Batch.State.PAUSED, Batch.State.STOPPED)


def find_subject(*, kind: str, subject_id: int) -> Subject | None:
    """Return it read from its rows; None: it is gone, or of a kind that needs no approval."""
    match kind:
        case Approval.Kind.BATCH:
            batch = Batch.objects.filter(pk=subject_id).first()
            return None if batch is None else _of_batch(batch)
        case Approval.Kind.MIGRATION:
            rows = Migration.objects.select_related("container", "source", "target", "forecast")
            migration = rows.filter(pk=subject_id).first()
            return None if migration is None else _of_migration(migration)
        case _:
            return None


def _of_batch(batch: Batch) -> Subject:
    closed = "" if batch.state in ASKABLE else f"{batch} is {batch.get_state_display().lower()}."
    return Subject(
        kind=Approval.Kind.BATCH,
        id=batch.pk,
        title=str(batch),
        content=of_batches.content_of(batch),
        author_ids=of_batches.authors_of(batch),
        closed_because=closed,
    )


def _of_migration(migration: Migration) -> Subject:
    rows = Publication.objects.filter(migration=migration, kind=Publication.Kind.SWITCH)
    difference = rows.order_by("-pk").first()
    return Subject(
        kind=Approval.Kind.MIGRATION,
        id=migration.pk,
        title=f"{migration} ({migration.container.hostname})",
        content=of_migrations.content_of(migration, _names(difference)),
        author_ids=of_migrations.authors_of(migration),
        closed_because=_closed(migration, difference),
    )


def _names(difference: Publication | None) -> dict[str, Any]:
    if difference is None or not difference.plan:
        return {}
    return agreed.told(publications.plan_of(difference), difference.lifted)


def _closed(migration: Migration, difference: Publication | None) -> str:
    if not migration.is_active:
        return f"{migration} is {migration.get_state_display().lower()}."
    if not migration.needs_approval:
        return f"{migration} changes neither address nor name."
    if not _knows_its_content(migration, difference):
        return f"{migration} is still finding out what it would change."
    return ""


def _knows_its_content(migration: Migration, difference: Publication | None) -> bool:
    """The step that waits for the yes stands behind those that find out."""
    if difference is not None and difference.state == Publication.State.WAITING:
        return False
    return migration.steps.filter(name="await_approval", started_at__isnull=False).exclude(state="undone").exists()
