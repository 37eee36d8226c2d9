"""One check of one pair: what it says, what it leaves, and whom it lets go first."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.execution.lease import next_token
from migrations_app.models import Migration, PairCheck
from migrations_app.ports.shell import NodeUnreachable, ReplyLost
from migrations_app.usecases.check_pair import check_pair
from migrations_app.usecases.request_check import CheckRefused, request_check
from migrations_app.usecases.schedule_migration import schedule_migration
from tests import moves
from tests.factories import make_container, make_migration, make_node
from tests.fakes.world import FakeWorld, SimulatedKill
from tests.usecases.checking import (
    ADDRESS,
    assert_nothing_is_left,
    begin,
    checked,
    put_in_line,
    run_to_end,
    set_up,
    tick,
)

pytestmark = pytest.mark.django_db

State = PairCheck.State


def ids(check: PairCheck) -> list[str]:
    return [cause["id"] for cause in check.causes if cause["severity"] == "blocker"]


def test_it_says_possible_and_leaves_nothing(world: FakeWorld) -> None:
    source, target, container = set_up(world)
    before = world.node("node-1").containers["101"]
    check = checked(world, source, target)
    assert (check.verdict, check.state, ids(check)) == ("possible", State.ENDED, [])
    assert (check.container, check.ctid) == (container, "101")
    assert_nothing_is_left(world)
    assert world.node("node-1").containers["101"] == before
    assert before.state == "running"
    assert not world.node("node-2").container("101").configs
    ops = Counter(words.split()[0] for _, _, words in world.effects)
    assert set(ops) == {"trust_make", "trust_accept", "trust_pin", "trust_drop", "forget_work", "vzmigrate_check"}


def test_it_really_runs_vzmigrates_own_check_live(world: FakeWorld) -> None:
    source, target, _ = set_up(world)
    check = checked(world, source, target)
    ((node, ctid, words),) = world.effects_of("vzmigrate_check")
    assert (node, ctid) == ("node-1", "101")
    assert words == f"vzmigrate_check {world.node('node-2').address} {check.number} live"


@pytest.mark.parametrize(
    ("exit_code", "verdict", "about"),
    [
        (4, "impossible", "nodes"),
        (14, "impossible", "nodes"),
        (17, "impossible", "nodes"),
        (18, "impossible", "nodes"),
        (9, "unknown", "container"),
        (20, "unknown", "container"),
        (7, "unknown", "doubt"),
        (1, "unknown", "doubt"),
        (143, "unknown", "doubt"),
    ],
)
def test_it_types_how_vzmigrate_ended(world: FakeWorld, exit_code: int, verdict: str, about: str) -> None:
    source, target, _ = set_up(world)
    world.node("node-1").fail("vzmigrate_check", exit_code, "Error: no way")
    check = checked(world, source, target)
    assert (check.verdict, ids(check)) == (verdict, [f"vzmigrate-{exit_code}"])
    cause = check.causes[0]
    assert cause["about"] == about
    assert cause["way_out"]
    assert "no way" in check.summary
    assert_nothing_is_left(world)


def test_what_the_pre_check_says_of_the_nodes_makes_a_pair_impossible_and_no_key_is_made(world: FakeWorld) -> None:
    source, target, _ = set_up(world)
    world.node("node-2").can_checkpoint = False
    check = checked(world, source, target)
    assert (check.verdict, "checkpointing-missing" in ids(check)) == ("impossible", True)
    assert "vzrst" in check.summary
    assert world.effects == []


def test_what_is_about_the_sample_alone_says_nothing_of_the_pair(world: FakeWorld) -> None:
    source, target, _ = set_up(world)
    world.node("node-2").make_container("101", address="192.0.2.77", running=False)
    check = checked(world, source, target)
    assert (check.verdict, "number-taken" in ids(check)) == ("unknown", True)


@pytest.mark.parametrize("silent", ["node-1", "node-2"])
def test_a_silent_node_leaves_it_unknown(world: FakeWorld, silent: str) -> None:
    source, target, _ = set_up(world)
    world.part("panel", silent)
    check = checked(world, source, target)
    assert (check.verdict, check.state, ids(check)) == ("unknown", State.ENDED, ["NodeUnreachable"])


def test_nodes_that_do_not_reach_each_other_cannot_go_live(world: FakeWorld) -> None:
    source, target, _ = set_up(world)
    world.part("node-1", "node-2")
    check = checked(world, source, target)
    assert (check.verdict, ids(check)) == ("impossible", ["nodes-do-not-connect"])
    assert_nothing_is_left(world)


def test_a_check_that_hangs_is_ended(world: FakeWorld) -> None:
    source, target, _ = set_up(world)
    world.node("node-1").hang("vzmigrate_check")
    check = checked(world, source, target)
    assert (check.verdict, ids(check)) == ("unknown", ["check-hangs"])
    assert check.ended_at is not None
    assert check.started_at is not None
    assert check.ended_at - check.started_at < timedelta(minutes=4)
    assert_nothing_is_left(world)


def test_it_takes_its_key_from_a_node_that_was_silent_as_soon_as_that_answers(world: FakeWorld) -> None:
    source, target, _ = set_up(world)
    check = put_in_line(world, source, target)
    world.clock.set(world.clock().replace(hour=3))
    begin(world)
    while check.state != State.CHECKING:
        tick(world, check)
    world.part_for("panel", "node-2", seconds=600)
    run_to_end(world, check)
    assert (check.state, check.closing_trouble) == (State.ENDED, "")
    assert_nothing_is_left(world)


WAYS = [
    (ReplyLost, True),
    (NodeUnreachable, False),
    (SimulatedKill, False),
    (SimulatedKill, True),
]


@pytest.mark.parametrize(("error", "takes_effect"), WAYS)
def test_cut_at_any_call_it_ends_and_leaves_nothing(error: type[BaseException], takes_effect: bool) -> None:
    """A kill changes nothing at all; a node that falls silent leaves the pair unknown."""
    cut_at, was_cut, verdicts = 0, True, set()
    while was_cut:
        cut_at += 1
        world = FakeWorld()
        mark = transaction.savepoint()
        source, target, _ = set_up(world)
        world.cut_after(cut_at, error, takes_effect=takes_effect)
        check = put_in_line(world, source, target)
        world.clock.set(world.clock().replace(hour=3))
        begin(world)
        try:
            run_to_end(world, check)
        except SimulatedKill:
            run_to_end(world, check)
        was_cut = any(call.cut for call in world.calls)
        assert check.state == State.ENDED
        assert_nothing_is_left(world)
        assert len(world.effects_of("vzmigrate_check")) <= 1
        assert world.violations == []
        verdicts.add(check.verdict)
        transaction.savepoint_rollback(mark)
    assert cut_at > 8
    assert verdicts == ({"possible"} if error is SimulatedKill else {"possible", "unknown"})


def test_a_late_worker_is_refused_by_the_node_and_makes_no_new_key(world: FakeWorld) -> None:
    """It stood still in the middle of making trust, while another did the whole check and ended it."""
    source, target, _ = set_up(world)
    check = put_in_line(world, source, target)
    world.clock.set(world.clock().replace(hour=3))
    begin(world)
    tick(world, check)
    assert check.state == State.TRUSTING

    def meanwhile() -> None:
        world.clock.advance(60)
        run_to_end(world, PairCheck.objects.get(pk=check.pk))

    world.at_call(2, meanwhile)
    check_pair(check_id=check.pk, outside=world.outside, settings=settings.OVZ)
    check.refresh_from_db()
    assert (check.state, check.verdict) == (State.ENDED, "possible")
    assert_nothing_is_left(world)


def test_two_workers_at_one_moment_do_one_tick(world: FakeWorld) -> None:
    source, target, _ = set_up(world)
    check = put_in_line(world, source, target)
    world.clock.set(world.clock().replace(hour=3))
    begin(world)
    second = []
    world.at_call(1, lambda: second.append(check_pair(check_id=check.pk, outside=world.outside, settings=settings.OVZ)))
    tick(world, check)
    assert second == [None]


def test_a_move_that_is_ordered_meanwhile_goes_first_and_as_if_there_had_been_no_check(world: FakeWorld) -> None:
    source, target, container = set_up(world)
    check = put_in_line(world, source, target)
    world.clock.set(world.clock().replace(hour=3))
    world.node("node-1").hang("vzmigrate_check", times=1)
    begin(world)
    while check.state != State.CHECKING:
        tick(world, check)
    tick(world, check)
    order = {"actor": None, "now": world.clock(), "settings": settings.OVZ}
    migration = schedule_migration(container=container, target=target, method="live", **order)
    assert migration.next_tick_at is not None
    assert world.clock() < migration.next_tick_at <= world.clock() + timedelta(seconds=15)
    while tick(world, check):
        assert world.clock() < migration.next_tick_at
    assert (check.state, check.verdict, check.container) == (State.WAITING, "", None)
    assert_nothing_is_left(world)
    world.clock.set(migration.next_tick_at)
    assert moves.run_to_end(world, migration).state == Migration.State.DONE, moves.story(migration)


def test_its_own_key_goes_even_after_a_move_has_taken_the_container_over(world: FakeWorld) -> None:
    """The move's token is the newer one on both nodes: the check may still take away what is its own, and no more."""
    source, target, container = set_up(world)
    check = put_in_line(world, source, target)
    world.clock.set(world.clock().replace(hour=3))
    begin(world)
    while check.state != State.CHECKING:
        tick(world, check)
    make_migration(container=container, target=target, lease_token=next_token("101", world.clock()))
    newer = next_token("101", world.clock())
    for name in ("node-1", "node-2"):
        world.node(name).tokens["101"] = newer
    run_to_end(world, check)
    assert (check.state, check.verdict) == (State.WAITING, "")
    assert_nothing_is_left(world)
    assert {world.node(name).tokens["101"] for name in ("node-1", "node-2")} == {newer}


def test_a_move_after_a_check_has_the_higher_token_though_the_clock_went_back(world: FakeWorld) -> None:
    source, target, _ = set_up(world)
    checked(world, source, target)
    newest = max(node.tokens.get("101", 0) for node in world.nodes.values())
    assert next_token("101", world.clock() - timedelta(days=2)) > newest


@pytest.mark.parametrize(
    ("changes", "ahead"),
    [
        ({"state": "running"}, timedelta(0)),
        ({"state": "parked"}, timedelta(0)),
        ({"state": "retiring"}, timedelta(0)),
        ({"state": "scheduled"}, timedelta(minutes=5)),
    ],
)
def test_it_does_not_begin_beside_real_work(world: FakeWorld, changes: dict[str, str], ahead: timedelta) -> None:
    source, target, _ = set_up(world)
    world.clock.set(world.clock().replace(hour=3))
    make_migration(target=target, not_before=world.clock() + ahead, **changes)
    put_in_line(world, source, target)
    assert begin(world) == []


def test_it_does_begin_long_before_a_planned_move(world: FakeWorld) -> None:
    source, target, _ = set_up(world)
    world.clock.set(world.clock().replace(hour=3))
    make_migration(target=target, not_before=world.clock() + timedelta(hours=1))
    put_in_line(world, source, target)
    assert len(begin(world)) == 1


def test_few_run_at_once_and_one_per_node(world: FakeWorld) -> None:
    source, target, _ = set_up(world)
    others = [make_node(), make_node(), make_node(), make_node()]
    for number, node in enumerate(others):
        make_container(node=node, ctid=f"20{number}")
    put_in_line(world, source, target)
    put_in_line(world, source, others[0])
    put_in_line(world, others[1], target)
    put_in_line(world, others[0], others[1])
    put_in_line(world, others[2], others[3])
    world.clock.set(world.clock().replace(hour=3))
    begun = PairCheck.objects.filter(pk__in=begin(world, compatibility_at_once=2))
    assert {(check.source, check.target) for check in begun} == {(source, target), (others[0], others[1])}
    assert begin(world, compatibility_at_once=2) == []


def test_what_the_night_did_not_reach_is_dropped_and_what_a_person_asked_for_is_not(
    world: FakeWorld, ada: User
) -> None:
    source, target, _ = set_up(world)
    put_in_line(world, source, target)
    asked = put_in_line(world, target, source, asked_by=ada)
    make_migration(target=source, state="running")
    world.clock.set(world.clock().replace(hour=9))
    PairCheck.objects.update(requested_at=world.clock())
    assert begin(world) == []
    assert list(PairCheck.objects.all()) == [asked]


def test_a_node_without_a_running_container_is_told_so(world: FakeWorld) -> None:
    source, target, _ = set_up(world)
    check = put_in_line(world, target, source)
    world.clock.set(world.clock().replace(hour=3))
    assert begin(world) == []
    check.refresh_from_db()
    assert (check.state, check.verdict, ids(check)) == (State.ENDED, "unknown", ["no-sample"])


@pytest.mark.parametrize("changes", [{"duty": "maintenance"}, {"state": "key_pinned"}])
def test_a_person_cannot_ask_for_a_node_that_takes_no_part(
    world: FakeWorld, ada: User, changes: dict[str, str]
) -> None:
    source, _, _ = set_up(world)
    with pytest.raises(CheckRefused, match="takes no part"):
        request_check(source=source, target=make_node(**changes), actor=ada, now=world.clock())
    with pytest.raises(CheckRefused, match="choose two"):
        request_check(source=source, target=source, actor=ada, now=world.clock())


def test_asking_twice_is_asking_once(world: FakeWorld, ada: User) -> None:
    source, target, _ = set_up(world)
    one, two = (request_check(source=source, target=target, actor=ada, now=world.clock()) for _ in range(2))
    assert one == two


def test_hostile_words_of_a_node_are_kept_bounded(world: FakeWorld) -> None:
    source, target, _ = set_up(world)
    world.node("node-1").fail("vzmigrate_check", 17, "Error: " + "\x1b[31m<script>" * 5_000)
    check = checked(world, source, target)
    assert len(check.summary) <= 300
    assert all(len(text) <= 1_500 and "\x1b" not in text for cause in check.causes for text in cause.values())
    assert ADDRESS not in check.summary
