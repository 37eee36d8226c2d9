"""Schedule a migration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from migrations_app.addresses import handing_out, new_address
from migrations_app.addresses.handing_out import AddressInUse, PoolUsedUp
from migrations_app.audit import trail
from migrations_app.calendar_rules import freezes
from migrations_app.capacity import moves
from migrations_app.compatibility import turns
from migrations_app.execution import recorder, states
from migrations_app.execution.lease import next_token
from migrations_app.execution.walk import recipe_name
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


class Wishes(TypedDict, total=False):
    """What may be said of a migration beyond whom, where to and how."""

    not_before: datetime | None
    window_ends_at: datetime | None
    bandwidth_limit_kib: int | None
    freeze_budget_seconds: float | None
    fall_back_to_dump: bool
    full_backup: bool
    rehearse: bool
    # It does not begin before it is let go; until then its target may come and go, and no calendar forbids it.
    held: bool
    # Each in the place of the container's present one, in the same order; none: it keeps them.
    # ``auto`` in a place: the next free one of the target's pools, promised to it from then on.
    new_addresses: Sequence[str]
    new_hostname: str
    # The migration that it takes back; what that one gave is what it has now.
    returns: Migration | None


def schedule_migration(
    *,
    container: Container,
    target: Node,
    method: str,
    actor: User | None,
    now: datetime,
    settings: Mapping[str, Any],
    **wishes: Unpack[Wishes],
) -> Migration:
    """Write the plan, tell those concerned, and let the worker begin when the time has come.

    :raises ScheduleRefused: all reasons at once, each with the field it belongs to.
    """
    if unknown := wishes.keys() - Wishes.__annotations__.keys():
        raise TypeError(f"nobody knows the wish {', '.join(sorted(unknown))}")
    migration = Migration(
        container=container, ctid=container.ctid, target_ctid=container.ctid, source=container.node, target=target
    )
    migration.requested_method = migration.method = method
    migration.created_at, migration.created_by = now, actor
    _take_times(migration, wishes, now)
    _take_terms(migration, wishes, settings)
    _take_names(migration, wishes)
    if objections := _objections(migration, now):
        raise ScheduleRefused(objections)
    _write(migration, actor, now, settings)
    return migration


def _take_times(migration: Migration, wishes: Wishes, now: datetime) -> None:
    migration.not_before = wishes.get("not_before") or now
    migration.window_ends_at = wishes.get("window_ends_at")
    migration.next_tick_at = None if wishes.get("held") else migration.not_before


def _take_terms(migration: Migration, wishes: Wishes, settings: Mapping[str, Any]) -> None:
    migration.fall_back_to_dump = wishes.get("fall_back_to_dump", True)
    migration.full_backup = wishes.get("full_backup", False)
    migration.rehearse = wishes.get("rehearse", True)
    migration.bandwidth_limit_kib = wishes.get("bandwidth_limit_kib")
    migration.freeze_budget_seconds = wishes.get("freeze_budget_seconds") or settings["freeze_budget_seconds"]


def _take_names(migration: Migration, wishes: Wishes) -> None:
    """Note its addresses and host name, before and after."""
    container, returns = migration.container, wishes.get("returns")
    migration.returns = returns
    migration.new_addresses = handing_out.spelt_out(list(wishes.get("new_addresses", ())), len(container.addresses))
    if wishes.get("new_addresses"):
        migration.old_addresses = list(returns.new_addresses if returns else container.addresses)
    migration.new_hostname = wishes.get("new_hostname", "")
    if migration.new_hostname:
        migration.old_hostname = _hostname_now(container, returns)


def _objections(migration: Migration, now: datetime) -> Reasons:
    limits = of_limits(migration.freeze_budget_seconds, migration.bandwidth_limit_kib)
    found = [*_of_container(migration), *_of_times(migration, now), *limits, *new_address.objections(migration)]
    if not migration.is_held:
        found += [*of_target(migration.container, migration.target), *_of_freezes(migration, now)]
    return found


def _hostname_now(container: Container, returns: Migration | None) -> str:
    """A scan may not have been since the first move."""
    return returns.new_hostname if returns else container.hostname


def of_target(container: Container, target: Node) -> Reasons:
    """Return why the container cannot go to that node now."""
    if target == container.node:
        return [("target", f"{container} is on {target} already.")]
    if target.state != Node.State.READY:
        return [("target", f"{target} is not ready: {target.get_state_display().lower()}.")]
    if target.duty != Node.Duty.IN_SERVICE:
        words = f"{target} is out of service ({target.get_duty_display().lower()}): choose another node, or"
        return [("target", f"{words} put it back into service on its page first.")]
    if target.containers.filter(ctid=container.ctid, gone_at=None).exists():
        return [("target", f"{target} has another container {container.ctid}.")]
    return []


def _write(migration: Migration, actor: User | None, now: datetime, settings: Mapping[str, Any]) -> None:
    # Of what a batch will do staff have the batch's page; its owners have nothing but the letter.
    staff = () if migration.is_held else settings["staff_mail"]
    try:
        with transaction.atomic():
            migration.lease_token = next_token(migration.ctid, now)
            way_is_free_at = turns.make_way(migration.ctid, now)
            if not migration.is_held:
                migration.next_tick_at = max(migration.not_before, way_is_free_at)
            handing_out.choose(migration)
            migration.save(force_insert=True)
            handing_out.reserve(migration, now)
            recorder.write_plan(migration, RECIPES[recipe_name(migration.method, migration)])
            moves.foretell(migration, now).save(force_insert=True)
            states.tell(migration, f"Scheduled: {migration}.", at=now)
            outbox.put(migration, "scheduled", now=now, staff_addresses=staff)
            addresses = {"new_addresses": migration.new_addresses} if migration.new_addresses else {}
            trail.record("schedule", str(migration), actor=actor, now=now, method=migration.method, **addresses)
    except (AddressInUse, PoolUsedUp) as refusal:
        raise ScheduleRefused([(new_address.FIELD, str(refusal))]) from refusal
    except IntegrityError as cause:
        # Asked at the same moment from another window: the database lets one in.
        raise ScheduleRefused([("container", _busy(migration.container))]) from cause


def _of_container(migration: Migration) -> Reasons:
    container = migration.container
    reasons: Reasons = []
    if container.gone_at is not None:
        reasons.append(("container", f"{container} was not seen on {container.node} at the last scan."))
    elif container.migrations.acting().exists():
        reasons.append(("container", _busy(container)))
    if container.pinned:
        why = f" ({container.pin_reason})" if container.pin_reason else ""
        reasons.append(("container", f"{container} is pinned to {container.node}{why}: unpin it on its page first."))
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


def _of_freezes(migration: Migration, now: datetime) -> Reasons:
    """A start inside a freeze period; each one that forbids it is named with its end."""
    begin, nodes = max(migration.not_before, now), (migration.source_id, migration.target_id)
    owner_id = migration.container.owner_id
    holding = freezes.holding(freezes.not_over(now), begin, node_ids=nodes, customer_id=owner_id)
    return [
        (
            "not_before",
            f"{begin:%Y-%m-%d %H:%M} UTC is in the freeze period {one.name}: "
            f"begin after {one.ends_at:%Y-%m-%d %H:%M} UTC, or remove that period.",
        )
        for one in holding
    ]


def of_limits(freeze_budget_seconds: float, bandwidth_limit_kib: int | None) -> Reasons:
    """Return what is wrong with a freeze budget and a bandwidth cap."""
    reasons: Reasons = []
    least, most = FREEZE_BUDGET_SECONDS
    if not least <= freeze_budget_seconds <= most:
        reasons.append(("freeze_budget_seconds", f"Give {least} to {most:.0f} seconds."))
    if bandwidth_limit_kib is not None:
        slowest, fastest = BANDWIDTH_KIB
        if not slowest <= bandwidth_limit_kib <= fastest:
            reasons.append(("bandwidth_limit_kib", f"Give {slowest} to {fastest} KiB per second."))
    return reasons


def _busy(container: Container) -> str:
    return f"{container} has a migration that has not ended; look at that one first."
