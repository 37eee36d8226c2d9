"""A migration's own difference is published by the migration, with a second person's yes, and by nobody else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from migrations_app.models import Approval, AuditLine, Migration, Publication
from migrations_app.usecases.answer_parked import answer_parked
from migrations_app.usecases.ask_approval import ask_approval
from migrations_app.usecases.decide_approval import DecisionRefused
from migrations_app.usecases.find_subject import find_subject
from migrations_app.usecases.lift_objections import lift_objections
from migrations_app.usecases.plan_ttls import plan_ttls
from migrations_app.usecases.publish_names import publish_names
from migrations_app.usecases.undo_names import undo_names
from migrations_app.zones.held import HeldByMigration
from migrations_app.zones.publications import NotLiftable
from tests.approvals.moving import begin, carry, decide, to_end, until_asked, until_step
from tests.fakes.world import FakeWorld
from tests.moves import ADDRESS, NEW_ADDRESS, story
from tests.zones.rig import Names, make_names

pytestmark = pytest.mark.django_db
Kind = Publication.Kind
LITTLE = {"zone_share_percent": 5}


@pytest.fixture
def world() -> FakeWorld:
    world = FakeWorld(nodes=1)
    world.clients_write = False
    return world


@pytest.fixture
def names(world: FakeWorld) -> Names:
    return make_names(world)


@pytest.fixture
def migration(world: FakeWorld, names: Names, ada: User) -> Migration:
    return begin(world, ada)


def difference(kind: Kind = Kind.SWITCH) -> Publication:
    return Publication.objects.filter(kind=kind).latest("pk")


def try_everything(row: Publication, actor: User, now: datetime) -> list[Callable[[], object]]:
    return [
        lambda: publish_names(publication=row, digest=row.digest, is_forced=True, actor=actor, now=now),
        lambda: undo_names(publication=row, actor=actor, now=now),
        lambda: plan_ttls(of=row, kind=Kind.LOWER, actor=actor, now=now),
        lambda: plan_ttls(of=row, kind=Kind.RESTORE, actor=actor, now=now),
    ]


def assert_held(row: Publication, actor: User, now: datetime) -> None:
    before = Publication.objects.values_list("pk", "state").order_by("pk")
    stood = list(before)
    for act in try_everything(row, actor, now):
        with pytest.raises(HeldByMigration, match=f"belongs to m{row.migration_id}: .* when its time has come"):
            act()
    assert list(before.all()) == stood


def again(world: FakeWorld, migration: Migration, actor: User) -> None:
    answer_parked(migration=migration, answer="retry", actor=actor, now=world.clock())


def lift(world: FakeWorld, row: Publication, actor: User) -> None:
    lift_objections(publication=row, digest=row.digest, actor=actor, now=world.clock())


def test_nobody_publishes_undoes_or_lowers_it_by_hand_before_the_yes_or_after_a_no(
    world: FakeWorld, names: Names, migration: Migration, ada: User, boris: User
) -> None:
    approval = until_asked(world, migration)
    assert_held(difference(), ada, world.clock())
    decide(world, approval, boris, "reject")
    migration = carry(world, migration)
    assert migration.failure == "ApprovalRejected"
    assert_held(difference(), ada, world.clock())
    assert names.values("shop.example.net.", "A") == (ADDRESS,)


def test_nor_in_the_middle_of_the_cutover_but_again_once_it_has_ended(
    world: FakeWorld, names: Names, migration: Migration, ada: User, boris: User
) -> None:
    decide(world, until_asked(world, migration), boris)
    until_step(world, migration, "freeze")
    assert_held(difference(), ada, world.clock())
    assert_held(difference(Kind.LOWER), ada, world.clock())
    until_step(world, migration, "stay_until_quiet")
    assert_held(difference(), ada, world.clock())
    assert to_end(world, migration).state == Migration.State.DONE, story(migration)
    undo_names(publication=difference(), actor=ada, now=world.clock())
    assert names.settle(difference()).state == Publication.State.UNDONE


def test_a_difference_that_was_void_before_the_freeze_stays_the_migrations(
    world: FakeWorld, names: Names, migration: Migration, ada: User, boris: User
) -> None:
    """Who sets the record back could publish it else: it was never spent."""
    first = decide(world, until_asked(world, migration), boris)
    old = difference()
    until_step(world, migration, "delta")
    names.forward.put("shop.example.net.", "A", 60, "192.0.2.77")
    until_asked(world, migration, after=first)
    names.forward.put("shop.example.net.", "A", 60, ADDRESS)
    old.refresh_from_db()
    assert difference() != old
    assert_held(old, ada, world.clock())


def test_lifted_objections_are_told_to_the_second_person_and_the_move_goes_to_its_end(
    world: FakeWorld, names: Names, migration: Migration, ada: User, boris: User, settings
) -> None:
    settings.OVZ = settings.OVZ | LITTLE
    migration = carry(world, migration)
    assert (migration.state, migration.failure) == (Migration.State.PARKED, "NamesRefused")
    lift(world, difference(), ada)
    assert names.values("shop.example.net.", "A") == (ADDRESS,), "it only marks"
    again(world, migration, boris)
    approval = until_asked(world, migration)
    (told,) = approval.content["objections_lifted"]
    assert told["name"] == "TooManyChanges"
    assert "3 of 19" in told["text"]
    line = AuditLine.objects.get(verb="lift_objections")
    assert (line.actor, line.detail["difference"]) == (ada, str(difference()))
    assert "3 of 19" in line.detail["after"][0]
    decide(world, approval, boris)
    migration = to_end(world, migration)
    assert migration.state == Migration.State.DONE, story(migration)
    assert names.values("shop.example.net.", "A") == (NEW_ADDRESS,)
    assert names.forward.rrsets["shop.example.net.", "A"].ttl == 3600


def test_whoever_lifts_has_a_part_in_it_and_cannot_say_yes(
    world: FakeWorld, migration: Migration, boris: User, settings
) -> None:
    settings.OVZ = settings.OVZ | LITTLE
    migration = carry(world, migration)
    lift(world, difference(), boris)
    again(world, migration, boris)
    with pytest.raises(DecisionRefused) as refusal:
        decide(world, until_asked(world, migration), boris)
    assert [objection.id for objection in refusal.value.objections] == ["own"]


def test_lifting_after_the_yes_voids_it(
    world: FakeWorld, names: Names, migration: Migration, ada: User, boris: User, settings
) -> None:
    """A record changed in the moment of the switch: the difference as it is now has objections of its own."""
    decide(world, until_asked(world, migration), boris)
    until_step(world, migration, "switch_names")
    names.forward.put("shop.example.net.", "A", 60, "192.0.2.77")
    settings.OVZ = settings.OVZ | LITTLE
    migration = carry(world, migration)
    again(world, migration, boris)
    migration = carry(world, migration)
    assert migration.failure == "NamesRefused", story(migration)
    subject = find_subject(kind="migration", subject_id=migration.pk)
    assert subject is not None
    given = ask_approval(subject=subject, actor=ada, now=world.clock(), settings=settings.OVZ)
    decide(world, given, boris)
    lift(world, difference(), ada)
    given.refresh_from_db()
    assert (given.state, given.ended_because) == (Approval.State.VOID, "objections were lifted")
    again(world, migration, ada)
    second = until_asked(world, migration, after=given)
    assert second.content["objections_lifted"]
    assert ADDRESS in names.values("pool.example.net.", "A")
    decide(world, second, boris)
    assert to_end(world, migration).state == Migration.State.DONE, story(migration)
    assert NEW_ADDRESS in names.values("pool.example.net.", "A")


def test_nothing_is_lifted_where_nothing_stands_or_another_difference_was_shown(
    world: FakeWorld, names: Names, migration: Migration, ada: User
) -> None:
    until_asked(world, migration)
    row = difference()
    with pytest.raises(NotLiftable, match="nothing to lift"):
        lift(world, row, ada)
    with pytest.raises(NotLiftable, match="not the difference that was shown"):
        lift_objections(publication=row, digest="0" * 64, actor=ada, now=world.clock())
    with pytest.raises(NotLiftable, match="no migration under way"):
        lift(world, names.ask(), ada)


def test_the_page_offers_to_lift_and_nothing_that_goes_around_the_second_person(
    world: FakeWorld, migration: Migration, ada: User, client: Client, settings
) -> None:
    settings.OVZ = settings.OVZ | LITTLE
    carry(world, migration)
    row = difference()
    client.force_login(ada)
    body = client.get(reverse("difference", args=[row.pk])).content.decode()
    assert reverse("difference-lift", args=[row.pk]) in body
    for name in ("publish", "lower", "undo", "again"):
        assert reverse(f"difference-{name}", args=[row.pk]) not in body
    answer = client.post(
        reverse("difference-publish", args=[row.pk]), {"digest": row.digest, "force": "yes"}, follow=True
    )
    assert "publishes it when its time has come" in answer.content.decode()
    client.post(reverse("difference-lift", args=[row.pk]), {"digest": row.digest})
    row.refresh_from_db()
    assert (row.state, row.is_forced) == (Publication.State.READY, True)


def test_a_difference_beside_it_does_not_go_around_its_yes(world: FakeWorld, migration: Migration, ada: User) -> None:
    """Asked for by hand, with the same addresses: nobody would have approved it."""
    until_asked(world, migration)
    own = difference()
    beside = Publication.objects.create(
        pairs=own.pairs, plan=own.plan, digest=own.digest, state=Publication.State.READY, created_at=world.clock()
    )
    for attempt in try_everything(beside, ada, world.clock()):
        with pytest.raises(HeldByMigration, match="changes these addresses with a difference of its own"):
            attempt()
