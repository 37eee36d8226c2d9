"""Keep the packets that come for a frozen container, and deliver them once it is clear where it lives.

A real OpenVZ kernel carries half-open connections through a checkpoint; CRIU cannot. So new connections wait outside,
in a tun device nobody reads: their first packets are held from the moment of suspending, everything else from the
moment of dumping. On release all of it is put back at the node's door and goes where the routes then point: into the
container here, or over the segment to the node that has it now. Nothing that comes after the release is relayed.
"""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import time

from . import network, paths, spawn
from .container import Container

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
LONGEST_PACKET = 65536
HELD_PACKETS = 10_000
#: late packets: those that were on their way to the pen when the routes changed
LINGER_SECONDS = 0.02


def device(ct: Container) -> str:
    return f"pen{ct.ctid}"


def hold_new_connections(ct: Container, addresses: list[str]) -> None:
    """Open the pen and send the first packet of every new connection there."""
    if not addresses:
        return
    _keep(ct)
    table = _table(ct)
    network.ip(
        [
            f"link set {device(ct)} txqueuelen {HELD_PACKETS} up",
            f"route add default dev {device(ct)} table {table}",
            f"rule add fwmark {table} lookup {table}",
        ]
    )
    _mark(ct, addresses, "-A")


def everything_lines(ct: Container, addresses: list[str]) -> list[str]:
    return [f"rule add to {address} lookup {_table(ct)}" for address in addresses if ":" not in address]


def release(ct: Container, addresses: list[str]) -> None:
    """Close the pen and deliver what it holds; harmless where no pen is open."""
    pid = _keeper(ct)
    if not pid:
        return
    table = _table(ct)
    stop = [f"rule del to {address} lookup {table}" for address in addresses if ":" not in address]
    network.ip([*stop, f"rule del fwmark {table} lookup {table}"], force=True)
    os.unlink(_pid_file(ct))
    os.kill(pid, signal.SIGTERM)
    _mark(ct, addresses, "-D")


def is_open(ct: Container) -> bool:
    return bool(_keeper(ct))


def _mark(ct: Container, addresses: list[str], verb: str) -> None:
    for address in addresses:
        if ":" not in address:
            words = ["-d", address, "-p", "tcp", "--syn", "-j", "MARK", "--set-mark", str(_table(ct))]
            spawn.run(["iptables", "-w", "-t", "mangle", verb, "PREROUTING", *words])


def _table(ct: Container) -> int:
    """Return a number no other table and no other mark has: CTIDs end below 2^31."""
    return ct.ctid + (1 << 31)


def _pid_file(ct: Container) -> str:
    return f"{paths.state_dir(ct.ctid)}/pen.pid"


def _keeper(ct: Container) -> int:
    try:
        with open(_pid_file(ct)) as file:
            pid = int(file.read())
        os.kill(pid, 0)
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pid


def _keep(ct: Container) -> None:
    """Start the process that holds the device; when it goes, however it goes, the device goes with it."""
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH14x", device(ct).encode(), IFF_TUN | IFF_NO_PI))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    pid = os.fork()
    if pid == 0:
        try:
            _hold_until_told(tun)
        finally:
            os._exit(0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    os.close(tun)
    with open(_pid_file(ct), "w") as file:
        file.write(str(pid))


def _hold_until_told(tun: int) -> None:
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.closerange(3, tun)
    os.closerange(tun + 1, 1024)
    signal.sigwait({signal.SIGTERM})
    _deliver(tun)
    time.sleep(LINGER_SECONDS)
    _deliver(tun)


def _deliver(tun: int) -> None:
    while True:
        try:
            packet = os.read(tun, LONGEST_PACKET)
        except BlockingIOError:
            return
        os.write(tun, packet)
