"""Kernels, tools, clocks, and what can be installed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from migrations_app.strategies.prechecks import clocks, kind, preparation
from tests.strategies.prechecks import scene
from tests.strategies.prechecks.scene import KERNEL, seen, severities, the_one, tools

OLDER = replace(KERNEL, release="2.6.32-042stab120.1")
VZ7 = replace(KERNEL, release="3.10.0-1160.53.1.vz7.185.3", vz_version="")
PLAIN = replace(KERNEL, release="6.1.0-18-amd64", vz_version="", is_openvz=False)

KERNELS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "the same": ({"method": "live"}, {}),
    "another architecture": (
        {"target": {"kernel": replace(KERNEL, machine="i686")}},
        {"architecture-differs": "blocker"},
    ),
    "another line": ({"source": {"kernel": VZ7}}, {"family-differs": "blocker", "kernel-older": "note"}),
    "no OpenVZ": ({"target": {"kernel": PLAIN}}, {"not-openvz-target": "blocker"}),
    "older, live": (
        {"target": {"kernel": OLDER}, "method": "live", "fall_back_to_dump": False},
        {"kernel-older": "blocker"},
    ),
    "older, live with a way back": ({"target": {"kernel": OLDER}, "method": "live"}, {"kernel-older": "warning"}),
    "older, auto": ({"target": {"kernel": OLDER}, "method": "auto"}, {"kernel-older": "note"}),
    "older, stream": ({"target": {"kernel": OLDER}}, {"kernel-older": "note"}),
    "newer": ({"source": {"kernel": OLDER}, "method": "live"}, {}),
    "unknown": ({"source": {"kernel": None}, "method": "live"}, {}),
}


@pytest.mark.parametrize("case", KERNELS)
def test_kernels(case: str) -> None:
    changes, wanted = KERNELS[case]
    assert severities(kind.kernels, seen(**changes)) == wanted


def test_an_older_kernel_is_named_with_both_releases() -> None:
    objection = the_one(kind.kernels, seen(target={"kernel": OLDER}, method="live"))
    assert OLDER.release in objection.text
    assert KERNEL.release in objection.text
    assert "fall back to dump" in objection.way_out


def test_a_service_that_is_down_comes_with_the_command_that_starts_it() -> None:
    objection = the_one(kind.service, seen(target={"service_runs": False}))
    assert (objection.check_id, objection.command) == ("service-down-target", "/etc/init.d/vz start")


@pytest.mark.parametrize(("version", "refused"), [("4.2", True), ("3.0.28", True), ("4.3", False), ("7.0.194", False)])
def test_vzctl_must_notice_failed_copies(version: str, refused: bool) -> None:
    facts = seen(source={"tools": scene.facts.Tools(versions={"vzctl": version})})
    assert severities(kind.vzctl, facts) == ({"vzctl-version-source": "blocker"} if refused else {})


def test_a_missing_vzctl_is_said_to_be_missing() -> None:
    assert "node-1 has no vzctl" in the_one(kind.vzctl, seen(source={"tools": tools(without="vzctl")})).text


@pytest.mark.parametrize(("addresses", "wanted"), [((scene.ADDRESS,), {"arping-missing-target": "warning"}), ((), {})])
def test_arping_matters_where_there_is_an_address(addresses: tuple[str, ...], wanted: dict[str, str]) -> None:
    facts = seen(target={"tools": tools(without="arping")}, addresses=addresses)
    assert severities(kind.looking_on_the_wire, facts) == wanted


INSTALLED: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "rsync on the source": ({"source": {"tools": tools(without="rsync")}}, {"rsync-missing-source": "blocker"}),
    "rsync on the target": ({"target": {"tools": tools(without="rsync")}}, {"rsync-missing-target": "blocker"}),
    "vzdump for dump": (
        {"source": {"tools": tools(without="vzdump")}, "method": "dump"},
        {"vzdump-missing-source": "blocker"},
    ),
    "vzdump to fall back on": (
        {"source": {"tools": tools(without="vzdump")}, "method": "live"},
        {"vzdump-missing-source": "warning"},
    ),
    "vzdump where nothing falls back": (
        {"source": {"tools": tools(without="vzdump")}, "method": "live", "fall_back_to_dump": False},
        {},
    ),
    "vzdump for auto": (
        {"source": {"tools": tools(without="vzdump")}, "method": "auto"},
        {"vzdump-missing-source": "note"},
    ),
    "vzdump for stream": ({"source": {"tools": tools(without="vzdump")}}, {}),
    "vzrestore alone is enough to restore": (
        {"target": {"tools": tools(without="vzdump")}, "method": "dump"},
        {},
    ),
    "neither on the target": (
        {"target": {"tools": tools(without="vzdump vzrestore")}, "method": "dump"},
        {"vzdump-missing-target": "blocker"},
    ),
    "no NTP client": ({"source": {"ntp_client": ""}}, {"ntp-missing-source": "warning"}),
    "an NTP client nobody could look for": ({"source": {"ntp_client": None}}, {}),
}


@pytest.mark.parametrize("case", INSTALLED)
def test_what_can_be_installed(case: str) -> None:
    changes, wanted = INSTALLED[case]
    assert severities(preparation.installed, seen(**changes)) == wanted


def test_what_can_be_installed_comes_with_the_command_the_gate_would_run() -> None:
    objection = the_one(preparation.installed, seen(target={"tools": tools(without="rsync")}))
    assert objection.command == "yum -y install rsync"
    assert "node-2's page" in objection.way_out


CLOCKS: dict[str, tuple[float | None, float | None, dict[str, str]]] = {
    "together": (0.4, -0.4, {}),
    "at the limit": (2.0, 2.0, {}),
    "ahead": (2.5, 1.0, {"clock-off-source": "blocker"}),
    "behind": (0.0, -86_400.0, {"clock-off-target": "blocker"}),
    "both off alike, so the panel's is": (9.0, 9.0, {"clock-off-source": "blocker", "clock-off-target": "blocker"}),
    "each within, but apart": (1.5, -1.5, {"clocks-apart": "blocker"}),
    "one unknown": (None, 0.0, {}),
}


@pytest.mark.parametrize("case", CLOCKS)
def test_clocks(case: str) -> None:
    here, there, wanted = CLOCKS[case]
    facts = seen(source={"clock_offset_seconds": here}, target={"clock_offset_seconds": there})
    assert severities(clocks.clocks, facts) == wanted


def test_a_clock_that_is_off_is_told_in_seconds_and_set_as_its_client_wants() -> None:
    objection = the_one(clocks.clocks, seen(source={"clock_offset_seconds": -3.21, "ntp_client": "ntpd"}))
    assert objection.text == "node-1's clock is 3.2 s behind the panel's; 2 s are allowed."
    assert objection.command.startswith("service ntpd stop; ntpd -gq")
