"""Facts for rules: two nodes and a container with which all is well, and whatever a test changes about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.conf import settings

from migrations_app.execution.outcome import Objection
from migrations_app.execution.step import Order, StepContext
from migrations_app.strategies.prechecks.facts import Facts, SourceFacts, TargetFacts, Unread
from migrations_app.vz import facts
from migrations_app.vz.facts import Answer, FactUnreadable
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld, endpoint

ADDRESS = "192.0.2.101"
SOURCE_MAC, STRANGER_MAC = "02:00:00:00:00:0b", "02:00:00:00:00:99"
GIB_KIB = 1024 * 1024
KERNEL = facts.Kernel(release="2.6.32-042stab145.3", machine="x86_64", vz_version="042stab145.3", is_openvz=True)
PROGRAMS = ("rsync", "vzmigrate", "vzdump", "vzrestore", "vzcptcheck", "arping", "arpsend", "iptables", "yum")
TOOLS = facts.Tools(
    versions={"vzctl": "4.11.1"} | dict.fromkeys(PROGRAMS, "present"),
    vzmigrate_options=frozenset({"live", "check-only"}),
)
DOWN = facts.ContainerState(exists=True, mounted=False, running=False, suspended=False)
RUNNING = facts.ContainerState(exists=True, mounted=True, running=True, suspended=False)
NOT_THERE = facts.ContainerState(exists=False, mounted=False, running=False, suspended=False)
NO_FENCE = facts.FenceRecord(
    newest_token=None, incoming_for=None, retained_for=None, retained_until_epoch=None, retained_state=""
)


def order(**changes: Any) -> Order:
    usual = Order(
        migration_id=7,
        ctid="101",
        target_ctid="101",
        method="stream",
        hostname="ct101.example.net",
        addresses=(ADDRESS,),
        fall_back_to_dump=True,
        full_backup=False,
        rehearse=True,
        bandwidth_limit_kib=0,
        freeze_budget_seconds=5.0,
        retention_days=7,
        settings=settings.OVZ,
    )
    return replace(usual, **changes)


def filesystem(**changes: Any) -> facts.Filesystem:
    usual = facts.Filesystem(
        path="/vz/private",
        mount_point="/vz",
        is_mountpoint=True,
        total_kib=100 * GIB_KIB,
        free_kib=80 * GIB_KIB,
        inodes_total=6_000_000,
        inodes_free=5_000_000,
    )
    return replace(usual, **changes)


def disk(private: facts.Filesystem | None = None, dump: facts.Filesystem | None = None) -> facts.DiskSpace:
    """The dumps share the disk of the private areas unless they are given one of their own."""
    private = private or filesystem()
    return facts.DiskSpace(private=private, dump=dump or replace(private, path="/vz/dump"), work=filesystem())


def config(**values: str) -> facts.ContainerConfig:
    usual = {"VE_LAYOUT": "simfs", "IP_ADDRESS": ADDRESS, "HOSTNAME": "ct101.example.net", "ONBOOT": "yes"}
    return facts.ContainerConfig(text="", values=usual | values)


def fence(**changes: Any) -> facts.FenceRecord:
    return replace(NO_FENCE, **changes)


def tools(*, without: str = "", **changes: Any) -> facts.Tools:
    versions = {name: version for name, version in TOOLS.versions.items() if name not in without.split()}
    return replace(TOOLS, versions=versions, **changes)


def memory_pages(held_mib: int, limit_mib: int) -> facts.Resources:
    row = facts.Resource(held=held_mib * 256, max_held=held_mib * 256, barrier=0, limit=limit_mib * 256, fail_count=0)
    return {"physpages": row}


def seen(
    *,
    source: dict[str, Any] | None = None,
    target: dict[str, Any] | None = None,
    unread: tuple[Unread, ...] = (),
    **order_changes: Any,
) -> Facts:
    """Return facts with which all is well, but for what is given."""
    return Facts(
        order=order(**order_changes),
        at=START,
        source=replace(_source(), **source or {}),
        target=replace(_target(), **target or {}),
        unread=unread,
    )


def _of_both() -> dict[str, Any]:
    return {
        "kernel": KERNEL,
        "tools": TOOLS,
        "service_runs": True,
        "disk": disk(),
        "memory": facts.MemoryUse(
            total_kib=16 * GIB_KIB, available_kib=12 * GIB_KIB, swap_total_kib=0, swap_free_kib=0
        ),
        "ntp_client": "chronyd",
        "clock_offset_seconds": 0.01,
        "conf": facts.VzConf(values={"DUMPDIR": "/vz/dump", "LOCKDIR": "/vz/lock"}),
        "modules": frozenset({"ip_tables", "ipv6", "ext4"}),
        "checkpointing": facts.CheckpointSupport(cpt=True, rst=True),
        "scripts": (),
        "fence": NO_FENCE,
        "at_work": (),
    }


def _source() -> SourceFacts:
    return SourceFacts(
        name="node-1",
        state=RUNNING,
        config=config(),
        address_owners={ADDRESS: "101"},
        size=facts.Size(kib=10 * GIB_KIB, files=20_000),
        lock=facts.Lock(held=False),
        resources=memory_pages(512, 1024),
        macs=(SOURCE_MAC,),
        mounts=(facts.Mount(device="simfs", path="/", filesystem="simfs"),),
        cpt_version=9,
        can_restore_there=facts.Checked(ok=True),
        can_live_there=facts.Checked(ok=True),
        **_of_both(),
    )


def _target() -> TargetFacts:
    return TargetFacts(
        name="node-2",
        state=NOT_THERE,
        address_owners={},
        leftovers=(),
        container_names={},
        bridges=frozenset(),
        ploop=facts.Checked(ok=False, reason="no ploop here"),
        cpt_caps=511,
        on_the_wire={ADDRESS: (SOURCE_MAC,)},
        **_of_both(),
    )


def unread(fact: str, *, side: str = "source", said: str = "boom", fact_name: str = "") -> Unread:
    refusal = FactUnreadable(fact, Answer(exit_code=1, output="", error=said), "the command failed")
    node = "node-1" if side == "source" else "node-2"
    return Unread(node=node, side=side, fact=fact_name or fact, refusal=refusal)  # type: ignore[arg-type]


def severities(rule: Callable[[Facts], list[Objection]], facts_seen: Facts) -> dict[str, str]:
    return {objection.check_id: objection.severity for objection in rule(facts_seen)}


def the_one(rule: Callable[[Facts], list[Objection]], facts_seen: Facts) -> Objection:
    (objection,) = rule(facts_seen)
    return objection


def context(world: FakeWorld, method: str) -> StepContext:
    """Return what a step of this migration sees of pretend nodes."""
    return StepContext(
        order=order(method=method),
        source=endpoint(world.node("node-1")),
        target=endpoint(world.node("node-2")),
        home=endpoint(world.node("node-1")),
        outside=world.outside,
        token=1,
        attempt=1,
        undo_attempt=1,
        frozen=False,
        passed_point_of_no_return=False,
        started_at=None,
    )
