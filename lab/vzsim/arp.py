"""ARP frames, sent and heard on a raw socket."""

from __future__ import annotations

import socket
import struct
import time

ETH_P_ARP = 0x0806
BROADCAST = b"\xff" * 6
NOBODY = b"\x00" * 6
ANYBODY = "0.0.0.0"
LONGEST_FRAME = 2048
REQUEST, REPLY = 1, 2
HEADER = struct.Struct("!6s6sHHHBBH6s4s6s4s")


def open_on(device: str) -> socket.socket:
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ARP))
    sock.bind((device, ETH_P_ARP))
    return sock


def mac_of(sock: socket.socket) -> bytes:
    mac: bytes = sock.getsockname()[4]
    return mac


def frame(mac: bytes, *, operation: int, sender: str, target_mac: bytes, target: str) -> bytes:
    words = (socket.inet_aton(sender), target_mac, socket.inet_aton(target))
    return HEADER.pack(BROADCAST, mac, ETH_P_ARP, 1, 0x0800, 6, 4, operation, mac, *words)


def announce(device: str, address: str) -> None:
    with open_on(device) as sock:
        mac = mac_of(sock)
        for operation in (REQUEST, REPLY):
            target = NOBODY if operation == REQUEST else BROADCAST
            sock.send(frame(mac, operation=operation, sender=address, target_mac=target, target=address))


def parse_reply(data: bytes) -> tuple[str, bytes] | None:
    """Return the sender's address and hardware address of an ARP reply."""
    if len(data) < HEADER.size:
        return None
    *_, operation, mac, sender, _target_mac, _target = HEADER.unpack_from(data)
    return (socket.inet_ntoa(sender), mac) if operation == REPLY else None


def ask(sock: socket.socket, targets: list[str], *, sender: str = ANYBODY) -> None:
    mac = mac_of(sock)
    for target in targets:
        sock.send(frame(mac, operation=REQUEST, sender=sender, target_mac=NOBODY, target=target))


def hear_answer(sock: socket.socket, targets: list[str], *, seconds: float) -> tuple[str, bytes] | None:
    """Return the first answer for one of the addresses that is not our own, None if the time runs out."""
    own, deadline = mac_of(sock), time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            reply = parse_reply(sock.recv(LONGEST_FRAME))
        except TimeoutError:
            break
        if reply and reply[0] in targets and reply[1] != own:
            return reply
    return None


def somebody_has(device: str, address: str, *, seconds: float) -> bool:
    with open_on(device) as sock:
        ask(sock, [address])
        return hear_answer(sock, [address], seconds=seconds) is not None
