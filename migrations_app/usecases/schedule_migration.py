"""Schedule a migration."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from migrations_app.audit import trail
from migrations_app.capacity import moves
from migrations_app.compatibility import turns
from migrations_app.execution import recorder, states
from migrations_app.execution.lease import next_token
from migrations_app.models import Container, Migration, Node
from migrations_app.notices import outbox
from migrations_app.strategies import RECIPES

LONGEST_AHEAD = timedelta(days=366)
SHORTEST_WINDOW = timedelta(minutes=5)
FREEZE_BUDGET_SECONDS = (0.1, 3600.0)
BANDWIDTH_KIB = (64, 100_000_000)

Reasons = list[tuple[str, str]]


class ScheduleRefused(Exception):
    """The migration was not scheduled; ``objections`` are pairs of field name and reason."""

    def __init__(self, objections: Reasons) -> None:
        super().__init__(" ".join(reason for _, reason in objections))
        self.objections = objections


def schedule_migration(
    *,
    container: Container,
    target: Node,
    method: str,
    actor: User | None,
    now: datetime,
    settings: Mapping[str, Any],
    not_before: datetime | None = None,
    window_ends_at: datetime | None = None,
    bandwidth_limit_kib: int | None = None,
    freeze_budget_seconds: float | None = None,
    fall_back_to_dump: bool = True,
    full_backup: bool = False,
    rehearse: bool = True,
) -> Migration:
    """Write the plan, tell those concerned, and let the worker begin when the time has come.

    :raises ScheduleRefused: all reasons at once, each with the field it belongs to.
    """
    migration = Migration(
        container=container,
        ctid=container.ctid,
        target_ctid=container.ctid,
        source=container.node,
        target=target,
        requested_method=method,
        method=method,
        fall_back_to_dump=fall_back_to_dump,
        full_backup=full_backup,
        rehearse=rehearse,
        bandwidth_limit_kib=bandwidth_limit_kib,
        freeze_budget_seconds=freeze_budget_seconds or settings["freeze_budget_seconds"],
        not_before=not_before or now,
        window_ends_at=window_ends_at,
        created_at=now,
        created_by=actor,
    )
    if objections := [*_of_places(migration), *_of_times(migration, now), *_of_limits(migration)]:
        raise ScheduleRefused(objections)
    _write(migration, actor, now, settings)
    return migration


def _write(migration: Migration, actor: User | None, now: datetime, settings: Mapping[str, Any]) -> None:
    try:
        with transaction.atomic():
            migration.lease_token = next_token(migration.ctid, now)
            migration.next_tick_at = max(migration.not_before, turns.make_way(migration.ctid, now))
            migration.save(force_insert=True)
            recorder.write_plan(migration, RECIPES[migration.method])
            moves.foretell(migration, now).save(force_insert=True)
            states.tell(migration, f"Scheduled: {migration}.", at=now)
            outbox.put(migration, "scheduled", now=now, staff_addresses=settings["staff_mail"])
            trail.record("schedule", str(migration), actor=actor, now=now, method=migration.method)
    except IntegrityError as cause:
        # Asked at the same moment from another window: the database lets one in.
        raise ScheduleRefused([("container", _busy(migration.container))]) from cause


def _of_places(migration: Migration) -> Reasons:
    container, target = migration.container, migration.target
    reasons: Reasons = []
    if container.gone_at is not None:
        reasons.append(("container", f"{container} was not seen on {container.node} at the last scan."))
    elif container.migrations.acting().exists():
        reasons.append(("container", _busy(container)))
    if target == container.node:
        reasons.append(("target", f"{container} is on {target} already."))
    elif target.state != Node.State.READY:
        reasons.append(("target", f"{target} is not ready: {target.get_state_display().lower()}."))
    elif target.containers.filter(ctid=migration.target_ctid, gone_at=None).exists():
        reasons.append(("target", f"{target} has another container {migration.target_ctid}."))
    if container.node.state != Node.State.READY:
        reasons.append(("container", f"Its node {container.node} is not ready."))
    if migration.method not in Migration.Method.values:
        reasons.append(("method", "Choose live, dump, stream or auto."))
    elif migration.method == Migration.Method.LIVE and container.status != Container.Status.RUNNING:
        reasons.append(("method", f"{container} is {container.status}: only a running container can move live."))
    return reasons


def _of_times(migration: Migration, now: datetime) -> Reasons:
    begin, end = migration.not_before, migration.window_ends_at
    reasons: Reasons = []
    if begin < now - timedelta(minutes=1):
        reasons.append(("not_before", f"{begin:%Y-%m-%d %H:%M} UTC has passed."))
    if begin > now + LONGEST_AHEAD:
        reasons.append(("not_before", "More than a year ahead is too far."))
    if end is not None and end < max(begin, now) + SHORTEST_WINDOW:
        reasons.append(("window_ends_at", "The window must be at least five minutes long and end in the future."))
    return reasons


def _of_limits(migration: Migration) -> Reasons:
    reasons: Reasons = []
    least, most = FREEZE_BUDGET_SECONDS
    if not least <= migration.freeze_budget_seconds <= most:
        reasons.append(("freeze_budget_seconds", f"Give {least} to {most:.0f} seconds."))
    if migration.bandwidth_limit_kib is not None:
        slowest, fastest = BANDWIDTH_KIB
        if not slowest <= migration.bandwidth_limit_kib <= fastest:
            reasons.append(("bandwidth_limit_kib", f"Give {slowest} to {fastest} KiB per second."))
    return reasons


def _busy(container: Container) -> str:
    return f"{container} has a migration that has not ended; look at that one first."
