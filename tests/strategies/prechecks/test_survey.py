"""All rules together: over facts, and over the answers of pretend nodes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migrations_app.strategies.prechecks import second_look, survey
from migrations_app.strategies.prechecks.facts import Facts, SourceFacts, TargetFacts
from migrations_app.strategies.prechecks.survey import RULES, RULES_BEFORE_FREEZE, judge
from tests.fakes.work import Fence
from tests.fakes.world import FakeWorld
from tests.strategies.prechecks import scene
from tests.strategies.prechecks.scene import context, seen, unread

METHODS = ("live", "auto", "dump", "stream")


@pytest.fixture
def world() -> FakeWorld:
    fleet = FakeWorld()
    fleet.node("node-1").make_container("101", address=scene.ADDRESS)
    return fleet


@pytest.mark.parametrize("method", METHODS)
def test_where_all_is_well_there_is_one_note_with_numbers(world: FakeWorld, method: str) -> None:
    (note,) = survey(context(world, method))
    assert (note.check_id, note.severity) == ("room-on-target", "note")
    assert "node-2" in note.text
    assert "MiB" in note.text


@pytest.mark.parametrize("method", METHODS)
def test_good_facts_pass_every_rule(method: str) -> None:
    assert [objection.severity for objection in judge(seen(method=method), RULES)] == ["note"]


@pytest.mark.parametrize(("method", "calls"), [("dump", 2), ("stream", 2), ("auto", 2), ("live", 4)])
def test_it_asks_each_node_once_and_twice_for_live(world: FakeWorld, method: str, calls: int) -> None:
    survey(context(world, method))
    assert len(world.calls) == calls


def test_it_changes_nothing(world: FakeWorld) -> None:
    survey(context(world, "live"))
    assert world.effects == []


def test_all_objections_come_at_once_with_blockers_first(world: FakeWorld) -> None:
    target = world.node("node-2")
    target.service_runs = False
    target.ntp_client = ""
    target.tools["rsync"] = ""
    target.make_container("101", address="192.0.2.150", running=False)
    found = [(objection.severity, objection.check_id) for objection in survey(context(world, "stream"))]
    assert sorted(found[:3]) == [
        ("blocker", "number-taken"),
        ("blocker", "rsync-missing-target"),
        ("blocker", "service-down-target"),
    ]
    assert found[3:] == [("warning", "ntp-missing-target"), ("note", "room-on-target")]


def test_a_clock_that_is_off_is_found_with_the_call_time_taken_out(world: FakeWorld) -> None:
    world.node("node-2").clock_offset_seconds = 3.4
    found = {objection.check_id: objection for objection in survey(context(world, "stream"))}
    assert "node-2's clock is 3.4 s ahead" in found["clock-off-target"].text


def test_a_container_that_is_not_there_is_one_objection_and_not_twelve(world: FakeWorld) -> None:
    del world.node("node-1").containers["101"]
    blockers = [objection.check_id for objection in survey(context(world, "live")) if objection.severity == "blocker"]
    assert blockers == ["container-missing"]


def test_a_stopped_container_may_move_by_stream(world: FakeWorld) -> None:
    world.node("node-1").containers["101"].state = "down"
    assert [objection.severity for objection in survey(context(world, "stream"))] == ["note"]


def test_an_answer_that_is_none_spoils_no_other(world: FakeWorld) -> None:
    world.node("node-1").kernel = ""
    found = {objection.check_id: objection.severity for objection in survey(context(world, "stream"))}
    assert found["fact-unreadable-kernel-source"] == "blocker"
    assert "room-on-target" in found


def test_an_old_copy_on_the_target_is_named_with_its_migration(world: FakeWorld) -> None:
    world.node("node-2").fences["101"] = Fence(migration="3", retain_until=1_800_000_000)
    (note, _) = survey(context(world, "stream"))
    assert (note.check_id, note.severity) == ("old-copy-target", "note")
    assert "migration 3 is kept on node-2 until 2027-01-15 08:00 UTC" in note.text


def test_ids_are_unique_and_fit_their_column() -> None:
    found = judge(_everything_wrong(), RULES)
    ids = [objection.check_id for objection in found]
    assert len(ids) == len(set(ids)) > 20
    assert max(map(len, ids)) <= 40


def test_every_blocker_has_a_way_out() -> None:
    blockers = [one for one in judge(_everything_wrong(), RULES) if one.severity == "blocker"]
    assert blockers
    assert [one.check_id for one in blockers if not one.way_out] == []


def test_rules_live_with_knowing_nothing() -> None:
    blank = Facts(
        order=scene.order(method="live"),
        at=scene.START,
        source=SourceFacts(name="node-1"),
        target=TargetFacts(name="node-2"),
    )
    assert judge(blank, (*RULES, *RULES_BEFORE_FREEZE)) == ()


def test_the_second_look_asks_each_node_once(world: FakeWorld) -> None:
    world.node("node-2").containers["101"] = world.node("node-2").container("101")
    world.node("node-2").containers["101"].incoming_for = "7"
    assert second_look(context(world, "stream")) == ()
    assert len(world.calls) == 2


def test_the_second_look_tells_blockers_only(world: FakeWorld) -> None:
    source = world.node("node-1")
    source.containers["101"].lock_pid, source.containers["101"].lock_alive = 999_999, False
    source.strangers["101"] = ("vzdump",)
    found = [objection.check_id for objection in second_look(context(world, "stream"))]
    assert found == ["at-work-source", "mark-gone"]


def _everything_wrong() -> Facts:
    full = scene.filesystem(free_kib=1, inodes_free=1, is_mountpoint=False)
    both = {
        "tools": replace(scene.TOOLS, versions={"vzctl": "4.2"}),
        "service_runs": False,
        "ntp_client": "",
        "disk": scene.disk(full, scene.filesystem(mount_point="/dump", free_kib=1, inodes_free=1)),
        "at_work": (scene.facts.ToolAtWork(pid=9, tool="vzdump"),),
        "clock_offset_seconds": 9.0,
    }
    every = {side: tuple(unread(fact, side=side) for fact in ("cpt_version_ok", "ct_leftovers")) for side in SIDES}
    return seen(
        method="live",
        source=both | {"lock": scene.facts.Lock(held=True, pid=5, alive=False), "scripts": ("mount",)},
        target=both | {"state": scene.DOWN, "address_owners": {scene.ADDRESS: "150"}},
        unread=(*every["source"], *every["target"]),
    )


SIDES = ("source", "target")
