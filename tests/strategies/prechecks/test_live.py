"""What stands against carrying processes from one kernel to the other, and how bad that is for whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from migrations_app.execution.outcome import Objection
from migrations_app.strategies.prechecks import live, unread
from migrations_app.strategies.prechecks.facts import Facts
from migrations_app.vz.facts import Checked, CheckpointSupport, Mount, VzConf
from tests.strategies.prechecks import scene
from tests.strategies.prechecks.scene import DOWN, KERNEL, NOT_THERE, TOOLS, seen, severities, the_one, tools

NO_CPT = CheckpointSupport(cpt=False, rst=False)
VZ7 = replace(KERNEL, release="3.10.0-1160.53.1.vz7.185.3", vz_version="")

Rule = Callable[[Facts], list[Objection]]
OBSTACLES: dict[str, tuple[Rule, dict[str, Any], str]] = {
    "no cpt here": (live.checkpointing, {"source": {"checkpointing": NO_CPT}}, "checkpointing-missing"),
    "no rst there": (live.checkpointing, {"target": {"checkpointing": NO_CPT}}, "checkpointing-missing"),
    "no vzmigrate": (live.tools, {"source": {"tools": tools(without="vzmigrate")}}, "vzmigrate-missing"),
    "a vzmigrate without live": (
        live.tools,
        {"source": {"tools": replace(TOOLS, vzmigrate_options=frozenset({""}))}},
        "vzmigrate-not-live",
    ),
    "a vzmigrate of OpenVZ 7": (
        live.tools,
        {"source": {"tools": replace(TOOLS, vzmigrate_options=frozenset({"online", "dry-run"}))}},
        "vzmigrate-other-words",
    ),
    "a vzmigrate that only moves": (
        live.tools,
        {"source": {"tools": replace(TOOLS, vzmigrate_options=frozenset({"live"}))}},
        "vzmigrate-other-words",
    ),
    "no vzcptcheck there": (
        live.tools,
        {"target": {"tools": tools(without="vzcptcheck")}},
        "vzcptcheck-missing-target",
    ),
    "images the target cannot read": (
        live.kernels_agree,
        {"source": {"can_restore_there": Checked(ok=False, reason="version 9 is not known")}},
        "cpt-version",
    ),
    "a processor that lacks something": (
        live.kernels_agree,
        {"source": {"can_live_there": Checked(ok=False, reason="CPU flags missing: sse4a")}},
        "cpt-caps",
    ),
    "a fuse mount": (
        live.mounts,
        {"source": {"mounts": (Mount(device="sshfs", path="/mnt/x", filesystem="fuse.sshfs"),)}},
        "mounts",
    ),
    "no folder for the memory": (live.dump_folder, {"target": {"conf": VzConf(values={"X": "y"})}}, "dumpdir-unset"),
}
ORDERS = {
    "live": ({"method": "live", "fall_back_to_dump": False}, "blocker"),
    "live with a way back": ({"method": "live"}, "warning"),
    "auto": ({"method": "auto"}, "note"),
    "stream": ({"method": "stream"}, None),
    "dump": ({"method": "dump"}, None),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_an_obstacle_weighs_by_what_was_ordered(obstacle: str, order: str) -> None:
    rule, changes, check_id = OBSTACLES[obstacle]
    order_changes, severity = ORDERS[order]
    found = severities(rule, seen(**changes, **order_changes))
    assert found == ({check_id: severity} if severity else {})


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_a_container_that_does_not_run_needs_no_live(obstacle: str) -> None:
    rule, changes, _ = OBSTACLES[obstacle]
    source = changes.get("source", {}) | {"state": DOWN}
    assert rule(seen(method="auto", source=source, target=changes.get("target"))) == []


def test_the_way_out_says_that_it_will_fall_back() -> None:
    objection = the_one(live.checkpointing, seen(method="live", target={"checkpointing": NO_CPT}))
    assert "node-2 lacks vzrst" in objection.text
    assert "fall back to dump" in objection.way_out
    assert objection.command == "modprobe vzrst"


def test_the_reason_of_vzcptcheck_is_handed_on() -> None:
    changes = {"can_live_there": Checked(ok=False, reason="Error: CPU flags missing on the destination: sse4a.")}
    assert (
        "CPU flags missing on the destination: sse4a."
        in the_one(live.kernels_agree, seen(method="live", source=changes)).text
    )


@pytest.mark.parametrize("rule", [live.checkpointing, live.dump_folder])
def test_openvz_7_needs_no_modules_of_openvz_6(rule: Rule) -> None:
    bare = {"checkpointing": NO_CPT, "kernel": VZ7, "conf": VzConf(values={"X": "y"})}
    assert rule(seen(method="live", source=bare, target=bare)) == []


def test_a_mount_nobody_knows_is_a_note() -> None:
    mounts = (Mount(device="overlay", path="/usr", filesystem="overlay"),)
    assert severities(live.mounts, seen(method="live", source={"mounts": mounts})) == {"mounts-unknown": "note"}
    assert live.mounts(seen(method="stream", source={"mounts": mounts})) == []


def test_a_path_that_a_customer_chose_does_not_get_into_a_command() -> None:
    mounts = (Mount(device="x", path="/mnt/$(reboot)", filesystem="cifs"),)
    assert the_one(live.mounts, seen(method="live", source={"mounts": mounts})).command == "vzctl exec 101 umount PATH"


MODULES: dict[str, tuple[str, set[str], set[str], dict[str, str]]] = {
    "all there": ("live", {"ip_tables", "xt_state", "ipv6"}, {"ip_tables", "xt_state", "ipv6", "ext4"}, {}),
    "one missing": ("live", {"ip_tables", "xt_state"}, {"ip_tables"}, {"modules-missing": "warning"}),
    "one missing, auto": ("auto", {"xt_state"}, {"ext4"}, {"modules-missing": "note"}),
    "one missing, stream": ("stream", {"xt_state"}, {"ext4"}, {}),
    "one that no guest uses": ("live", {"kvm", "ext4"}, {"ip_tables"}, {}),
    "a kernel without modules": ("live", {"xt_state"}, set(), {}),
}


@pytest.mark.parametrize("case", MODULES)
def test_modules(case: str) -> None:
    method, here, there, wanted = MODULES[case]
    facts = seen(method=method, source={"modules": frozenset(here)}, target={"modules": frozenset(there)})
    assert severities(live.modules, facts) == wanted


def test_modules_named_in_vz_conf_count_too() -> None:
    conf = VzConf(values={"IPTABLES_MODULES": "ipt_REJECT"})
    objection = the_one(live.modules, seen(method="live", source={"conf": conf}))
    assert objection.command == "modprobe -a ipt_REJECT"


UNREAD: dict[str, tuple[dict[str, Any], str, dict[str, str]]] = {
    "what is needed": ({}, "ct_size", {"fact-unreadable-ct-size-source": "blocker"}),
    "what is good to know": ({}, "modules", {"fact-unreadable-modules-source": "warning"}),
    "of a container that is gone": ({"state": NOT_THERE}, "ct_config", {}),
    "mounts of one that is stopped": ({"state": DOWN}, "ct_mounts", {}),
    "size of one that is stopped": ({"state": DOWN}, "ct_size", {"fact-unreadable-ct-size-source": "blocker"}),
    "its state itself": ({"state": None}, "ct_status", {"fact-unreadable-ct-status-source": "blocker"}),
}


@pytest.mark.parametrize("case", UNREAD)
def test_a_question_without_an_answer(case: str) -> None:
    source, fact, wanted = UNREAD[case]
    assert severities(unread.unread_facts, seen(source=source, unread=(scene.unread(fact),))) == wanted


def test_it_quotes_what_the_tool_said() -> None:
    objection = the_one(unread.unread_facts, seen(unread=(scene.unread("ct_size", said="du: I/O error"),)))
    assert "node-1 did not answer" in objection.text
    assert "du: I/O error" in objection.text
    assert objection.command == "vzlist -aHo diskspace,diskinodes 101; du -sxk /vz/private/101"
