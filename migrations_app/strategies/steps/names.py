"""Names follow the address: planned before, TTLs lowered ahead, published after the switch, TTLs restored.

The publications are carried by ticks of their own; a step asks for one, and waits for what becomes of it.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from migrations_app.execution.outcome import (
    AlreadyDone,
    CheckOutcome,
    Done,
    Failed,
    Progress,
    Ready,
    Repeat,
    RunOutcome,
    Waiting,
)
from migrations_app.execution.second_person import Reply
from migrations_app.execution.step import Step, StepContext
from migrations_app.models import AuditLine, Container, Migration, Publication, Zone
from migrations_app.strategies.steps import passing_on
from migrations_app.zones import publications
from migrations_app.zones.publications import NotPublishable, NotUndoable

Kind, State = Publication.Kind, Publication.State
POLL_SECONDS = 1.0
LONG_POLL_SECONDS = 30.0
# A person's answer is known by these words, and the trail keeps no more than 2000 of them.
LONGEST_WORDS = 1_500
NO_ZONES = "no zone is registered: nothing of names is known here"


class PlanNames(Step):
    """What a person approves is this difference, with its digest; it is made before anything is copied."""

    name = "plan_names"
    title = "Plan what names and records change"

    def check(self, ctx: StepContext) -> CheckOutcome:
        return Ready() if Zone.objects.exists() else AlreadyDone({"left_out": NO_ZONES})

    def run(self, ctx: StepContext) -> RunOutcome:
        row = _standing(ctx, newest(ctx, Kind.SWITCH)) or _ask(ctx, Kind.SWITCH)
        match row.state:
            case State.READY if row.blocking:
                return _refused(row)
            case State.READY:
                return Done(_planned(row))
            case State.WAITING:
                return Waiting(POLL_SECONDS, Progress(stage="Reading zones"))
            case _:
                return _given_up(row)


class LowerTtl(Step):
    """Long before the switch: the old TTL has to run out in every cache after the last server serves the low one."""

    name = "lower_ttl"
    title = "Lower the TTLs of what will change, and wait the old ones out"
    public_phrase = "copying"

    def check(self, ctx: StepContext) -> CheckOutcome:
        return Ready() if ctx.evidence_of("plan_names").get("changes") else AlreadyDone({"left_out": "nothing changes"})

    def run(self, ctx: StepContext) -> RunOutcome | Repeat:
        switch = newest(ctx, Kind.SWITCH)
        if switch and switch.pk != ctx.evidence_of(PlanNames.name).get("publication"):
            return Repeat(since=PlanNames.name, reason=f"{switch} was made since: it is looked at like the one before.")
        row = _standing(ctx, _lowered_for(ctx, switch)) or _ask(ctx, Kind.LOWER)
        if row.state == State.STALE or _is_changed_since(row):
            return _moved(ctx, row)
        if _changes_nothing(row):
            return Done({"old_ttl_seconds": 0})
        if not isinstance(carried := _carried(ctx, row, State.VERIFIED), Done):
            return carried
        if row.settled_at is not None and row.settled_at > ctx.now:
            left = (row.settled_at - ctx.now).total_seconds()
            return Waiting(min(left, LONG_POLL_SECONDS), Progress(stage="Old TTLs run out", seconds_left=left))
        return Done({"publication": row.pk, "old_ttl_seconds": _longest_ttl(row)})

    def undo(self, ctx: StepContext) -> RunOutcome:
        """Newest first: a difference that was made anew had its own lowering, on top of the first."""
        rows = Publication.objects.filter(migration_id=ctx.order.migration_id, kind=Kind.LOWER)
        for row in rows.order_by("-pk"):
            if isinstance(back := _taken_back(row, now=ctx.now), Waiting):
                return back
        return Done()


class SwitchNames(Step):
    """Guarded by the old values: a record that somebody changed meanwhile is not overwritten, and a person decides."""

    name = "switch_names"
    title = "Publish the names with the new addresses"
    public_phrase = "verifying"
    may_wait_before = False
    reversible = False

    def check(self, ctx: StepContext) -> CheckOutcome:
        return Ready() if ctx.evidence_of("plan_names").get("changes") else AlreadyDone({"left_out": "nothing changes"})

    def run(self, ctx: StepContext) -> RunOutcome:
        row = _standing(ctx, newest(ctx, Kind.SWITCH)) or _ask(ctx, Kind.SWITCH)
        if row.state == State.STALE:
            return _moved(ctx, row)
        if _changes_nothing(row):
            return Done({"publication": row.pk, "left_out": "nothing of it stands there any more"})
        if row.state == State.READY and not row.blocking:
            return _publish_approved(ctx, row)
        return _carried(ctx, row, State.PUBLISHED, State.VERIFIED)


class VerifyNames(Step):
    """Every authoritative server is asked; one that lags is named, and the old address is passed on meanwhile."""

    name = "verify_names"
    title = "See the new names at every authoritative server"
    public_phrase = "finishing"
    reversible = False

    def check(self, ctx: StepContext) -> CheckOutcome:
        return Ready() if newest(ctx, Kind.SWITCH) else AlreadyDone({"left_out": "nothing changes"})

    def run(self, ctx: StepContext) -> RunOutcome:
        row = newest(ctx, Kind.SWITCH)
        if row is None or _changes_nothing(row):
            return Done()
        if row.state == State.VERIFIED:
            return Done({"verified_at": _iso(row.verified_at)})
        if _is_changed_since(row):
            return _left_or_told(ctx, row)
        if row.state == State.PUBLISHED:
            return passing_on.look_after(ctx) or Waiting(passing_on.POLL_SECONDS, Progress(stage=_lagging(row)))
        return Failed(name="NamesRefused", reason=f"{row} is {row.get_state_display().lower()}.", park=True)


class RestoreTtl(Step):
    name = "restore_ttl"
    title = "Give the records their TTLs back"
    public_phrase = "finishing"
    reversible = False

    def check(self, ctx: StepContext) -> CheckOutcome:
        """A return trip may find TTLs low that its first move has lowered, and had no time to restore."""
        rows = Publication.objects.filter(migration_id=ctx.order.migration_id, kind=Kind.LOWER)
        lowered = rows.filter(state__in=Publication.IN_FORCE).exists()
        comes_back = ctx.order.returns is not None and ctx.evidence_of("plan_names").get("changes")
        return Ready() if lowered or comes_back else AlreadyDone({"left_out": "none was lowered"})

    def run(self, ctx: StepContext) -> RunOutcome:
        row = _standing(ctx, newest(ctx, Kind.RESTORE)) or _ask(ctx, Kind.RESTORE)
        if _changes_nothing(row):
            return Done()
        return _carried(ctx, row, State.PUBLISHED, State.VERIFIED)


def newest(ctx: StepContext, kind: Publication.Kind) -> Publication | None:
    rows = Publication.objects.filter(migration_id=ctx.order.migration_id, kind=kind)
    return rows.order_by("-pk").first()


def let_go(row: Publication) -> None:
    """Have the difference made anew when it is asked for again."""
    Publication.objects.filter(pk=row.pk).update(migration=None)


def ask_anew(ctx: StepContext) -> Publication:
    """Have the difference made anew; the one before stays the migration's, so that nobody else publishes it."""
    return _ask(ctx, Kind.SWITCH)


def _standing(ctx: StepContext, row: Publication | None) -> Publication | None:
    """Return it unless a person tried again since it was refused: what it objects to may have been put right."""
    if row is None or row.state != State.READY or not row.blocking:
        return row
    return None if _answers(ctx, "NamesRefused").filter(at__gt=row.created_at).exists() else row


def _answers(ctx: StepContext, failure: str) -> QuerySet[AuditLine]:
    """Return what people said to going on after that failure of this migration."""
    subject = f"m{ctx.order.migration_id}: "
    return AuditLine.objects.filter(verb="answer_retry", subject__startswith=subject, detail__answers=failure)


def _changes_nothing(row: Publication) -> bool:
    return row.state == State.READY and not row.blocking and not publications.plan_of(row).changes


def _is_changed_since(row: Publication) -> bool:
    """Whether its primary says something else than what was published: no server will follow it any more."""
    return row.state == State.PUBLISHED and row.failure == "NamesMoved"


def _is_lifted(row: Publication) -> bool:
    """Who lifted an objection to a difference meant its TTLs as well: they are those of the same records."""
    of = row.of.lifted if row.of else []
    return row.is_forced or {one[0] for one in row.objections} <= {one[0] for one in of}


def _lowered_for(ctx: StepContext, switch: Publication | None) -> Publication | None:
    """Return the lowering that was made for this difference, not for one before it."""
    row = newest(ctx, Kind.LOWER)
    if row is None or switch is None or row.of_id != switch.pk or row.state == State.UNDONE:
        return None
    return row


def _ask(ctx: StepContext, kind: Publication.Kind) -> Publication:
    switch = None if kind == Kind.SWITCH else newest(ctx, Kind.SWITCH)
    row = publications.ask(
        kind=kind,
        of=switch,
        pairs=ctx.order.replaced,
        names=[name for name in (ctx.order.hostname, ctx.order.new_hostname) if name],
        ttl_seconds=ctx.order.settings["low_ttl_seconds"],
        container=Container.objects.filter(migrations=ctx.order.migration_id).first(),
        migration=Migration.objects.get(pk=ctx.order.migration_id),
        actor=None,
        now=ctx.now,
    )
    return row


def _carried(ctx: StepContext, row: Publication, *wanted: str) -> RunOutcome:
    """Publish it, and return Done once it is in one of these states."""
    if row.state in wanted:
        return Done({"publication": row.pk})
    if row.state == State.READY:
        try:
            publications.begin(row, digest=row.digest, is_forced=_is_lifted(row), now=ctx.now)
        except NotPublishable as refusal:
            return Failed(name="NamesRefused", reason=str(refusal), park=True)
        return Waiting(POLL_SECONDS)
    if row.is_busy:
        return Waiting(POLL_SECONDS if row.state == State.WAITING else 2 * POLL_SECONDS, Progress(stage=_lagging(row)))
    return _given_up(row)


@transaction.atomic
def _publish_approved(ctx: StepContext, row: Publication) -> RunOutcome:
    """What was approved and begun goes on; a difference that was made since needs a yes of its own."""
    if not (refused := ctx.second_person.spend(ctx.order.migration_id, ctx.now)):
        return _carried(ctx, row, State.PUBLISHED, State.VERIFIED)
    answer = ctx.second_person.answer(ctx.order.migration_id, ctx.now)
    if answer.reply is Reply.NO:
        return Failed(name="ApprovalRejected", reason=answer.words, park=True)
    return Waiting(LONG_POLL_SECONDS, Progress(stage=answer.words or refused))


def _given_up(row: Publication) -> Failed:
    """A person's retry asks anew: what failed once may have been put right."""
    let_go(row)
    return Failed(name="NamesRefused", reason=f"{row}: {row.failure} {row.failure_detail}".strip(), park=True)


def _refused(row: Publication) -> Failed:
    told = "; ".join(str(one[1]) for one in row.blocking)[:2000]
    return Failed(name="NamesRefused", reason=f"{row}: {told}", park=True)


def _moved(ctx: StepContext, row: Publication) -> Failed:
    """Somebody changed a record since: a new difference is made, and a person looks before it is published."""
    fresh = ask_anew(ctx)
    meanwhile = "The old address is passed on meanwhile. " if ctx.passed_point_of_no_return else ""
    return Failed(
        name="NamesMoved",
        reason=f"{row} is void: {row.failure_detail} {meanwhile}{fresh} is the difference as it is now: look at it, "
        "then try again to go on with it.",
        park=True,
    )


def _left_or_told(ctx: StepContext, row: Publication) -> RunOutcome:
    """What was published and changed since is never changed back: a person sees it, and says that it may stay so."""
    told = f"{row} was published everywhere, and somebody changed a record since: {row.failure_detail}"[:LONGEST_WORDS]
    way_out = " Put it right at the primary, or leave it as it is; then try again to go on."
    if _answers(ctx, "NamesMoved").filter(detail__found__endswith=told + way_out).exists():
        return Done({"publication": row.pk, "left_as_it_is": row.failure_detail})
    return Failed(name="NamesMoved", reason=told + way_out, park=True)


def _taken_back(row: Publication, *, now: datetime) -> RunOutcome:
    if row.state in (State.UNDONE, State.STALE, State.FAILED, State.READY):
        return Done()
    if row.state == State.WAITING:
        return Waiting(POLL_SECONDS)
    if row.state != State.UNDOING:
        try:
            publications.begin_undo(row, now=now)
        except NotUndoable as nothing:
            return Done({"told": str(nothing)})
    return Waiting(POLL_SECONDS)


def _planned(row: Publication) -> dict[str, object]:
    plan = publications.plan_of(row)
    return {
        "publication": row.pk,
        "digest": row.digest,
        "changes": len(plan.changes),
        "elsewhere": len(plan.elsewhere),
    }


def _longest_ttl(row: Publication) -> int:
    return max((change.before.ttl for change in publications.plan_of(row).changes), default=0)


def _lagging(row: Publication) -> str:
    """Name the servers that do not say it yet."""
    seen = (server for change in row.zone_changes.all() for server in change.seen)
    lagging = sorted({f"{name} ({trouble[0]})" for name, _, _, trouble in seen if trouble})
    if row.failure:
        return f"{row.get_state_display()}: {row.failure} {row.failure_detail}"[:300]
    return f"{row.get_state_display()}: {'; '.join(lagging)}"[:300] if lagging else row.get_state_display()


def _iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
