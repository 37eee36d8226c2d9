"""When the line stops, and when it does not."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from migrations_app.models import AuditLine, Batch, BatchItem, Migration, Node, Standing
from migrations_app.usecases.answer_parked import answer_parked
from migrations_app.usecases.resume_batch import resume_batch
from tests.batches.stage import Fleet, migration_of, states, whys

pytestmark = pytest.mark.django_db

BROKEN = {"state": "rolled_back", "failure": "TargetDoesNotStart", "failure_detail": "vzctl: exit code 7"}
PARKED = {"state": "parked", "parked_from": "running", "failure": "FenceFailed", "failure_detail": "no"}
STOPPED, RUNNING, DONE = Batch.State.STOPPED, Batch.State.RUNNING, Batch.State.DONE


def resume(fleet: Fleet, batch: Batch) -> None:
    resume_batch(batch=batch, actor=fleet.actor, now=fleet.now, settings=settings.OVZ)


@pytest.mark.parametrize("end", [BROKEN, PARKED])
def test_an_unexplained_failure_stops_the_line(fleet: Fleet, end: dict[str, Any]) -> None:
    fleet.ends["101"] = end
    batch = fleet.run_to_rest(fleet.begin(fleet.moves(4), most_at_once=2))
    assert (batch.state, batch.failure) == (STOPPED, end["failure"])
    assert end["failure_detail"] in batch.failure_detail
    assert states(batch)[1:] == ["done", "waiting", "waiting"]  # 102 was under way and went on to its end
    assert AuditLine.objects.filter(verb="stop_line", detail__failure=end["failure"]).count() == 1


@pytest.mark.parametrize("failure", ["Blocked", "Cancelled", "ContainerBusy", "FreezeTooLong", "LiveNotPossible"])
def test_a_failure_that_is_about_one_container_does_not(fleet: Fleet, failure: str) -> None:
    fleet.ends["101"] = {"state": "rolled_back", "failure": failure, "failure_detail": "why"}
    batch = fleet.run_to_rest(fleet.begin(fleet.moves(3), most_at_once=1))
    assert batch.state == DONE
    assert states(batch) == ["failed", "done", "done"]
    assert whys(batch)[0] == f"{failure}: why"


def test_one_that_waits_for_a_person_holds_nobody_up(fleet: Fleet) -> None:
    fleet.ends["101"] = PARKED | {"failure": "Blocked"}
    batch = fleet.begin(fleet.moves(3), most_at_once=1)
    fleet.run_for(60)
    batch.refresh_from_db()
    assert batch.state == RUNNING
    assert states(batch) == ["moving", "done", "done"]
    del fleet.ends["101"]
    answer_parked(
        migration=migration_of(batch.items.all()[0].container), answer="retry", actor=fleet.actor, now=fleet.now
    )
    fleet.run()
    assert states(batch) == ["done", "done", "done"]


def test_an_interruption_above_what_was_promised_stops_the_line(fleet: Fleet) -> None:
    fleet.ends["101"] = {"freeze_seconds": 7.25}
    batch = fleet.run_to_rest(fleet.begin(fleet.moves(3), most_at_once=1, freeze_budget_seconds=5.0))
    assert (batch.state, batch.failure) == (STOPPED, "FreezeOverPromise")
    assert "7.2 seconds" in batch.failure_detail
    assert "5.0 were promised" in batch.failure_detail
    assert states(batch) == ["done", "waiting", "waiting"]
    resume(fleet, batch)
    fleet.run()
    batch.refresh_from_db()
    assert (batch.state, states(batch)) == (DONE, ["done", "done", "done"])


def fill(node: Node, **now: float) -> None:
    total = {"cpu": 4, "memory": 1000, "disk": 1000, "inodes": 1000}
    Standing.objects.update_or_create(node=node, defaults={"now": now, "total": total})


def test_a_target_above_its_reserve_stops_the_line_once(fleet: Fleet) -> None:
    fill(fleet.rows["node-2"], memory_mib=930, disk_mib=100)
    batch = fleet.run_to_rest(fleet.begin([*fleet.moves(2), fleet.move(fleet.container("201"), "node-3")]))
    assert (batch.state, batch.failure) == (STOPPED, "ReserveUsedUp")
    assert batch.failure_detail == "On node-2 memory is 93% full of at most 90%."
    resume(fleet, batch)
    fleet.run_for(30)
    batch.refresh_from_db()
    assert batch.state == RUNNING
    assert states(batch) == ["waiting", "waiting", "done"]
    assert whys(batch)[0] == "Waits until node-2 has its reserve again: memory."
    fill(fleet.rows["node-2"], memory_mib=700, disk_mib=100)
    fleet.run()
    assert states(batch) == ["done", "done", "done"]


def test_busy_processors_are_no_reason(fleet: Fleet) -> None:
    fill(fleet.rows["node-2"], cpu_cores=4.0, memory_mib=100)
    assert fleet.run_to_rest(fleet.begin(fleet.moves(1))).state == DONE


def test_a_node_with_its_own_limit_is_held_to_it(fleet: Fleet) -> None:
    fill(fleet.rows["node-2"], memory_mib=930)
    Node.objects.filter(name="node-2").update(memory_limit_percent=95)
    assert fleet.run_to_rest(fleet.begin(fleet.moves(1))).state == DONE


def test_what_a_person_has_seen_stops_the_line_no_more(fleet: Fleet) -> None:
    fleet.ends["101"] = PARKED
    batch = fleet.run_to_rest(fleet.begin(fleet.moves(3), most_at_once=1))
    assert batch.state == STOPPED
    resume(fleet, batch)
    fleet.run_for(60)
    batch.refresh_from_db()
    assert (batch.state, batch.failure) == (RUNNING, "")
    assert states(batch) == ["moving", "done", "done"]


def test_a_second_failure_after_the_look_stops_it_again(fleet: Fleet) -> None:
    fleet.ends |= {"101": BROKEN, "103": BROKEN | {"failure": "RestoreFailed"}}
    batch = fleet.run_to_rest(fleet.begin(fleet.moves(4), most_at_once=1))
    resume(fleet, batch)
    fleet.run_to_rest(batch)
    assert (batch.state, batch.failure) == (STOPPED, "RestoreFailed")
    assert states(batch) == ["failed", "done", "failed", "waiting"]


def test_the_smallest_goes_alone_and_first(fleet: Fleet) -> None:
    moves = [
        fleet.move(fleet.container(str(101 + n), disk_used_mib=size), "node-2") for n, size in enumerate((9, 5, 7))
    ]
    batch = fleet.begin(moves, canaries=1)
    assert list(batch.items.filter(is_canary=True).values_list("container__ctid", flat=True)) == ["102"]
    assert states(fleet.tick(batch)) == ["waiting", "moving", "waiting"]
    assert whys(batch)[0].startswith("Waits for the canary")
    fleet.run()
    assert fleet.order == ["102", "101", "103"]


def test_a_canary_that_fails_stops_the_line_with_one_container_touched(fleet: Fleet) -> None:
    fleet.ends["101"] = BROKEN
    batch = fleet.run_to_rest(fleet.begin(fleet.moves(4), canaries=1))
    assert (batch.state, states(batch)) == (STOPPED, ["failed", "waiting", "waiting", "waiting"])


def test_another_takes_the_place_of_a_canary_that_could_not_fly(fleet: Fleet) -> None:
    fleet.ends["101"] = {"state": "rolled_back", "failure": "Blocked", "failure_detail": "no room"}
    batch = fleet.begin(fleet.moves(4), canaries=1)
    fleet.run(until=lambda: "102" in fleet.order)
    assert fleet.order == ["101", "102"]
    assert states(batch) == ["failed", "moving", "waiting", "waiting"]
    fleet.run()
    assert states(batch) == ["failed", "done", "done", "done"]


def test_what_waits_for_one_that_failed_is_skipped_and_what_waits_for_that(fleet: Fleet) -> None:
    rows = fleet.containers(4)
    fleet.ends["101"] = {"state": "rolled_back", "failure": "Blocked", "failure_detail": "no room"}
    afters: list[tuple[int, ...]] = [(), (0,), (1,), ()]
    moves = [fleet.move(row, "node-2", after=after) for row, after in zip(rows, afters, strict=True)]
    batch = fleet.run_to_rest(fleet.begin(moves))
    assert (batch.state, states(batch)) == (DONE, ["failed", "skipped", "skipped", "done"])
    assert whys(batch)[1] == "101 was to move before it, and did not (Failed)."
    assert Migration.objects.filter(state="cancelled").count() == 2
    assert not Migration.objects.active().exists()


def test_a_tick_that_raises_stops_the_line_and_is_not_lost(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = fleet.begin(fleet.moves(2))

    def broken(**kwargs: object) -> None:
        raise KeyError("surprise")

    with monkeypatch.context() as patch:
        patch.setattr("migrations_app.usecases.advance_batch.follow_items", broken)
        fleet.tick(batch)
    assert (batch.state, batch.failure) == (STOPPED, "InternalError")
    assert "surprise" in batch.failure_detail
    assert batch.next_tick_at is not None
    resume(fleet, batch)
    fleet.run()
    assert set(BatchItem.objects.values_list("state", flat=True)) == {"done"}
