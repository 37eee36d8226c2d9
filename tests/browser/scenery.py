"""What stands on the stage: every kind of row a page can show, with names as hostile as strangers make them."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from lab.replay import replay
from migrations_app.capacity import moves
from migrations_app.capacity.spans import hour_of
from migrations_app.compatibility.causes import Cause, as_rows
from migrations_app.models import Customer, Finding, LogLine, Migration, Node, PairCheck, Preparation, StepRun
from migrations_app.usecases.request_proposal import request_proposal
from migrations_app.usecases.sample_nodes import sample_nodes
from migrations_app.usecases.work_out_alternative import work_out_alternative
from tests.browser import approval_scenery, batch_scenery, scenery_names
from tests.compatibility.test_matrix import make_result
from tests.conftest import PASSWORD
from tests.factories import make_container, make_customer, make_migration, make_node, make_segment
from tests.fakes.world import FakeWorld

State = Migration.State
HOSTILE = '<img src=x onerror="document.title=1">'
PLAN = (
    ("preflight", "Look at both nodes"),
    ("backup", "Save the configuration"),
    ("trust", "Let the two nodes talk to each other"),
    ("first_copy", "Copy the data while the container runs"),
    ("freeze", "Freeze the container"),
    ("certify", "Compare every file"),
    ("start_target", "Start it on the target"),
    ("fence", "Fence the source"),
)


def set_up(world: FakeWorld, now: datetime) -> None:
    shop = _people()
    source, target = world.node("node-1"), world.node("node-2")
    source.make_container("101", address="192.0.2.101")
    home, away = make_node(fake=source, scanned_at=now), make_node(fake=target, scanned_at=now)
    shown = make_container(
        node=home, ctid="101", hostname="shop.example.net", addresses=["192.0.2.101"], owner=shop, seen_at=now
    )
    _segments(home, away)
    _nodes(now)
    _containers(home, shop, now)
    _moves(home, away, shop, now)
    _checks(home, away, now)
    _history(world, home, now)
    _proposals(now)
    scenery_names.set_up(world, shown)
    batch_scenery.set_up(now)
    approval_scenery.set_up(now)


def _proposals(now: datetime) -> None:
    """One proposal that is ready, one that is waited for, and one that could not be had."""
    nodes = [make_node(name=f"rack-{number}", scanned_at=now) for number in range(4)]
    for number in range(12):
        make_container(
            node=nodes[number % 2],
            ctid=str(1200 + number),
            hostname=f"{HOSTILE if number == 1 else f'app-{number}'}.example.net",
            cpus=1,
            cpu_limit_percent=50,
            memory_limit_mib=1500 + 100 * number,
            disk_limit_mib=12_000,
            disk_used_mib=3_000 + 900 * number,
            memory_held_mib=300,
            pinned=number == 4,
            pin_reason="its licence is bound to this node",
            seen_at=now,
        )
    ada = User.objects.get(username="ada")
    wish = {"actor": ada, "now": now, "settings": settings.OVZ}
    first = request_proposal(goal="evacuate", nodes=[nodes[0]], **wish)
    for alternative in first.alternatives.all():
        work_out_alternative(alternative_id=alternative.pk, clock=time.monotonic, now=now, settings=settings.OVZ)
    request_proposal(goal="rebalance", level=0.6, survives_a_loss=True, **wish)
    last = request_proposal(goal="fill", **wish)
    last.alternatives.update(state="failed", failure="ProposalFailed", failure_detail=HOSTILE)


def _people() -> Customer:
    for name, is_staff in (("ada", True), ("boris", True), ("carla", False), ("mallory", False)):
        User.objects.create_user(name, f"{name}@panel.example", PASSWORD, is_staff=is_staff)
    return make_customer(name="Carla's shop", user=User.objects.get(username="carla"), time_zone="America/New_York")


def _history(world: FakeWorld, home: Node, now: datetime) -> None:
    """Let the panel have sampled for two weeks, half an hour of it itself, with one node that fell silent."""
    for ago in range(6, 0, -1):
        world.clock.set(now - timedelta(minutes=5 * ago))
        sample_nodes(first_id=1, last_id=10**6, outside=world.outside, settings=settings.OVZ)
    world.clock.set(now)
    replay(Node.objects.filter(state=Node.State.READY), until=hour_of(now - timedelta(minutes=30)), days=14)
    for migration in Migration.objects.filter(state=State.DONE):
        moves.foretell(migration, now).save()


def _nodes(now: datetime) -> None:
    make_node(name="hn-new", state=Node.State.NEW, host_key="", offered_host_key="", scanned_at=None)
    make_node(name="hn-offered", state=Node.State.KEY_OFFERED, host_key="", scanned_at=None)
    make_node(name="hn-pinned", state=Node.State.KEY_PINNED, scanned_at=None)
    make_node(
        name="hn-changed", fault="HostKeyChanged", fault_detail=f"It showed another key. {HOSTILE}", scanned_at=now
    )
    lacking = make_node(
        name="hn-lacking", disk_free_mib=4096, can_checkpoint=False, scanned_at=now, tools={"rsync": ""}
    )
    for need, state in (("rsync", "offered"), ("ntp", "accepted"), ("vzdump", "failed")):
        command = f"yum -y install {need}"
        Preparation.objects.create(
            node=lacking, need=need, command=command, state=state, detail="Missing.", updated_at=now
        )


def _segments(home: Node, away: Node) -> None:
    """One wire of both nodes, with a pool that is nearly used up and one that never will be."""
    networks = ["192.0.2.0/24", "2001:db8:0:1::/64"]
    segment = make_segment(name="rack 1", networks=networks, nodes=[home, away], pools=["192.0.2.100-192.0.2.102"])
    segment.pools.create(
        first="2001:db8:0:1::",
        last="2001:db8:0:1:ffff:ffff:ffff:ffff",
        node=away,
        left_out=[["2001:db8:0:1::1", f"gateway {HOSTILE}"]],
    )
    make_segment(name=HOSTILE, networks=["203.0.113.0/24"])


def _containers(home: Node, shop: Customer, now: datetime) -> None:
    for number in range(120, 132):
        make_container(node=home, ctid=str(number), hostname=f"host-{number}.example.org", seen_at=now)
    make_container(node=home, ctid="140", hostname=HOSTILE, name=HOSTILE, description=HOSTILE * 3, owner=shop)
    make_container(node=home, ctid="141", hostname="moved.example.org", moved_by_hand_at=now, moved_from=home)
    make_container(node=home, ctid="142", hostname="gone.example.org", gone_at=now)


def _moves(home: Node, away: Node, shop: Customer, now: datetime) -> None:
    hour = timedelta(hours=1)
    ended: dict[str, Any] = {"started_at": now - hour, "finished_at": now - hour / 2}
    certificate = {"files_compared": 20_344, "differences": 0, "bytes": 13 * 2**30, "seconds": 0.41}
    progress = {"stage": "Copying", "bytes_done": 32 * 2**30, "bytes_total": 48 * 2**30, "files_done": 81_223}
    scenes: list[tuple[str, int, dict[str, Any]]] = [
        (State.RUNNING, 3, {"started_at": now, "progress": progress | {"seconds_left": 131}}),
        (State.RUNNING, 4, {"started_at": now, "frozen_at": now}),
        (State.PARKED, 3, {"started_at": now, "failure": "TransferBroke", "failure_detail": f"rsync: {HOSTILE}"}),
        (State.SCHEDULED, 0, {"not_before": now + 7 * hour, "window_ends_at": now + 11 * hour}),
        (State.DONE, 8, ended | {"freeze_seconds": 0.84, "freeze_forecast_seconds": 1.1, "certificate": certificate}),
        (State.DONE, 8, ended | {"freeze_seconds": 0.84, "retire_after": now - hour, "bytes_moved": 2**33}),
        (State.ROLLED_BACK, 0, ended | {"failure": "TargetDidNotStart", "failure_detail": "exit 7"}),
    ]
    for number, (state, done, more) in enumerate(scenes, start=201):
        container = make_container(node=home, ctid=str(number), hostname=f"{state}-{number}.example.net", owner=shop)
        values = {"not_before": now, "created_at": now, "next_tick_at": None, "state": state} | more
        _tell(make_migration(container=container, target=away, method="stream", **values), done, now)


def _checks(home: Node, away: Node, now: datetime) -> None:
    """Let pairs have been checked with every verdict; one waits, as moves are under way."""
    hour = timedelta(hours=1)
    lacking, changed = Node.objects.get(name="hn-lacking"), Node.objects.get(name="hn-changed")
    no_kernel = Cause(
        id="vzmigrate-17",
        text="vzmigrate's check ended with 17: the target's kernel cannot read the source's checkpoint images. "
        f"It said: Error: {HOSTILE}",
        way_out="Boot the target into a kernel at least as new as the source's, or move by stream or dump.",
        command="uname -r",
    )
    taken = Cause(id="number-taken", text=f"node-2 has a container 101. {HOSTILE}", about="container")
    silent = Cause(id="NodeUnreachable", text="hn-changed does not answer.", way_out="Try again.", about="doubt")
    make_result(home, away, "possible", at=now - hour)
    make_result(away, home, "impossible", at=now - 2 * hour, summary=no_kernel.text, causes=as_rows([no_kernel, taken]))
    make_result(home, lacking, "impossible", at=now - 3 * hour, summary=no_kernel.text, causes=as_rows([no_kernel]))
    make_result(home, changed, "unknown", at=now - 30 * hour, summary=silent.text, causes=as_rows([silent]))
    PairCheck.objects.create(source=away, target=home, requested_at=now)


def _tell(migration: Migration, done: int, now: datetime) -> None:
    for position, (name, title) in enumerate(PLAN):
        state = (
            "done"
            if position < done
            else "running"
            if position == done and migration.is_active and migration.started_at
            else "pending"
        )
        begun = {} if state == "pending" else {"started_at": now}
        over = {"finished_at": now + timedelta(seconds=position)} if state == "done" else {}
        StepRun.objects.create(
            migration=migration, position=position, name=name, title=title, state=state, **begun, **over
        )
        LogLine.objects.create(migration=migration, at=now, text=f"{title}. {HOSTILE}")
    Finding.objects.create(
        migration=migration,
        at=now,
        check_id="ntp",
        severity="warning",
        text=f"No NTP client runs on node-2. {HOSTILE}",
        way_out="Install one.",
        command="yum -y install chrony",
    )
