"""A move to a new address that waits for a second person, carried to where a test wants it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from migrations_app.models import Approval, Migration, Publication
from migrations_app.usecases.advance_names import advance_names
from migrations_app.usecases.decide_approval import decide_approval
from tests.fakes.world import FakeWorld
from tests.moves import ADDRESS, begin_to_new_address, story, tick

SHORT = {"forward_least_seconds": 60, "forward_quiet_seconds": 30}
MOST_TICKS = 3_000


def begin(world: FakeWorld, author: User, **overrides: Any) -> Migration:
    """Order it; one of its files names the old address in two lines."""
    migration = begin_to_new_address(world, "stream", actor=author, **overrides)
    area = world.node("node-1").containers["101"].area
    assert area is not None
    area.texts["etc/app.conf"] = [f"Listen {ADDRESS}:80", f"# was {ADDRESS}"]
    return migration


def carry(
    world: FakeWorld, migration: Migration, until: Callable[[], bool] = lambda: False, **policy: Any
) -> Migration:
    """Carry the migration and its names forward as the worker does, until that holds or nothing more is due."""
    for _ in range(MOST_TICKS):
        if until():
            break
        for pk in Publication.objects.busy().filter(next_look_at__lte=world.clock()).values_list("pk", flat=True):
            advance_names(publication_id=pk, outside=world.outside, settings=settings.OVZ)
        if not tick(world, migration, **SHORT | policy):
            break
    else:
        raise AssertionError(story(migration)[-2000:])
    migration.refresh_from_db()
    return migration


def to_end(world: FakeWorld, migration: Migration) -> Migration:
    """Carry it to its end, without the hours for which an old address is passed on: those are tried elsewhere."""
    Migration.objects.filter(pk=migration.pk).update(forward_released_at=world.clock())
    return carry(world, migration)


def until_asked(world: FakeWorld, migration: Migration, *, after: Approval | None = None) -> Approval:
    """Carry it to the first request, or to the next one after another."""
    rows = Approval.objects.of("migration", migration.pk).filter(state="asked", pk__gt=after.pk if after else 0)
    carry(world, migration, rows.exists)
    assert rows.exists(), story(migration)
    return rows.get()


def until_step(world: FakeWorld, migration: Migration, name: str) -> Migration:
    return carry(world, migration, migration.steps.filter(name=name).exclude(state="pending").exists)


def decide(world: FakeWorld, approval: Approval, actor: User, decision: Any = "approve") -> Approval:
    decide_approval(approval=approval, decision=decision, comment="as discussed", actor=actor, now=world.clock())
    return approval


def wait(world: FakeWorld, migration: Migration, delta: timedelta = timedelta(minutes=5)) -> Migration:
    """Let that much time go by, with ticks; nothing may come of it."""
    end = world.clock() + delta
    return carry(world, migration, lambda: world.clock() >= end)
