"""Putting a node into service, and taking it out."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from migrations_app.models import AuditLine, Batch, Migration, Node
from migrations_app.usecases.set_duty import DutyRefused, set_duty
from tests.factories import make_container, make_migration, make_node
from tests.fakes.clock import START

Duty = Node.Duty
State = Migration.State


def change(node: Node, duty: str, ada: User, note: str = "") -> None:
    set_duty(node=node, duty=duty, note=note, actor=ada, now=START)


def test_it_says_since_when_and_why_and_leaves_a_line(ada: User) -> None:
    node = make_node(name="node-1")
    change(node, "draining", ada, " New disks on Friday. ")
    assert (node.duty, node.duty_since, node.duty_note) == (Duty.DRAINING, START, "New disks on Friday.")
    line = AuditLine.objects.get(verb="set_duty")
    assert (line.actor, line.subject) == (ada, "node-1")
    assert line.detail == {"before": "in_service", "after": "draining", "note": "New disks on Friday."}


def test_a_new_note_does_not_begin_the_duty_anew(ada: User) -> None:
    earlier = START.replace(year=START.year - 1)
    node = make_node(duty=Duty.DRAINING, duty_since=earlier, duty_note="Disks.")
    change(node, "draining", ada, "Disks are late.")
    assert (node.duty_since, node.duty_note) == (earlier, "Disks are late.")


@pytest.mark.parametrize(
    ("duty", "note", "fields"),
    [
        ("resting", "", ["duty"]),
        ("draining", "x" * 501, ["note"]),
        ("draining", "a\0b", ["note"]),
        ("draining", "\u202egnp.exe", ["note"]),
        ("in_service", "", ["duty"]),
        ("", "a\x1b[2Jb", ["duty", "note"]),
    ],
)
def test_it_names_all_that_is_wrong_and_changes_nothing(ada: User, duty: str, note: str, fields: list[str]) -> None:
    node = make_node()
    with pytest.raises(DutyRefused) as refusal:
        change(node, duty, ada, note)
    assert [field for field, _ in refusal.value.objections] == fields
    node.refresh_from_db()
    assert (node.duty, node.duty_since) == (Duty.IN_SERVICE, None)
    assert not AuditLine.objects.exists()


@pytest.mark.parametrize("end", ["source", "target"])
def test_nothing_may_be_under_way_where_nobody_will_wonder_about_silence(ada: User, end: str) -> None:
    node = getattr(make_migration(state=State.RUNNING), end)
    with pytest.raises(DutyRefused, match="1 migration is under way from or to"):
        change(node, "maintenance", ada)
    change(node, "draining", ada)


@pytest.mark.parametrize("columns", [{"state": State.DONE}, {"state": State.SCHEDULED, "next_tick_at": None}])
def test_what_has_ended_or_is_held_is_no_hindrance(ada: User, columns: dict[str, object]) -> None:
    node = make_migration(**columns).source
    change(node, "maintenance", ada)
    assert node.duty == Duty.MAINTENANCE


def test_batches_look_at_the_change_at_once(ada: User) -> None:
    later = START.replace(year=START.year + 1)
    batch = Batch.objects.create(
        name="b", state=Batch.State.RUNNING, created_at=START, next_tick_at=later, freeze_budget_seconds=5
    )
    change(make_container().node, "draining", ada)
    batch.refresh_from_db()
    assert batch.next_tick_at == START
