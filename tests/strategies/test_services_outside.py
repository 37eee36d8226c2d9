"""Services are what they were: looked at before, compared after, and a person asked where nothing explains it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.contrib.auth.models import User

from migrations_app.models import AuditLine, Migration, SeenService, ZoneContent
from migrations_app.ports.probe import Certificate, Face
from migrations_app.strategies.steps import start_target
from migrations_app.usecases.accept_services import NothingToAccept, accept_services
from migrations_app.usecases.answer_parked import answer_parked
from tests.factories import make_name_server, make_zone
from tests.fakes.world import FakeWorld
from tests.moves import ADDRESS, NEW_ADDRESS, begin, begin_to_new_address, run_to_end, story

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_person_is_enough")]
SHOP = ("http", Face(name="", status=200, title="Shop"))
EMPTY = ("http", Face(name="", status=200, title="It works!"))
SHORT = {"forward_least_seconds": 60, "forward_quiet_seconds": 40}


def show(world: FakeWorld, node: str, kind_and_face: tuple[str, Face]) -> None:
    area = world.node(node).containers["101"].area
    assert area is not None
    area.shown[80] = kind_and_face


def when_it_runs_on(world: FakeWorld, node: str, happens: Callable[[], None]) -> None:
    """Let something happen as soon as the copy on this node runs."""
    copy = world.node(node).containers.get("101")
    if copy is not None and copy.state == "running":
        happens()
    else:
        world.later(0.01, lambda: when_it_runs_on(world, node, happens))


def begin_shop(world: FakeWorld, method: str) -> Migration:
    migration = begin(world, method)
    show(world, "node-1", SHOP)
    return migration


def parked(world: FakeWorld, method: str = "stream") -> Migration:
    """Move a shop that shows an empty page as soon as it runs on the target."""
    migration = begin_shop(world, method)
    when_it_runs_on(world, "node-2", lambda: show(world, "node-2", EMPTY))
    return run_to_end(world, migration)


@pytest.mark.parametrize("method", ["live", "dump", "stream"])
def test_it_keeps_what_was_seen_before_and_after(world: FakeWorld, method: str) -> None:
    migration = begin_shop(world, method)
    assert run_to_end(world, migration).state == Migration.State.DONE
    row = SeenService.objects.get()
    assert (row.address, row.port, row.contrasts) == (ADDRESS, 80, [])
    assert row.before["faces"][0] == row.after["faces"][0]
    assert row.before["faces"][0]["title"] == "Shop"


@pytest.mark.parametrize("method", ["live", "stream"])
def test_it_asks_a_person_before_the_fence_where_a_service_is_another(world: FakeWorld, method: str) -> None:
    migration = parked(world, method)
    assert (migration.state, migration.failure) == (Migration.State.PARKED, "ServicesDiffer")
    assert "title was 'Shop', is 'It works!'" in migration.failure_detail
    assert "101" not in world.node("node-1").fences


def test_it_goes_on_by_itself_when_the_service_comes_to_its_senses(world: FakeWorld) -> None:
    """Applications that start late show an error first."""
    migration = begin_shop(world, "stream")

    def fails_for_a_while() -> None:
        show(world, "node-2", ("http", replace(SHOP[1], status=503)))
        world.later(40, lambda: show(world, "node-2", SHOP))

    when_it_runs_on(world, "node-2", fails_for_a_while)
    assert run_to_end(world, migration).state == Migration.State.DONE, story(migration)
    assert SeenService.objects.get().contrasts == []


def test_a_person_may_find_it_in_order(world: FakeWorld, ada: User) -> None:
    migration = parked(world)
    accept_services(migration=migration, actor=ada, now=world.clock())
    assert run_to_end(world, migration).state == Migration.State.DONE, story(migration)
    line = AuditLine.objects.get(verb="accept_services")
    assert line.actor == ada
    assert line.detail["contrasts"][0]["after"] == "It works!"
    assert world.node("node-1").fences["101"].state == "kept"


def test_what_was_accepted_covers_nothing_else(world: FakeWorld, ada: User) -> None:
    migration = parked(world)
    accept_services(migration=migration, actor=ada, now=world.clock())
    show(world, "node-2", ("http", Face(name="", status=500, title="It works!")))
    run_to_end(world, migration)
    assert (migration.state, migration.failure) == (Migration.State.PARKED, "ServicesDiffer")
    assert "status was '200', is '500'" in migration.failure_detail
    assert "title" not in migration.failure_detail


@pytest.mark.parametrize(
    ("accepted", "later", "state"),
    [
        ("It works!", "Index of /", Migration.State.PARKED),
        ("Welcome to another machine", "Welcome to a third", Migration.State.PARKED),
        ("Inbox (3)", "Inbox (12)", Migration.State.DONE),
    ],
)
def test_what_is_seen_later_must_be_what_was_accepted(
    world: FakeWorld, ada: User, accepted: str, later: str, state: Migration.State
) -> None:
    migration = begin_shop(world, "stream")
    when_it_runs_on(world, "node-2", lambda: show(world, "node-2", ("http", replace(SHOP[1], title=accepted))))
    run_to_end(world, migration)
    accept_services(migration=migration, actor=ada, now=world.clock())
    show(world, "node-2", ("http", replace(SHOP[1], title=later)))
    assert run_to_end(world, migration).state == state, story(migration)


def test_a_certificate_accepted_is_that_one(world: FakeWorld, ada: User) -> None:
    def shows(mark: str) -> tuple[str, Face]:
        certificate = Certificate(fingerprint="a" * 16 + mark * 48, not_after="", names=())
        return "https", Face(name="", status=200, title="Shop", certificate=certificate)

    migration = begin_shop(world, "stream")
    show(world, "node-1", shows("1"))
    when_it_runs_on(world, "node-2", lambda: show(world, "node-2", shows("2")))
    run_to_end(world, migration)
    accept_services(migration=migration, actor=ada, now=world.clock())
    show(world, "node-2", shows("3"))
    run_to_end(world, migration)
    assert (migration.state, migration.failure) == (Migration.State.PARKED, "ServicesDiffer")


def parked_over_silence(world: FakeWorld, method: str) -> Migration:
    """Move a shop whose owner shuts the port of his mail as soon as the container has moved."""
    migration = begin_shop(world, method)
    world.node("node-1").containers["101"].ports = (25, 80)
    world.later(1, lambda: open_in_the_copy(world))
    when_it_runs_on(world, "node-2", lambda: shut(world, 25))
    return run_to_end(world, migration)


def open_in_the_copy(world: FakeWorld) -> None:
    """Have the copy's services listen as soon as it is there."""
    if (copy := world.node("node-2").containers.get("101")) is not None:
        copy.ports = (25, 80)
    else:
        world.later(0.01, lambda: open_in_the_copy(world))


def shut(world: FakeWorld, *ports: int) -> None:
    world.node("node-2").containers["101"].shut = ports


@pytest.mark.parametrize("method", ["live", "stream"])
def test_a_person_may_find_silence_in_order(world: FakeWorld, ada: User, method: str) -> None:
    """Else nothing would help: its owner has closed the port, and the old copy would never be fenced."""
    migration = parked_over_silence(world, method)
    assert (migration.state, migration.failure) == (Migration.State.PARKED, "ServicesDoNotAnswer")
    assert f"{ADDRESS}:25: Connection refused" in migration.failure_detail
    accept_services(migration=migration, actor=ada, now=world.clock())
    assert run_to_end(world, migration).state == Migration.State.DONE, story(migration)
    (contrast,) = AuditLine.objects.get(verb="accept_services").detail["contrasts"]
    assert (contrast["place"], contrast["aspect"]) == (f"{ADDRESS}:25", "answers")
    assert world.node("node-1").fences["101"].state == "kept"


def test_silence_of_one_service_accepted_is_not_that_of_another(world: FakeWorld, ada: User) -> None:
    migration = parked_over_silence(world, "stream")
    accept_services(migration=migration, actor=ada, now=world.clock())
    shut(world, 25, 80)
    run_to_end(world, migration)
    assert (migration.state, migration.failure) == (Migration.State.PARKED, "ServicesDoNotAnswer")
    assert f"{ADDRESS}:80" in migration.failure_detail
    assert f"{ADDRESS}:25" not in migration.failure_detail


def test_what_nobody_looked_at_closer_may_be_silent_by_a_word_too(world: FakeWorld, ada: User) -> None:
    migration = parked_over_silence(world, "stream")
    SeenService.objects.filter(port=25).delete()
    answer_parked(migration=migration, answer="retry", actor=ada, now=world.clock())
    assert run_to_end(world, migration).failure == "ServicesDoNotAnswer"
    accept_services(migration=migration, actor=ada, now=world.clock())
    assert run_to_end(world, migration).state == Migration.State.DONE, story(migration)


def test_ports_that_do_not_open_in_the_copy_are_nothing_to_accept(
    world: FakeWorld, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failure has the same name, and comes before the point of no return: the source runs again."""
    monkeypatch.setattr(start_target, "LONGEST_START_SECONDS", 2)
    migration = begin_shop(world, "stream")

    def does_not_open() -> None:
        world.node("node-2").containers["101"].ports = ()

    when_it_runs_on(world, "node-2", does_not_open)
    run_to_end(world, migration)
    assert (migration.failure, migration.point_of_no_return_at) == ("ServicesDoNotAnswer", None)
    assert world.node("node-1").containers["101"].state == "running"
    with pytest.raises(NothingToAccept):
        accept_services(migration=migration, actor=ada, now=world.clock())


def test_it_is_tried_again_by_a_person(world: FakeWorld, ada: User) -> None:
    """Afterwards nothing of what it shows now is taken for what it showed before."""
    migration = parked(world, "live")
    answer_parked(migration=migration, answer="retry", actor=ada, now=world.clock())
    run_to_end(world, migration)
    assert (migration.state, migration.failure) == (Migration.State.PARKED, "ServicesDiffer")
    show(world, "node-2", SHOP)
    answer_parked(migration=migration, answer="retry", actor=ada, now=world.clock())
    assert run_to_end(world, migration).state == Migration.State.DONE, story(migration)


def test_nothing_is_accepted_that_does_not_wait(world: FakeWorld, ada: User) -> None:
    migration = run_to_end(world, begin(world, "stream"))
    with pytest.raises(NothingToAccept):
        accept_services(migration=migration, actor=ada, now=world.clock())
    assert not AuditLine.objects.filter(verb="accept_services").exists()


def test_a_greeting_with_the_new_address_is_explained(world: FakeWorld) -> None:
    def greets_with(address: str) -> tuple[str, Face]:
        return "ftp", Face(name="", banner=f"220 ProFTPD [{address}]")

    migration = begin_to_new_address(world, "stream")
    show(world, "node-1", greets_with(ADDRESS))
    world.later(60, world.node("node-1").clients_know.clear)

    when_it_runs_on(world, "node-far", lambda: show(world, "node-far", greets_with(NEW_ADDRESS)))
    assert run_to_end(world, migration, **SHORT).state == Migration.State.DONE, story(migration)
    contrasts = SeenService.objects.get().contrasts
    assert {one["place"] for one in contrasts} == {f"{ADDRESS}:80", f"{NEW_ADDRESS}:80"}
    assert all("in the place of what was old" in one["explanation"] for one in contrasts)


def test_it_asks_by_the_names_that_our_zones_know(world: FakeWorld) -> None:
    zone = make_zone(primary=make_name_server())
    rrsets = [
        ["shop.example.net.", "A", 300, [ADDRESS, "192.0.2.250"]],
        ["*.example.net.", "A", 300, [ADDRESS]],
        ["other.example.net.", "A", 300, ["192.0.2.102"]],
        ["text.example.net.", "TXT", 300, [ADDRESS]],
    ]
    ZoneContent.objects.create(zone=zone, rrsets=rrsets)
    run_to_end(world, begin_shop(world, "stream"))
    faces = SeenService.objects.get().before["faces"]
    assert [face["name"] for face in faces] == ["ct101.example.net", "shop.example.net"]
