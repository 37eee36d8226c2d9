"""Faults on demand. Each is a context manager: what it broke is whole again afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab import network
from lab.handle import Lab, LabNode

PLANS = "/run/vzsim/faults.json"
FILLER = "/vz/.filled-by-the-lab"
PACKAGES = "/usr/share/lab-packages"
# Reserving is quick, but the file system's own records need a little room; only the last megabytes are really written.
FILL = """
free=$(df -Pm /vz | awk 'NR == 2 { print $4 }')
spare=$1
[ "$spare" -gt 0 ] || spare=16
[ "$free" -le "$spare" ] || fallocate -l "$((free - spare))MiB" "$2"
[ "$1" -gt 0 ] || cat /dev/zero >>"$2" 2>/dev/null || sync
"""
BURST_BYTES = 16_000
QUEUE_MILLISECONDS = 400
# In the way of the real program, so that it is met by whoever asks for the time by any name.
SKEWED_DATE = """\
#!/bin/sh
[ "$1" = -u ] && shift && set -- "$@" && utc=-u
moment=$(/usr/bin/date.real +%s.%N)
exec /usr/bin/date.real $utc -d "@$(echo "$moment {skew_seconds}" | awk '{{printf "%.9f", $1 + $2}}')" "$@"
"""
MOVE_IF_THERE = 'if [ -e "$1" ]; then mkdir -p "$(dirname "$2")" && mv "$1" "$2"; fi'


@contextmanager
def cut_link(lab: Lab, *places: str) -> Iterator[None]:
    """Unplug nodes (or "panel", "client") from the switch: packets to and from them are lost in silence."""
    switch = lab.place_pid("switch")
    network.ip_batch(switch, [f"link set {network.port_name(place)} nomaster" for place in places])
    try:
        yield
    finally:
        network.ip_batch(
            switch, [f"link set {network.port_name(place)} master {network.HOME.bridge}" for place in places]
        )


@contextmanager
def slow_link(lab: Lab, place: str, *, kbit_per_second: int) -> Iterator[None]:
    """Let only so much through the cable of a place, in each direction."""
    ends = [(lab.place_pid("switch"), network.port_name(place)), (lab.holder_pid(place), "eth0")]
    shape = f"root tbf rate {kbit_per_second}kbit burst {BURST_BYTES} latency {QUEUE_MILLISECONDS}ms"
    for pid, device in ends:
        network.tc(pid, f"qdisc replace dev {device} {shape}")
    try:
        yield
    finally:
        for pid, device in ends:
            network.tc(pid, f"qdisc delete dev {device} root")


@contextmanager
def full_disk(node: LabNode, *, leave_mib: int = 0) -> Iterator[None]:
    """Fill /vz until no more than so much is left."""
    node.run(["sh", "-c", FILL, "sh", str(leave_mib), FILLER])
    try:
        yield
    finally:
        node.run(["rm", "-f", FILLER])


def kill_process(node: LabNode, name: str) -> None:
    """Kill -9 every process of that name on a node; there must be one."""
    node.run(["pkill", "-KILL", "-x", name])


@contextmanager
def tool_does(node: LabNode, call: str, **plan: Any) -> Iterator[None]:
    """Make an emulated tool misbehave.

    `call` is a tool, with a verb and a CTID if wanted ("vzmigrate", "vzctl start 101"), and after an @ the message at
    which it happens; the plan is made of `exit`, `stdout`, `stderr`, `hang_seconds`, `signal` and `times`.
    """
    _change_plans(node, call, plan)
    try:
        yield
    finally:
        _change_plans(node, call, None)


def _change_plans(node: LabNode, call: str, plan: dict[str, Any] | None) -> None:
    told = node.run(["cat", PLANS], check=False).stdout
    plans = {key: value for key, value in json.loads(told or "{}").items() if key != call}
    if plan is not None:
        plans[call] = plan
    node.put(PLANS, json.dumps(plans)) if plans else node.run(["rm", "-f", PLANS])


@contextmanager
def clock_off(node: LabNode, *, seconds: float) -> Iterator[None]:
    """Make `date` tell another time; the kernel's clock is the machine's own and stays."""
    node.run(["cp", "-p", "/usr/bin/date", "/usr/bin/date.real"])
    node.put("/usr/bin/date", SKEWED_DATE.format(skew_seconds=seconds), mode=0o755)
    try:
        yield
    finally:
        node.run(["mv", "/usr/bin/date.real", "/usr/bin/date"])


@contextmanager
def ntp_stopped(node: LabNode) -> Iterator[None]:
    node.run(["/etc/init.d/chrony", "stop"])
    try:
        yield
    finally:
        node.run(["/etc/init.d/chrony", "start"])


@contextmanager
def tool_missing(node: LabNode, program: str) -> Iterator[None]:
    """Uninstall a program, given by its path; the node's package source has it, so it can be installed again."""
    waiting = f"{PACKAGES}/{program.rpartition('/')[2]}"
    node.run(["sh", "-c", MOVE_IF_THERE, "sh", program, waiting])
    try:
        yield
    finally:
        node.run(["sh", "-c", 'if [ ! -e "$1" ]; then cp -p "$2" "$1"; fi', "sh", program, waiting])
