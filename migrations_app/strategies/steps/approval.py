"""A second person says yes to exactly what will change, and it is seen once more before anybody has to wait."""

from __future__ import annotations

from datetime import datetime, timedelta

from migrations_app.basics.cipher import SecretUnreadable
from migrations_app.execution.outcome import Done, Failed, Progress, Repeat, RunOutcome, Waiting
from migrations_app.execution.second_person import Reply
from migrations_app.execution.step import Step, StepContext
from migrations_app.models import Publication
from migrations_app.ports.nameserver import NameServerError
from migrations_app.strategies.steps import names
from migrations_app.zones import publications
from migrations_app.zones.publications import Hands

POLL_SECONDS = 10.0
# The freeze begins in the tick after the last look; later than this the look is no longer one.
LOOK_COUNTS = timedelta(seconds=60)
ONE_IS_ENOUGH = "one person is enough"


class AwaitApproval(Step):
    """Before the first TTL is lowered: until the yes nothing outside the two nodes has been touched."""

    name = "await_approval"
    title = "Wait for a second person's approval"
    public_phrase = "copying"
    only_waits = True

    def run(self, ctx: StepContext) -> RunOutcome:
        return answered(ctx)


class OpenCutover(Step):
    """Look once more at all that was approved, names at their servers included; what differs needs another yes."""

    name = "open_cutover"
    title = "See that what was approved is what stands there now"
    public_phrase = "copying"
    grows_stale = True

    def run(self, ctx: StepContext) -> RunOutcome | Repeat:
        answer = ctx.second_person.answer(ctx.order.migration_id, ctx.now)
        if answer.reply is Reply.NOT_NEEDED:
            return Done({"left_out": ONE_IS_ENOUGH})
        if answer.reply is not Reply.YES:
            return Repeat(since=AwaitApproval.name, reason=answer.words)
        return _see_names(ctx) or Done({"seen_at": ctx.now.isoformat()})


def answered(ctx: StepContext) -> RunOutcome:
    """Return Done with a second person's yes, or where none is needed."""
    answer = ctx.second_person.answer(ctx.order.migration_id, ctx.now)
    match answer.reply:
        case Reply.NOT_NEEDED:
            return Done({"left_out": ONE_IS_ENOUGH})
        case Reply.YES:
            return Done({"approved": answer.words})
        case Reply.NO:
            return Failed(name="ApprovalRejected", reason=answer.words, park=True)
        case Reply.NOT_YET:
            return Waiting(POLL_SECONDS, Progress(stage=answer.words))


def spent_or_again(ctx: StepContext) -> Repeat | None:
    """Spend the yes on the cutover; what stands in its way sends the migration back to look, or to wait for another."""
    seen_at = ctx.evidence_of(OpenCutover.name).get("seen_at")
    if seen_at and ctx.now - datetime.fromisoformat(seen_at) > LOOK_COUNTS:
        return Repeat(since=OpenCutover.name, reason="The last look at what was approved is too long ago.")
    if refused := ctx.second_person.spend(ctx.order.migration_id, ctx.now):
        return Repeat(since=AwaitApproval.name, reason=refused)
    return None


def _see_names(ctx: StepContext) -> RunOutcome | Repeat | None:
    """Return None where every record is as the difference was made for, lowered TTLs apart."""
    switch = names.newest(ctx, Publication.Kind.SWITCH)
    if switch is None:
        return None
    if switch.state == Publication.State.WAITING:  # asked for here, before a kill
        return Repeat(since=names.PlanNames.name, reason=f"{switch} is being made anew.")
    hands = Hands(
        nameserver=ctx.outside.nameserver,
        resolvers=ctx.outside.resolvers,
        clock=ctx.outside.clock,
        settings=ctx.order.settings,
    )
    try:
        moved = publications.moved(switch, hands)
    except (NameServerError, SecretUnreadable) as trouble:
        return Failed(name="NamesRefused", reason=f"{type(trouble).__name__}: {trouble}", again=True, park=True)
    if not moved:
        return None
    names.ask_anew(ctx)
    why = "; ".join(moved)[:2000]
    return Repeat(since=names.PlanNames.name, reason=f"The difference that was approved is void: {why}.")
