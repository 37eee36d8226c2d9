"""The part of the proof that changes address and names, with three kinds of callers at once."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from lab.demo_fleet import DemoContainer
from lab.handle import Lab
from lab.load import Load, under_load
from lab.names import TTL_SECONDS, LabZone, NameServers, name_servers
from lab.panel import Panel

CONTAINER = DemoContainer(ctid=104, node="node-1", hostname="mail.example.com", data_mib=24, files=800)
TARGET, NEW_ADDRESS = "node-3", "198.51.100.104"
ZONES = (
    LabZone(
        name="example.com",
        lines=(
            f"mail IN A {CONTAINER.address}",
            "mail IN AAAA 2001:db8::104",
            "@ IN MX 10 mail",
            f'@ IN TXT "v=spf1 ip4:{CONTAINER.address} -all"',
            "www IN CNAME mail",
        ),
    ),
    LabZone(name="2.0.192.in-addr.arpa", lines=("104 IN PTR mail.example.com.",)),
    LabZone(name="100.51.198.in-addr.arpa", lines=()),
)
# What must stand there afterwards, at both servers; nothing: the record is gone.
WANTED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("mail.example.com", "A"): (NEW_ADDRESS,),
    ("mail.example.com", "AAAA"): ("2001:db8::104",),
    ("example.com", "TXT"): (f'"v=spf1 ip4:{NEW_ADDRESS} -all"',),
    ("104.100.51.198.in-addr.arpa", "PTR"): ("mail.example.com.",),
}
SETTINGS = {"OVZ_LOW_TTL_SECONDS": "2", "OVZ_FORWARD_LEAST_SECONDS": "10", "OVZ_FORWARD_QUIET_SECONDS": "5"}
RATE_EACH = 70.0
SETTLE_SECONDS = 2.0
# The one who keeps answers for ten times their TTL has to be given time to look again.
STRETCH = 10
FOLLOW_SECONDS = 400


@contextmanager
def names(lab: Lab, panel: Panel) -> Iterator[NameServers]:
    """Serve the zones, and make them the panel's."""
    with name_servers(lab, ZONES) as servers:
        panel.run_module("lab.enlist_names", input=servers.told())
        yield servers


def prove(lab: Lab, panel: Panel, servers: NameServers) -> tuple[dict[str, Any], list[str]]:
    """Move it under load of all three, and return the figures and every promise about names that did not hold."""
    with lab.watch() as watching:
        loads, number = _move_under_load(lab, panel, servers)
        told = _follow(panel, number, "")
    figures = _figures(lab, told, loads) | {"max_copies_running": watching.report.max_copies_running}
    return figures, [*_broken_names(servers), *_broken_forward(lab, told)]


def _move_under_load(lab: Lab, panel: Panel, servers: NameServers) -> tuple[list[Load], int]:
    asks = ["--name", CONTAINER.hostname, "--server", servers.primary]
    callers: Sequence[Sequence[str]] = ((*asks,), (*asks, "--stretch", str(STRETCH)), ())
    with ExitStack() as stack:
        loads = [
            stack.enter_context(under_load(lab, CONTAINER.address, panel.folder, rate=RATE_EACH, follow=follow))
            for follow in callers
        ]
        time.sleep(SETTLE_SECONDS)
        words = ["move", str(CONTAINER.ctid), "--to", TARGET, "--method", "dump", "--no-fallback", "--json"]
        number = int(json.loads(panel.manage(*words, "--new-ip", NEW_ADDRESS, "--as", "ada"))["id"])
        panel.run_module("lab.agree", str(number), "boris", str(FOLLOW_SECONDS), timeout_seconds=FOLLOW_SECONDS + 60)
        told = _follow(panel, number, "stay_until_quiet")
        print(f"  now at {told['at'] or told['state']}, passed on by {told['forwards']}", file=sys.stderr, flush=True)
        # Long enough for each to have looked again, but for the one who never does.
        time.sleep(SETTLE_SECONDS + TTL_SECONDS + STRETCH * 2)
    return loads, number


def _follow(panel: Panel, number: int, step: str) -> dict[str, Any]:
    said = panel.run_module("lab.follow", str(number), step, str(FOLLOW_SECONDS), timeout_seconds=FOLLOW_SECONDS + 60)
    told: dict[str, Any] = json.loads(said)
    return told


def _figures(lab: Lab, told: Mapping[str, Any], loads: Sequence[Load]) -> dict[str, Any]:
    reports = [load.report or {} for load in loads]
    home = lab.node(TARGET if told["state"] == "done" else CONTAINER.node)
    return {
        "ctid": str(CONTAINER.ctid),
        "method": "dump",
        "cutover": "new_ip",
        "requests": sum(report["requests"] for report in reports),
        "failed_requests": sum(report["failed_requests"] for report in reports),
        "acknowledged_writes": sum(report["acknowledged_writes"] for report in reports),
        "lost_writes": sum(load.writes_lost_on(home, CONTAINER.ctid) for load in loads),
        "longest_stall_s": max(report["longest_stall_s"] for report in reports),
        "freeze_forecast_s": told["freeze_forecast_seconds"],
        "freeze_s": told["freeze_seconds"],
        "total_s": told["total_seconds"],
        "bytes": told["bytes_moved"],
        "memory_kept": None,
        "certificate": (told["certificate"] or {}).get("differences") == 0,
        "state": f"{told['state']} {told['failure']}".strip(),
        "seconds": max(len(reports[0]["seconds"]) - 1, 1),
    }


def _broken_names(servers: NameServers) -> list[str]:
    broken = []
    for server in (servers.primary, servers.secondary):
        for (name, kind), wanted in WANTED.items():
            values, ttl = servers.values(name, kind, server=server)
            if values != wanted:
                broken.append(f"{server} says of {name} {kind}: {values}, wanted {wanted}")
            elif ttl != TTL_SECONDS:
                broken.append(f"{server} has {name} {kind} with a TTL of {ttl} s, before it was {TTL_SECONDS}")
    return broken


def _broken_forward(lab: Lab, told: Mapping[str, Any]) -> list[str]:
    broken = [] if told["forwards"] else ["the old address was never passed on"]
    if any(not forward["new_connections"] for forward in told["forwards"]):
        broken.append("nobody was seen coming to the old address")
    for name in (CONTAINER.node, TARGET):
        left = lab.node(name).run(["sh", "-c", "ip rule; ip route; ip -br link"]).stdout
        if "ovzf" in left or CONTAINER.address in left:
            broken.append(f"{name} still has something of the forward")
    return broken
