"""Let go what may begin: the next moves of a batch, and those that a closed window has held up."""

from __future__ import annotations

from datetime import datetime

from migrations_app.batches import canaries, line, states, trips
from migrations_app.batches.scene import Scene
from migrations_app.batches.slots import Slots
from migrations_app.batches.summary import ASKS_FOR_A_PLAN
from migrations_app.batches.terms import caps_of
from migrations_app.calendar_rules import calendar
from migrations_app.calendar_rules.calendar import Calendar
from migrations_app.calendar_rules.window import Span
from migrations_app.execution import recorder
from migrations_app.execution import states as migration_states
from migrations_app.execution.lease import next_token
from migrations_app.models import BatchItem, Migration, Node
from migrations_app.strategies import STALE_AFTER_A_WAIT
from migrations_app.usecases.schedule_migration import of_target

WITHIN_A_YEAR = "Waits: within a year there is no window without a freeze period that is long enough."


def release_items(*, scene: Scene) -> datetime | None:
    """Begin all that may, and note what each of the others waits for; return when the next window opens."""
    return _Gate(scene).run()


class _Gate:
    """What stands between a move and its beginning."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._now = scene.now
        self._calendar: Calendar = calendar.of_batch(scene.batch, scene.now)
        self._slots: Slots = trips.slots_now(caps_of(scene.batch), scene.now)
        self._is_canary_out = canaries.still_out(scene.items)
        self._openings: list[datetime] = []

    def run(self) -> datetime | None:
        for item in self._scene.moving():
            if item.migration is not None and line.is_held_up_by_window(item.migration):
                self._go_on(item, item.migration)
        # Those that are already to be told something better wait.
        for item in self._scene.waiting():
            if item.pk not in self._scene.whys:
                self._scene.whys[item.pk] = self._see_to(item)
        return min(self._openings, default=None)

    def _see_to(self, item: BatchItem) -> str:
        """Begin the move, or return what it waits for."""
        if hindrance := self._hindrance(item):
            return hindrance
        if item.migration is None:
            return "Its migration is being written down."
        return self._begin(item, item.migration)

    def _hindrance(self, item: BatchItem) -> str:
        """Return what the move waits for; empty: nothing."""
        if trouble := _trouble(item):
            return trouble
        if earlier := self._scene.waits_for(item):
            return f"Waits for {earlier.container}, which has to move before it."
        if self._is_canary_out and not item.is_canary:
            return "Waits for the canary: the smallest goes alone, and must go well."
        return self._slots.objection(trips.of_item(item)) or self._closed(item)

    def _closed(self, item: BatchItem) -> str:
        span = self._fitting(item)
        if span is None:
            return WITHIN_A_YEAR
        if span.begins <= self._now:
            return ""
        self._openings.append(span.begins)
        return f"Waits for its window, which opens at {span.begins:%Y-%m-%d %H:%M} UTC."

    def _fitting(self, item: BatchItem) -> Span | None:
        nodes, owner_id = (item.source_id, item.target_id), item.container.owner_id
        return self._calendar.fitting(self._now, item.seconds_forecast or 0.0, node_ids=nodes, customer_id=owner_id)

    def _begin(self, item: BatchItem, migration: Migration) -> str:
        """Let it go; return what it waits for instead, where the look at the target finds something."""
        batch = self._scene.batch
        if reasons := of_target(item.container, item.target):
            return f"{ASKS_FOR_A_PLAN}: {reasons[0][1]}"
        span = self._fitting(item)
        migration_states.release(
            migration,
            now=self._now,
            window_ends_at=span.ends if span else None,
            lease_token=max(migration.lease_token, next_token(migration.ctid, self._now)),
            bandwidth_limit_kib=batch.bandwidth_limit_kib,
            freeze_budget_seconds=batch.freeze_budget_seconds,
            fall_back_to_dump=batch.fall_back_to_dump,
            rehearse=batch.rehearse,
        )
        migration_states.tell(migration, f"Let go by the batch {batch}.", at=self._now)
        states.begin(item, now=self._now)
        self._slots.take(trips.of_item(item))
        self._scene.changed = True
        return ""

    def _go_on(self, item: BatchItem, migration: Migration) -> None:
        """Its window closed before it was done; nothing was harmed, so the next one is as good."""
        trip = trips.of_item(item)
        span = self._calendar.span(self._now, node_ids=trip.node_ids, customer_id=trip.customer_id)
        if span is None or span.begins > self._now:
            self._openings += [span.begins] if span else []
            return
        if self._slots.objection(trip):
            return
        try:
            migration_states.unpark(migration, now=self._now, window_ends_at=span.ends)
        except (migration_states.IllegalChange, migration_states.ChangedMeanwhile):
            return  # a person was faster
        recorder.repeat_stale(migration, STALE_AFTER_A_WAIT)
        migration_states.tell(migration, f"Goes on: the window of the batch {self._scene.batch} is open.", at=self._now)
        self._slots.take(trip)
        self._scene.whys[item.pk] = ""


def _trouble(item: BatchItem) -> str:
    """Return why neither of the two nodes is to be used now; empty: both are well."""
    target, source = item.target, item.source
    if target.state != Node.State.READY or target.duty != Node.Duty.IN_SERVICE:
        return f"{ASKS_FOR_A_PLAN}: {_condition(target)}."
    for node in (target, source):
        if node.fault or node.state != Node.State.READY:
            return f"Waits until {node} is well again: {node.fault or _condition(node)}."
    return ""


def _condition(node: Node) -> str:
    if node.state != Node.State.READY:
        return f"{node} is not ready"
    return f"{node} is out of service ({node.get_duty_display().lower()})"
