"""To another network and home again, under load, with names that two real servers serve."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from lab import faults
from lab import proof_new_address as there
from lab.demo_fleet import create, fill
from lab.handle import Lab
from lab.load import Load, under_load
from lab.names import TTL_SECONDS, NameServers
from lab.panel import Panel

pytestmark = pytest.mark.lab

RATE_EACH = 20.0
FOLLOW_SECONDS = 300
CONTAINER, NEW_ADDRESS = there.CONTAINER, there.NEW_ADDRESS
LONGEST_WAY_BACK_SECONDS = 60
WANTED = {
    ("mail.example.com", "A"): (CONTAINER.address,),
    ("example.com", "TXT"): (f'"v=spf1 ip4:{CONTAINER.address} -all"',),
    ("104.2.0.192.in-addr.arpa", "PTR"): ("mail.example.com.",),
    ("104.100.51.198.in-addr.arpa", "PTR"): (),
}


@pytest.fixture
def far_lab() -> Iterator[Lab]:
    """One node at home, one in another network."""
    with Lab.start(nodes=2, far_nodes=1) as running:
        yield running


@pytest.fixture
def panel(far_lab: Lab, tmp_path: Path) -> Iterator[Panel]:
    panel = Panel(far_lab, tmp_path / "panel", there.SETTINGS)
    try:
        home = far_lab.node(CONTAINER.node)
        create(home, CONTAINER)
        fill(home, CONTAINER)
        home.run(["vzctl", "start", str(CONTAINER.ctid)])
        panel.set_up()
        panel.start_worker()
        yield panel
    finally:
        panel.stop()


def follow(panel: Panel, number: int, step: str = "") -> dict[str, Any]:
    words = ("lab.follow", str(number), step, str(FOLLOW_SECONDS))
    told: dict[str, Any] = json.loads(panel.run_module(*words, timeout_seconds=FOLLOW_SECONDS + 60))
    return told


def order(panel: Panel, *words: str) -> int:
    return int(json.loads(panel.manage("move", str(CONTAINER.ctid), *words, "--json"))["id"])


def agree(panel: Panel, number: int) -> None:
    """Let a second person say yes to what will change, as soon as that is asked."""
    panel.run_module("lab.agree", str(number), "boris", str(FOLLOW_SECONDS), timeout_seconds=FOLLOW_SECONDS + 60)


def test_it_comes_home_with_all_that_was_written_and_nobody_notices(far_lab: Lab, panel: Panel) -> None:
    far = next(node.name for node in far_lab.nodes if node.name != CONTAINER.node)
    with there.names(far_lab, panel) as servers, far_lab.watch() as watching:
        loads, number = _there_and_back(far_lab, panel, servers, far)
        told = follow(panel, number)
        assert (told["state"], told["failure"]) == ("done", ""), told
        assert told["certificate"]["differences"] == 0
        _assert_names_as_before(servers)
    for load in loads:
        _assert_nothing_lost(far_lab, load)
    assert watching.report.max_copies_running == 1
    _assert_nothing_left(far_lab)


def test_what_fails_in_its_last_moment_is_as_before_within_a_minute(far_lab: Lab, panel: Panel) -> None:
    """Names lowered, approval spent, container stopped, new address given: all of it is taken back."""
    far = next(node for node in far_lab.nodes if node.name != CONTAINER.node)
    with there.names(far_lab, panel) as servers, far_lab.watch() as watching:
        with (
            under_load(far_lab, CONTAINER.address, panel.folder, rate=RATE_EACH) as load,
            faults.tool_does(far, f"vzctl start {CONTAINER.ctid}", exit=50, stderr="boom\n", times=99),
        ):
            time.sleep(1)
            words = ("--to", far.name, "--method", "stream", "--no-fallback", "--new-ip", NEW_ADDRESS, "--as", "ada")
            number = order(panel, *words)
            agree(panel, number)
            told = follow(panel, number)
            time.sleep(1)
        assert (told["state"], told["failure"]) == ("rolled_back", "TargetDoesNotStart"), told
        assert told["way_back_seconds"] < LONGEST_WAY_BACK_SECONDS
        _assert_names_as_before(servers)
    _assert_nothing_lost(far_lab, load)
    assert watching.report.max_copies_running == 1
    _assert_nothing_left(far_lab)


def _assert_names_as_before(servers: NameServers) -> None:
    for server in (servers.primary, servers.secondary):
        said = {key: servers.values(*key, server=server) for key in WANTED}
        assert {key: values for key, (values, _) in said.items()} == WANTED
        assert {ttl for values, ttl in said.values() if values} == {TTL_SECONDS}


def _assert_nothing_lost(lab: Lab, load: Load) -> None:
    assert load.report is not None
    assert load.report["failed_requests"] == 0, load.report["failures"]
    assert load.report["acknowledged_writes"] > 50
    assert load.writes_lost_on(lab.node(CONTAINER.node), CONTAINER.ctid) == 0


def _assert_nothing_left(lab: Lab) -> None:
    for node in lab.nodes:
        left = node.run(["sh", "-c", "ip rule; ip route; ip -br link"]).stdout
        assert "ovzf" not in left
        assert NEW_ADDRESS not in left


def _there_and_back(lab: Lab, panel: Panel, servers: NameServers, far: str) -> tuple[list[Load], int]:
    """Order the way back while the old address is still passed on; one caller follows the name, one never looks."""
    asks = ["--name", CONTAINER.hostname, "--server", servers.primary]
    with ExitStack() as stack:
        loads = [
            stack.enter_context(under_load(lab, CONTAINER.address, panel.folder, rate=RATE_EACH, follow=follow))
            for follow in (asks, [])
        ]
        time.sleep(1)
        first = order(panel, "--to", far, "--method", "stream", "--no-fallback", "--new-ip", NEW_ADDRESS, "--as", "ada")
        agree(panel, first)
        assert follow(panel, first, "stay_until_quiet")["at"] == ["stay_until_quiet"]
        time.sleep(2 * TTL_SECONDS)  # the one who follows writes at the new address by now
        back = order(panel, "--back", "--as", "ada")
        agree(panel, back)
        assert follow(panel, first)["state"] == "done"
        told = follow(panel, back, "stay_until_quiet")
        assert told["at"] == ["stay_until_quiet"], told
        time.sleep(2 * TTL_SECONDS)
    return loads, back
