"""Take the check of one pair a step further: ask both nodes, let vzmigrate check, take everything away again."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from migrations_app.compatibility import causes, likeness, turns
from migrations_app.compatibility.causes import Cause
from migrations_app.execution import context
from migrations_app.execution.lease import next_token
from migrations_app.execution.outside import Outside
from migrations_app.execution.step import Order, StepContext
from migrations_app.models import Migration, PairCheck, Round
from migrations_app.ports.shell import ShellError
from migrations_app.strategies import pair_check
from migrations_app.vz.facts import FactUnreadable
from migrations_app.vz.gate import Fenced, GateError

log = logging.getLogger(__name__)
State = PairCheck.State

# A tick may last as long as the queue lets it.
CLAIM = timedelta(seconds=30)
LOOK_AGAIN = timedelta(seconds=1)
# All in all, whatever the nodes do.
LONGEST = timedelta(minutes=4)
# A node that is silent keeps a key that nobody can use meanwhile; it is asked again until it answers.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(minutes=10)


def check_pair(*, check_id: int, outside: Outside, settings: Mapping[str, Any]) -> datetime | None:
    """Do one short stretch and return when the next is due; any number of workers may call this at any moment."""
    check = _claim(check_id, outside.clock())
    if check is None:
        return None
    if check.state != State.CLOSING and turns.is_in_the_way(check, outside.clock()):
        return _give_way(check, outside.clock())
    ctx = _context(check, outside, settings)
    if check.state == State.CLOSING:
        return _close(check, ctx)
    try:
        return _go_on(check, ctx)
    except Fenced:
        return _give_way(check, outside.clock())
    except (ShellError, GateError, FactUnreadable) as trouble:
        return _conclude(check, [*causes.read(check.causes), _trouble(trouble)], outside.clock())


def _claim(check_id: int, now: datetime) -> PairCheck | None:
    """Take the check for this tick, with a token that fences off every earlier tick; None: another has it, or it ended.

    A move that was ordered meanwhile has a higher token already, and must not meet one above its own.
    """
    with transaction.atomic():
        check = PairCheck.objects.select_related("source", "target").get(pk=check_id)
        fresh = next_token(check.ctid, now)
        token = check.token if Migration.objects.acting().filter(ctid=check.ctid).exists() else fresh
        free = Q(claimed_until=None) | Q(claimed_until__lte=now)
        claimed = PairCheck.objects.open().filter(free, pk=check_id)
        if not claimed.update(token=token, claimed_until=now + CLAIM, next_look_at=now + CLAIM):
            return None
    check.refresh_from_db()
    return check


def _context(check: PairCheck, outside: Outside, settings: Mapping[str, Any]) -> StepContext:
    source = context.endpoint(check.source)
    return StepContext(
        order=_order(check, settings),
        source=source,
        target=context.endpoint(check.target),
        home=source,
        outside=outside,
        token=check.token,
        attempt=check.attempt,
        undo_attempt=check.attempt,
        frozen=False,
        passed_point_of_no_return=False,
        started_at=check.started_at,
    )


def _order(check: PairCheck, settings: Mapping[str, Any]) -> Order:
    container = check.container
    return Order(
        migration_id=check.number,
        ctid=check.ctid,
        target_ctid=check.ctid,
        method="live",
        hostname=container.hostname if container else "",
        addresses=tuple(container.addresses) if container else (),
        fall_back_to_dump=False,
        full_backup=False,
        rehearse=False,
        bandwidth_limit_kib=0,
        freeze_budget_seconds=settings["freeze_budget_seconds"],
        retention_days=settings["retention_days"],
        settings=settings,
    )


def _go_on(check: PairCheck, ctx: StepContext) -> datetime | None:
    found: tuple[Cause, ...] | None
    match check.state:
        case State.ASKING:
            found, following = pair_check.ask(ctx), State.TRUSTING
        case State.TRUSTING:
            found, following = pair_check.trust(ctx), State.CHECKING
        case _:
            found, following = pair_check.look(ctx), State.CLOSING
    now = ctx.now
    known = [*causes.read(check.causes), *(found or ())]
    if found is None and check.started_at is not None and now < check.started_at + LONGEST:
        return _write(check, next_look_at=now + LOOK_AGAIN)
    if found is None:
        return _conclude(check, [*known, _too_long()], now)
    if following == State.CLOSING or any(cause.severity == "blocker" for cause in found):
        return _conclude(check, known, now)
    return _write(check, state=following, causes=causes.as_rows(known), next_look_at=now)


def _too_long() -> Cause:
    minutes = LONGEST.total_seconds() / 60
    text = f"The check was not through after {minutes:.0f} minutes and was ended."
    return Cause(id="check-too-long", text=text, way_out="Nothing: the next check tries again.", about="doubt")


def _trouble(trouble: ShellError | GateError | FactUnreadable) -> Cause:
    way_out = "See its page in the runbook; the next check tries again."
    return Cause(id=type(trouble).__name__, text=str(trouble), way_out=way_out, about="doubt")


def _conclude(check: PairCheck, found: Sequence[Cause], now: datetime) -> datetime | None:
    """Keep the verdict; where something may be left on nodes it is taken away next."""
    verdict = {
        "verdict": causes.verdict_of(found),
        "summary": causes.summary(found),
        "causes": causes.as_rows(found),
        "source_likeness": likeness.of(check.source),
        "target_likeness": likeness.of(check.target),
    }
    if check.state == State.ASKING:
        return _end(check, now, **verdict)
    return _write(check, state=State.CLOSING, next_look_at=now, **verdict)


def _give_way(check: PairCheck, now: datetime) -> datetime | None:
    """Leave without a verdict: real work wants a node or the sample; its turn comes again."""
    log.info("%s gives way to real work", check)
    if check.state == State.ASKING:
        return _end(check, now)
    return _write(check, state=State.CLOSING, next_look_at=now)


def _close(check: PairCheck, ctx: StepContext) -> datetime | None:
    troubles = pair_check.withdraw(ctx)
    now = ctx.now
    if not troubles:
        return _end(check, now)
    log.warning("%s: what it left is still there: %s", check, "; ".join(troubles))
    pause = min(max((now - (check.started_at or now)) / 4, FIRST_PAUSE), LONGEST_PAUSE)
    return _write(check, closing_trouble=" ".join(troubles)[:2_000], next_look_at=now + pause)


def _end(check: PairCheck, now: datetime, **verdict: Any) -> datetime | None:
    """End it with its verdict; one that gave way before it had any waits for its turn again. Nothing is due then."""
    cleared: dict[str, Any] = {"next_look_at": None, "closing_trouble": ""}
    with transaction.atomic():
        if verdict or check.verdict:
            _write(check, state=State.ENDED, ended_at=now, **cleared, **verdict)
        else:
            anew: dict[str, Any] = {"container": None, "causes": [], "started_at": None, "attempt": check.attempt + 1}
            _write(check, state=State.WAITING, **cleared, **anew)
        if PairCheck.objects.filter(state=State.WAITING).exists():
            Round.objects.filter(name=Round.Name.PAIRS).update(next_at=now)
    return None


def _write(check: PairCheck, **values: Any) -> datetime | None:
    """Write while this tick is the newest, let go of the check, and return when it is due next."""
    mine = PairCheck.objects.open().filter(pk=check.pk, token=check.token)
    kept = mine.update(claimed_until=None, **values)
    due: datetime | None = values["next_look_at"]
    return due if kept else None
