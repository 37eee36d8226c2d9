"""The lab's network: one switch, and a cable from it to every place."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from lab import anchor

BORN_WITHIN_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A stretch of network in which everybody hears everybody."""

    bridge: str
    network: IPv4Network

    def address(self, host: int) -> IPv4Address:
        return self.network[host]

    def with_prefix(self, address: IPv4Address) -> str:
        return f"{address}/{self.network.prefixlen}"


HOME = Segment(bridge="br0", network=IPv4Network("192.0.2.0/24"))
# Another network, as of another hall: reached through a router, and no address can be kept on the way there.
FAR = Segment(bridge="br1", network=IPv4Network("198.51.100.0/24"))
ROUTER_HOST = 1
PANEL_HOST = 5
CLIENT_HOST = 9
FIRST_NODE_HOST = 11


def node_address(number: int, segment: Segment = HOME) -> IPv4Address:
    return segment.address(FIRST_NODE_HOST + number - 1)


def segment_of(address: IPv4Address) -> Segment:
    return FAR if address in FAR.network else HOME


def lead_over(pid: int, segment: Segment) -> None:
    """Tell a place of this segment how the other one is reached."""
    other = HOME if segment is FAR else FAR
    ip_batch(pid, [f"route add {other.network} via {segment.address(ROUTER_HOST)}"])


def join_segments(switch: int, router: int) -> None:
    """Make a place the router between both segments."""
    for segment in (HOME, FAR):
        port = f"v-router-{segment.bridge}"
        ip_batch(
            switch,
            [
                f"link add {port} type veth peer name {segment.bridge} netns {router}",
                f"link set {port} master {segment.bridge} up",
            ],
        )
        gateway = segment.with_prefix(segment.address(ROUTER_HOST))
        ip_batch(router, [f"address add {gateway} dev {segment.bridge}", f"link set {segment.bridge} up"])
    allow = "echo 1 >/proc/sys/net/ipv4/ip_forward"
    subprocess.run([*anchor.network_of(router), "sh", "-c", allow], check=True, capture_output=True)


def port_name(place: str) -> str:
    """Name the switch's end of a place's cable."""
    return f"v-{place}"


def card_of(address: IPv4Address) -> str:
    """A place keeps its hardware address over a loss of power, as a network card does."""
    return ":".join(f"{octet:02x}" for octet in (0x02, 0x4F, *address.packed))


def open_place(run_id: str) -> subprocess.Popen[bytes]:
    """Start a process that holds a network of its own."""
    holder = anchor.spawn(["unshare", "-n", "sleep", "infinity"], run_id=run_id)
    wait_for_own_network(holder.pid)
    return holder


def wait_for_own_network(pid: int) -> None:
    ours = os.readlink("/proc/self/ns/net")
    deadline = time.monotonic() + BORN_WITHIN_SECONDS
    while os.readlink(f"/proc/{pid}/ns/net") == ours:
        if time.monotonic() > deadline:
            raise TimeoutError(f"process {pid} made no network of its own within {BORN_WITHIN_SECONDS} s")
        time.sleep(0.002)


def switch_on(switch: int, segments: Iterable[Segment] = (HOME,)) -> None:
    lines = ["link set lo up"]
    for segment in segments:
        lines += [f"link add {segment.bridge} type bridge forward_delay 0", f"link set {segment.bridge} up"]
    ip_batch(switch, lines)


def plug_in(switch: int, place: str, pid: int, address: IPv4Address, segment: Segment = HOME) -> None:
    """Lay a cable from the switch to the network that a process holds, and give its end an address."""
    port = port_name(place)
    ip_batch(
        switch,
        [
            f"link add {port} type veth peer name eth0 address {card_of(address)} netns {pid}",
            f"link set {port} master {segment.bridge} up",
        ],
    )
    ip_batch(
        pid,
        [
            "link set lo up",
            f"address add {segment.with_prefix(address)} dev eth0",
            "link set eth0 up",
        ],
    )


def unplug(switch: int, place: str) -> None:
    """Take the cable out; that it is gone already is fine, since a dead node takes its end along."""
    subprocess.run([*anchor.network_of(switch), "ip", "link", "delete", port_name(place)], capture_output=True)


def ip_batch(pid: int, lines: Iterable[str]) -> None:
    subprocess.run(
        [*anchor.network_of(pid), "ip", "-batch", "-"],
        input="\n".join(lines) + "\n",
        text=True,
        check=True,
        capture_output=True,
    )


def tc(pid: int, words: str) -> None:
    subprocess.run([*anchor.network_of(pid), "tc", *words.split()], check=True, capture_output=True)
