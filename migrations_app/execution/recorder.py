"""The history of a migration's steps: this file alone writes it, and only for the holder of the lease."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Max, QuerySet

from migrations_app.execution.lease import Lease, LeaseLost
from migrations_app.execution.outcome import Evidence, Objection, Progress
from migrations_app.execution.step import Step
from migrations_app.models import Finding, Migration, StepRun

# Keys of a step's evidence that pages and mails read from the migration itself.
COPIED_COLUMNS = ("certificate", "freeze_forecast_seconds", "freeze_seconds", "method_reason", "retire_after")


def write_plan(migration: Migration, steps: Sequence[type[Step]]) -> None:
    """Append the steps to the plan; a step that is there already is numbered on, so its jobs get keys of their own."""
    last = migration.steps.aggregate(last=Max("position"))["last"]
    first = 0 if last is None else last + 1
    StepRun.objects.bulk_create(
        StepRun(
            migration=migration,
            position=first + offset,
            name=step.name,
            title=step.title,
            attempt=_next_attempt(migration, step.name),
        )
        for offset, step in enumerate(steps)
    )


@transaction.atomic
def begin(run: StepRun, lease: Lease, *, now: datetime, opens_freeze: bool) -> None:
    """Note that the step is about to act, before it acts."""
    _write(run, lease, state=StepRun.State.RUNNING, started_at=run.started_at or now, reason="")
    if opens_freeze and not lease.rows().filter(frozen_at__isnull=False, unfrozen_at=None).exists():
        _write_migration(lease, frozen_at=now, unfrozen_at=None)


@transaction.atomic
def skip(run: StepRun, lease: Lease, *, now: datetime, evidence: Evidence) -> None:
    _write(run, lease, state=StepRun.State.SKIPPED, finished_at=now, evidence=dict(evidence))
    copy_columns(lease, evidence)


@transaction.atomic
def finish(run: StepRun, lease: Lease, *, now: datetime, evidence: Evidence) -> None:
    _write(run, lease, state=StepRun.State.DONE, finished_at=now, evidence=dict(evidence), reason="")
    copy_columns(lease, evidence)
    _write_migration(lease, progress={})


def fail(run: StepRun, lease: Lease, *, now: datetime, reason: str) -> None:
    _write(run, lease, state=StepRun.State.FAILED, finished_at=now, reason=reason[:4000])


def try_again(run: StepRun, lease: Lease, *, reason: str) -> None:
    """Put the step back to its beginning with a fresh number: what it starts now is a new job."""
    _write(
        run,
        lease,
        state=StepRun.State.PENDING,
        attempt=_next_attempt(run.migration, run.name),
        retries=run.retries + 1,
        reason=reason[:4000],
    )


@transaction.atomic
def undo(run: StepRun, lease: Lease, *, now: datetime, closes_freeze: bool) -> None:
    _write(run, lease, state=StepRun.State.UNDONE, finished_at=now)
    if closes_freeze:
        close_freeze(lease, now=now)


def try_undo_again(run: StepRun, lease: Lease, *, reason: str) -> None:
    _write(run, lease, retries=run.retries + 1, reason=reason[:4000])


def close_plan(migration: Migration) -> None:
    """Note that nothing of the plan is left to do or to take back."""
    migration.steps.exclude(state=StepRun.State.UNDONE).update(state=StepRun.State.UNDONE)


def close_freeze(lease: Lease, *, now: datetime) -> None:
    """Note that the container answers again, and how long it did not."""
    row = lease.rows().values("frozen_at", "unfrozen_at").get()
    if row["frozen_at"] and not row["unfrozen_at"]:
        seconds = (now - row["frozen_at"]).total_seconds()
        _write_migration(lease, unfrozen_at=now, freeze_seconds=round(seconds, 3))


def show_progress(lease: Lease, progress: Progress) -> None:
    known = {name: value for name, value in asdict(progress).items() if value is not None}
    _write_migration(lease, progress=known)


def keep_findings(migration: Migration, objections: Sequence[Objection], *, now: datetime) -> None:
    """Replace what an earlier look found with what this one found."""
    migration.findings.all().delete()
    Finding.objects.bulk_create(
        Finding(migration=migration, at=now, **_as_columns(objection)) for objection in _once_each(objections)
    )


def forget_blockers(migration: Migration) -> None:
    migration.findings.filter(severity=Finding.Severity.BLOCKER).delete()


def repeat_stale(migration: Migration, names: Collection[str]) -> None:
    """Have those steps done anew before the freeze: while the migration waited, what they brought over grew old."""
    if migration.frozen_at is not None:
        return
    for run in migration.steps.filter(name__in=names, state=StepRun.State.DONE):
        attempt = _next_attempt(migration, run.name)
        migration.steps.filter(pk=run.pk).update(state=StepRun.State.PENDING, attempt=attempt, retries=0)


@transaction.atomic
def repeat_since(run: StepRun, lease: Lease, *, first: str) -> None:
    """Have the steps from the newest of that name up to this one done anew; before the freeze, so nothing is lost.

    :raises StepRun.DoesNotExist: the plan has no such step.
    """
    lease.renew()
    left = run.migration.steps.exclude(state=StepRun.State.UNDONE)
    since = left.filter(name=first, position__lte=run.position).order_by("-position")[:1].get()
    for one in left.filter(position__range=(since.position, run.position)):
        attempt = _next_attempt(run.migration, one.name)
        left.filter(pk=one.pk).update(state=StepRun.State.PENDING, attempt=attempt, retries=0, finished_at=None)


# By a person's answer: what is parked is held by no lease.


def renew_undo(run: StepRun) -> None:
    """Have a step that could not be taken back start jobs of its own when it is tried again."""
    StepRun.objects.filter(pk=run.pk).update(retries=F("retries") + 1)


def take_up(run: StepRun) -> None:
    """Have the step that it stopped at go on: from its beginning where it failed."""
    (start_anew if run.state == StepRun.State.FAILED else forgive_retries)(run)


def start_anew(run: StepRun) -> None:
    """Have the step done again, with jobs of its own."""
    attempt = _next_attempt(run.migration, run.name)
    StepRun.objects.filter(pk=run.pk).update(state=StepRun.State.PENDING, attempt=attempt, retries=0, reason="")


def forgive_retries(run: StepRun) -> None:
    """Have the step go on with the jobs it has, and a new count of tries."""
    StepRun.objects.filter(pk=run.pk).update(retries=0, reason="")


def drop_unfinished(migration: Migration) -> None:
    """Take out of the plan what was not brought to an end."""
    _open(migration).update(state=StepRun.State.UNDONE)


def _open(migration: Migration) -> QuerySet[StepRun]:
    return migration.steps.exclude(state__in=(StepRun.State.DONE, StepRun.State.SKIPPED, StepRun.State.UNDONE))


def hand_over(migration: Migration, back: Migration, *, now: datetime) -> None:
    """Leave out what is not done, because a return trip does it or makes it needless."""
    evidence = {"left_out": f"brought back by migration {back.pk}", "handed_to": back.pk}
    _open(migration).update(state=StepRun.State.SKIPPED, finished_at=now, evidence=evidence)


def take_up_again(migration: Migration, back: Migration) -> None:
    """Put what was left out for the return trip into the plan again."""
    rows = migration.steps.filter(state=StepRun.State.SKIPPED, evidence__handed_to=back.pk)
    rows.update(state=StepRun.State.PENDING, finished_at=None, evidence={}, reason="")


def last_touched(migration: Migration) -> StepRun | None:
    """Return the step to take back next; one found done by somebody else was never begun here, and is nobody's."""
    begun = migration.steps.filter(started_at__isnull=False).exclude(state=StepRun.State.UNDONE)
    return begun.order_by("-position").first()


def begun_steps(migration: Migration) -> frozenset[str]:
    """Return the names of all steps that have acted, also those taken back since."""
    return frozenset(migration.steps.filter(started_at__isnull=False).values_list("name", flat=True))


def evidence_by_step(migration: Migration) -> dict[str, Evidence]:
    """Return what each step left, the newest run of a name winning; taken-back steps left nothing."""
    runs = migration.steps.exclude(state=StepRun.State.UNDONE).order_by("position")
    return {run.name: run.evidence for run in runs if run.evidence}


def copy_columns(lease: Lease, evidence: Evidence) -> None:
    columns: dict[str, Any] = {name: evidence[name] for name in COPIED_COLUMNS if name in evidence}
    if "bytes_moved" in evidence:
        columns["bytes_moved"] = F("bytes_moved") + int(evidence["bytes_moved"])
    if "retire_after" in columns:
        columns["retire_after"] = datetime.fromisoformat(columns["retire_after"])
    if columns:
        _write_migration(lease, **columns)


def _next_attempt(migration: Migration, step_name: str) -> int:
    newest = migration.steps.filter(name=step_name).aggregate(newest=Max("attempt"))["newest"]
    return (newest or 0) + 1


def _write(run: StepRun, lease: Lease, **columns: Any) -> None:
    lease.renew()
    StepRun.objects.filter(pk=run.pk).update(**columns)
    for name, value in columns.items():
        setattr(run, name, value)


def _write_migration(lease: Lease, **columns: Any) -> None:
    if not lease.rows().update(**columns):
        raise LeaseLost(f"m{lease.migration_id}: token {lease.token} is no longer the newest")


def _as_columns(objection: Objection) -> dict[str, str]:
    columns = asdict(objection)
    return columns | {"check_id": objection.check_id[:40]}


def _once_each(objections: Sequence[Objection]) -> list[Objection]:
    return list({objection.check_id: objection for objection in objections}.values())
