"""Two nodes in two networks with a router between them, a client beyond it, and one container's network."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field

OLD, NEW = "192.0.2.101", "198.51.100.101"
OLD_NODE, NEW_NODE, CLIENT = "192.0.2.11", "198.51.100.12", "203.0.113.9"
PLACES = ("router", "old", "new", "client", "ct")
NETS = {"old": ("192.0.2.1/24", f"{OLD_NODE}/24"), "new": ("198.51.100.1/24", f"{NEW_NODE}/24")} | {
    "client": ("203.0.113.1/24", f"{CLIENT}/24")
}
# Says what it sees: whoever asks is told the address it came from.
SERVE = """
import socket
listener = socket.create_server(("", 80), reuse_port=True)
while True:
    one, peer = listener.accept()
    one.recv(99)
    one.sendall(peer[0].encode())
    one.close()
"""
ASK = """
import socket, sys
with socket.create_connection((sys.argv[1], 80), timeout=3) as one:
    one.sendall(b"?")
    print(one.recv(99).decode())
"""


@dataclass
class Wires:
    """Places by name; each is a network of its own, held by a process."""

    holders: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def build(self) -> None:
        for name in PLACES:
            self.holders[name] = subprocess.Popen(["unshare", "-n", "sleep", "infinity"])
        for name, holder in self.holders.items():
            self._await_own_network(holder.pid)
            self.ip(name, "link set lo up")
        for name, (gateway, own) in NETS.items():
            self._cable(name, gateway, own)
        for name in ("router", "old", "new"):
            self.run(name, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
        # As venet does it: the container is reached by a route, and the node answers for it on the wire.
        self.ip("new", f"link add venet0 type veth peer name eth0 netns {self.holders['ct'].pid}")
        self.ip("new", "link set venet0 address 02:00:00:00:00:09 arp off up")
        self.ip("ct", "link set eth0 address 02:00:00:00:00:09 arp off up")
        self.ip("ct", "route add default dev eth0")
        self.give_container(NEW)
        self.ip("new", f"neighbour add proxy {NEW} dev eth0")
        self.holders["service"] = subprocess.Popen([*self.inside("ct"), sys.executable, "-c", SERVE])

    def give_container(self, address: str) -> None:
        self.ip("ct", f"address add {address}/32 dev eth0")
        self.ip("new", f"route add {address} dev venet0")

    def inside(self, place: str) -> list[str]:
        return ["nsenter", f"--net=/proc/{self.holders[place].pid}/ns/net", "--"]

    def run(self, place: str, *words: str) -> str:
        done = subprocess.run([*self.inside(place), *words], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def ip(self, place: str, words: str) -> None:
        self.run(place, "ip", *words.split())

    def ask(self, address: str) -> str:
        """Ask the service at an address as the client; return whom it saw, empty where nothing answers."""
        words = [*self.inside("client"), sys.executable, "-c", ASK, address]
        deadline = time.monotonic() + 5
        while True:
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.returncode == 0 or "refused" not in done.stderr or time.monotonic() > deadline:
                return done.stdout.strip()
            time.sleep(0.05)

    def end(self) -> None:
        for holder in self.holders.values():
            holder.kill()
        for holder in self.holders.values():
            holder.wait()

    def _cable(self, name: str, gateway: str, own: str) -> None:
        self.ip("router", f"link add to-{name} type veth peer name eth0 netns {self.holders[name].pid}")
        self.ip("router", f"address add {gateway} dev to-{name}")
        self.ip("router", f"link set to-{name} up")
        self.ip(name, f"address add {own} dev eth0")
        self.ip(name, "link set eth0 up")
        self.ip(name, f"route add default via {gateway.partition('/')[0]}")

    @staticmethod
    def _await_own_network(pid: int) -> None:
        deadline = time.monotonic() + 5
        while os.readlink(f"/proc/{pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            assert time.monotonic() < deadline
            time.sleep(0.002)
