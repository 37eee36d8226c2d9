"""Look after an old address that no step looks after: its migration waits for a person, or its container comes home."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from migrations_app.execution import context, forwards, lease, states
from migrations_app.execution.lease import Lease, LeaseTaken
from migrations_app.execution.outside import Outside
from migrations_app.execution.second_person import NOBODY
from migrations_app.execution.step import StepContext
from migrations_app.models import Forward, Migration
from migrations_app.ports.shell import ShellError
from migrations_app.strategies.steps import passing_on
from migrations_app.vz.facts import FactUnreadable
from migrations_app.vz.gate import GateError

log = logging.getLogger(__name__)


def keep_passing_on(*, forward_id: int, outside: Outside, settings: Mapping[str, Any]) -> None:
    """Mend what a node has lost, and note who comes; a node that cannot be asked is asked again at the next look."""
    row = Forward.objects.open().filter(pk=forward_id).first()
    if row is None:
        return
    forwards.look_later(row, outside.clock())
    migration = Migration.objects.get(pk=row.handed_to_id or row.migration_id)
    if migration.is_frozen and migration.state != Migration.State.PARKED:
        return  # the container stands still, and its next tick must not find the lease taken
    try:
        with lease.held(migration.pk) as held:
            _look(held, outside, settings)
    except LeaseTaken:
        log.info("m%s: somebody acts on it: %s is looked after later", migration.pk, row.old)
    except (ShellError, FactUnreadable, GateError) as trouble:
        log.warning("m%s: %s could not be looked after: %s", migration.pk, row.old, trouble)


def _look(held: Lease, outside: Outside, settings: Mapping[str, Any]) -> None:
    ctx = _context(held, outside, settings)
    refused = passing_on.look_after(ctx) if ctx else None
    if refused:
        log.warning("m%s: an old address cannot be passed on: %s", held.migration_id, refused.reason)


def _context(held: Lease, outside: Outside, settings: Mapping[str, Any]) -> StepContext | None:
    migration = Migration.objects.select_related("container", "source", "target").get(pk=held.migration_id)
    run = states.unfinished(migration)
    if run is None:
        return None
    return context.of(migration, run, token=held.token, outside=outside, settings=settings, second_person=NOBODY)
