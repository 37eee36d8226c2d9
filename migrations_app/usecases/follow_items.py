"""See what came of the moves of a batch that were let go, and of those that wait."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrations_app.audit import trail
from migrations_app.batches import canaries, line, states
from migrations_app.batches.line import Stop
from migrations_app.batches.scene import Scene
from migrations_app.capacity import reserve
from migrations_app.models import Batch, BatchItem
from migrations_app.usecases.drop_item import drop_item

State = BatchItem.State


def follow_items(*, scene: Scene, settings: Mapping[str, Any]) -> None:
    """Fold in what ended, drop what the world has overtaken, and stop the line where the others are not safe."""
    for item in scene.moving():
        _fold_in(scene, item)
    if scene.batch.state not in Batch.ACTIVE_STATES:
        return
    for item in list(scene.first_hops()):
        if why := _overtaken(item):
            _drop(scene, item, why)
    if scene.batch.state == Batch.State.RUNNING:
        _drop_what_lost_its_predecessor(scene)
        _look_at_reserves(scene, settings)
        for item in canaries.choose(scene.items, scene.batch.canaries):
            states.make_canary(item)


def _fold_in(scene: Scene, item: BatchItem) -> None:
    if item.migration is None:
        states.end_item(item, State.FAILED, why="Its migration is no longer known.")
        return
    verdict = line.judge(item.migration, freeze_budget_seconds=scene.batch.freeze_budget_seconds)
    is_news = (verdict.state, verdict.why) != (item.state, item.why)
    if verdict.state != State.MOVING:
        states.end_item(item, verdict.state, why=verdict.why)
        scene.changed = True
    else:
        scene.whys[item.pk] = verdict.why
    if verdict.stop is not None and is_news:
        _stop(scene, verdict.stop)


def _stop(scene: Scene, stop: Stop) -> None:
    if states.stop_the_line(scene.batch, failure=stop.failure, detail=stop.detail):
        trail.record(
            "stop_line", str(scene.batch), actor=None, now=scene.now, failure=stop.failure, detail=stop.detail[:500]
        )


def _overtaken(item: BatchItem) -> str:
    """Return why the move cannot be made any more, as the container is now; empty: it can."""
    container, migration = item.container, item.migration
    if migration is not None and not migration.is_held:
        return f"Its migration was called off: {migration.failure_detail}"
    if container.gone_at is not None:
        return f"{container} was not seen on {container.node} at the last scan."
    if container.node_id != item.source_id:
        return f"{container} is on {container.node} now, not on {item.source}: somebody moved it meanwhile."
    if container.pinned:
        return f"{container} was pinned to {container.node} meanwhile: {container.pin_reason or 'no reason was given'}."
    return ""


def _drop(scene: Scene, item: BatchItem, why: str) -> None:
    drop_item(item=item, why=why, now=scene.now)
    scene.changed = True


def _drop_what_lost_its_predecessor(scene: Scene) -> None:
    """A move for which room was to be made, and was not; in their order, so that who waits for it goes with it."""
    for item in scene.waiting():
        if lost := scene.lost_before(item):
            _drop(scene, item, f"{lost.container} was to move before it, and did not ({lost.get_state_display()}).")


def _look_at_reserves(scene: Scene, settings: Mapping[str, Any]) -> None:
    """A target that is fuller than it may be: the plan was made of numbers that no longer hold."""
    open_items = [*scene.waiting(), *scene.moving()]
    targets = {item.target_id: item.target for item in open_items}
    over = reserve.used_up(list(targets.values()), settings)
    waits = [item for item in scene.waiting() if item.target_id in over]
    news = [item for item in waits if item.why != _reserve_words(item, over)]
    scene.whys |= {item.pk: _reserve_words(item, over) for item in waits}
    if news:
        told = dict.fromkeys(_reserve_detail(item, over) for item in news)
        _stop(scene, Stop(failure="ReserveUsedUp", detail=" ".join(told)))


Over = Mapping[int, Mapping[str, tuple[float, float]]]


def _reserve_words(item: BatchItem, over: Over) -> str:
    """The same words as long as the same is wrong: they tell at the next look that a person has seen it."""
    return f"Waits until {item.target} has its reserve again: {' and '.join(over[item.target_id])}."


def _reserve_detail(item: BatchItem, over: Over) -> str:
    parts = [f"{name} is {used:.0%} full of at most {may:.0%}" for name, (used, may) in over[item.target_id].items()]
    return f"On {item.target} {' and '.join(parts)}."
