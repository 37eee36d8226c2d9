"""Walk one migration a short stretch further.

Any number of workers may call this at any moment: the lease lets one act, the token keeps a late one from writing or
from being obeyed by a node. Nothing here sleeps; a step that waits is asked again by a later tick.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, transaction

from migrations_app.execution import lease, onward, rollback, states
from migrations_app.execution.lease import Lease, LeaseLost, LeaseTaken
from migrations_app.execution.outside import Outside
from migrations_app.execution.second_person import NOBODY, SecondPerson
from migrations_app.execution.step import Step
from migrations_app.execution.walk import UnknownStep, Walk
from migrations_app.models import Migration
from migrations_app.ports.shell import HostKeyChanged, LoginRefused, ShellError
from migrations_app.vz.facts import FactUnreadable
from migrations_app.vz.gate import Fenced, GateError

log = logging.getLogger(__name__)

Recipes = Mapping[str, Sequence[type[Step]]]
Announce = Callable[[Migration, str, datetime], None]

# A tick shares its worker with all the other migrations; the queue kills one that takes more than twice this.
TICK_SECONDS = 8
UNREACHABLE_BEFORE_PARKING = timedelta(seconds=120)
# A container that stands still is given back long before anybody is called: its users wait.
UNREACHABLE_BEFORE_GIVING_BACK = timedelta(seconds=10)
LONGEST_BACKOFF_SECONDS = 15
GOING_ON = (Migration.State.RUNNING, Migration.State.ROLLING_BACK, Migration.State.RETIRING)
LONGEST_BACKOFF_FROZEN_SECONDS = 2


@dataclass(frozen=True)
class TickResult:
    """When the migration wants its next tick; None: it waits for a person, or has ended."""

    next_tick_at: datetime | None


def advance(
    migration_id: int,
    *,
    recipes: Recipes,
    outside: Outside,
    settings: Mapping[str, Any],
    announce: Announce,
    second_person: SecondPerson = NOBODY,
) -> TickResult:
    """Take the migration as far as it goes without waiting, for a few seconds at most.

    :raises LeaseTaken: another worker holds it, or there is nothing to do.
    """
    deadline = time.monotonic() + TICK_SECONDS
    with lease.held(migration_id) as held:
        try:
            walk = Walk(
                lease=held,
                recipes=recipes,
                outside=outside,
                settings=settings,
                announce=announce,
                second_person=second_person,
            )
            while (pause_seconds := _stretch(walk)) == 0 and time.monotonic() < deadline:
                held.renew()
        except (LeaseLost, states.ChangedMeanwhile) as late:
            # Somebody newer acts, or a person changed the state this moment: their tick goes on from what is true now.
            log.info("m%s: %s", migration_id, late)
            raise LeaseTaken(str(late)) from late
    return TickResult(_next_tick(held, outside.clock(), pause_seconds))


def _stretch(walk: Walk) -> float | None:
    """Do one step's worth and return the seconds to wait before the next; None: nothing until a person acts."""
    migration = walk.refresh()
    try:
        return _dispatch(walk, migration)
    except (LeaseLost, states.ChangedMeanwhile, OperationalError, InterfaceError):
        # The last two: the database is away or too busy, and the next tick finds everything as it was.
        raise
    except Fenced as fenced:
        # Late, most likely, and then the lease is lost. Else the node remembers more than the database does.
        walk.lease.renew()
        return _park(walk, type(fenced).__name__, str(fenced))
    except (HostKeyChanged, LoginRefused, UnknownStep) as refusal:
        return _park(walk, type(refusal).__name__, str(refusal))
    except ShellError as trouble:
        return _bear(walk, trouble)
    except (FactUnreadable, GateError) as answer:
        return _park_or_back(walk, type(answer).__name__, str(answer))
    except Exception as bug:
        log.exception("m%s: the step raised", migration.pk)
        return _park(walk, "InternalError", f"{type(bug).__name__}: {bug}")


def _dispatch(walk: Walk, migration: Migration) -> float | None:
    match migration.state:
        case Migration.State.SCHEDULED if migration.next_tick_at is not None:  # else it is held
            seconds = onward.open_when_due(walk)
        case Migration.State.RUNNING | Migration.State.RETIRING:
            seconds = onward.step_on(walk)
        case Migration.State.ROLLING_BACK:
            seconds = rollback.step_back(walk)
        case Migration.State.PARKED if migration.next_tick_at is not None:
            states.look_again(migration, token=walk.lease.token, now=walk.now)
            return 0
        case _:
            return None
    _end_trouble(walk)
    return seconds


def _bear(walk: Walk, trouble: ShellError) -> float | None:
    """A node cannot be asked: try again, ever slower; after two minutes call a person and go on looking.

    A container that is frozen goes back to its source before that, unless its copy may have been started.
    """
    migration = walk.refresh()
    since = migration.trouble_since or walk.now
    if migration.trouble_since is None:
        walk.lease.rows().update(trouble_since=since)
        states.tell(migration, f"{type(trouble).__name__}: {trouble}", at=walk.now, level="warning")
    lasted = walk.now - since
    if lasted > UNREACHABLE_BEFORE_GIVING_BACK and _may_be_given_back(walk, migration):
        rollback.begin(walk, failure=type(trouble).__name__, detail=str(trouble))
        return 0
    if lasted > UNREACHABLE_BEFORE_PARKING:
        return _park(walk, type(trouble).__name__, str(trouble), may_come_back=True)
    longest = LONGEST_BACKOFF_FROZEN_SECONDS if migration.is_frozen else LONGEST_BACKOFF_SECONDS
    return max(0.5, min(lasted.total_seconds() / 2, longest))


def _may_be_given_back(walk: Walk, migration: Migration) -> bool:
    """A copy that was never told to start cannot run, however silent its node is."""
    if migration.state != Migration.State.RUNNING or not migration.is_frozen:
        return False
    begun = migration.steps.filter(started_at__isnull=False)
    return not any(walk.step_of(run).point_of_no_return for run in begun)


def _end_trouble(walk: Walk) -> None:
    if walk.migration.trouble_since is not None:
        walk.lease.rows().filter(state=Migration.State.RUNNING).update(failure="", failure_detail="")
        walk.lease.rows().update(trouble_since=None)
        states.tell(walk.migration, "The node answers again.", at=walk.now)


def _park_or_back(walk: Walk, failure: str, detail: str) -> float | None:
    """An answer that is no answer: take back what can be taken back, unless that is what failed."""
    migration = walk.refresh()
    if migration.state == Migration.State.RUNNING and migration.point_of_no_return_at is None:
        rollback.begin(walk, failure=failure, detail=detail)
        return 0
    return _park(walk, failure, detail)


def _park(walk: Walk, failure: str, detail: str, *, may_come_back: bool = False) -> float | None:
    walk.park(failure=failure, detail=detail, may_come_back=may_come_back)
    return None


def _next_tick(held: Lease, now: datetime, pause_seconds: float | None) -> datetime | None:
    """Note when the migration is due again; a person's change meanwhile has set its own time and wins."""
    if pause_seconds is None:
        return None
    due = now + timedelta(seconds=pause_seconds)
    with transaction.atomic():
        # A wish was made meanwhile: it set the time itself, and must not wait for what this tick would wait for.
        held.rows().filter(state__in=GOING_ON, wish="").update(next_tick_at=due)
        held.rows().filter(state__in=GOING_ON, next_tick_at__gt=now).exclude(wish="").update(next_tick_at=due)
        held.rows().filter(state=Migration.State.SCHEDULED, next_tick_at__lt=due).update(next_tick_at=due)
    return due


__all__ = ["Announce", "LeaseTaken", "Recipes", "TickResult", "advance"]
