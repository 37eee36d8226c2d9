"""A container's network: the stand-in for venet, and who answers for its addresses on the segment.

venet is a point-to-point device without ARP. A veth pair becomes one by giving both ends the same hardware address.
"""

from __future__ import annotations

import os

from . import arp, paths, spawn
from .container import Container

VENET_MAC = "00:18:51:00:00:01"
EVERYWHERE = {4: "0.0.0.0/0", 6: "::/0"}
NOT_NEIGHBOURS = ("lo", "veth", "pen", "tun", "venet")


def namespace(ct: Container) -> str:
    return f"ct{ct.ctid}"


def host_device(ct: Container) -> str:
    return f"veth{ct.ctid}"


def neighbour_devices() -> list[str]:
    """Return the devices on which this node answers for its containers."""
    return sorted(name for name in os.listdir("/sys/class/net") if not name.startswith(NOT_NEIGHBOURS))


def create(ct: Container, addresses: list[str]) -> None:
    """Make the container's network with its addresses inside; nothing outside knows of it yet."""
    space = namespace(ct)
    spawn.must(["ip", "netns", "add", space])
    ip(["link set lo up"], space)
    if addresses:
        create_device(ct)
        add_inside(ct, addresses)


def create_device(ct: Container) -> None:
    device, space = host_device(ct), namespace(ct)
    ip(
        [
            f"link add {device} address {VENET_MAC} type veth peer name venet0 address {VENET_MAC} netns {space}",
            f"link set {device} arp off",
        ]
    )
    ip(["link set venet0 arp off up"], space)


def add_inside(ct: Container, addresses: list[str]) -> None:
    lines = [f"address add {host_route(address)} dev venet0" for address in addresses]
    lines += [f"route replace {EVERYWHERE[family]} dev venet0" for family in sorted({_family(a) for a in addresses})]
    ip(lines, namespace(ct))


def remove_inside(ct: Container, addresses: list[str]) -> None:
    ip([f"address del {host_route(address)} dev venet0" for address in addresses], namespace(ct))


def attach(ct: Container, addresses: list[str]) -> None:
    """Route the addresses to the container and answer for them on the segment."""
    if not addresses:
        return
    lines = [f"link set {host_device(ct)} up"]
    lines += [f"route replace {host_route(address)} dev {host_device(ct)}" for address in addresses]
    for device in neighbour_devices():
        _answer_at_once(device)
        lines += [f"neighbour replace proxy {address} dev {device}" for address in addresses]
    ip(lines)


def detach_lines(ct: Container, addresses: list[str]) -> list[str]:
    """Say how to stop answering for the addresses; with the link down the routes go too."""
    lines = [f"neighbour del proxy {address} dev {device}" for device in neighbour_devices() for address in addresses]
    return [*lines, f"link set {host_device(ct)} down"]


def forget(ct: Container, addresses: list[str]) -> None:
    """Stop routing some addresses of a running container."""
    lines = [f"route del {host_route(address)} dev {host_device(ct)}" for address in addresses]
    for device in neighbour_devices():
        lines += [f"neighbour del proxy {address} dev {device}" for address in addresses]
    ip(lines, force=True)


def has_device(ct: Container) -> bool:
    return os.path.exists(f"/sys/class/net/{host_device(ct)}")


def destroy(ct: Container, addresses: list[str]) -> None:
    if has_device(ct):
        ip([*detach_lines(ct, addresses), f"link del {host_device(ct)}"], force=True)
    if os.path.exists(f"{paths.NETNS_DIR}/{namespace(ct)}"):
        spawn.must(["ip", "netns", "del", namespace(ct)])


def announce(addresses: list[str]) -> None:
    """Tell the segment where the addresses are now: without it, neighbours ask the old node for half a minute."""
    for device in neighbour_devices():
        for address in addresses:
            if _family(address) == 4:
                arp.announce(device, address)


def ip(lines: list[str], space: str = "", *, force: bool = False) -> None:
    words = ["ip", *(["-netns", space] if space else []), *(["-force"] if force else []), "-batch", "-"]
    finished = spawn.run(words, stdin="".join(f"{line}\n" for line in lines))
    if finished.code and not force:
        raise spawn.SpawnFailed(finished)


def host_route(address: str) -> str:
    return f"{address}/{32 if _family(address) == 4 else 128}"


def _family(address: str) -> int:
    return 6 if ":" in address else 4


def _answer_at_once(device: str) -> None:
    # Linux waits up to 0.8 s before it answers for another.
    with open(f"/proc/sys/net/ipv4/neigh/{device}/proxy_delay", "w") as file:
        file.write("0")
