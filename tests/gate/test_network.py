"""Freezing an address drops what is new, keeps what has begun, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gate.rig import Gate

A, B = "192.0.2.101", "192.0.2.102"

# The table as a file: -S shows it, a restore replaces the one chain and adds the jump.
IPTABLES = """
[ "$*" = "-S FORWARD" ] && { echo "-P FORWARD DROP"; cat @ROOT@/jump 2>/dev/null; exit 0; }
[ "$*" = "-S ovz-freeze" ] && [ -e @ROOT@/@NAME@.chain ] && exit 0
exit 1
"""
RESTORE = """
cat >@ROOT@/given
[ -e @ROOT@/no_conntrack ] && grep -q conntrack @ROOT@/given && exit 2
grep -q '^-I FORWARD' @ROOT@/given && echo "-A FORWARD -j ovz-freeze" >@ROOT@/jump
grep '^-A ovz-freeze' @ROOT@/given >@ROOT@/@NAME@.chain || :
"""


@pytest.fixture
def firewall(gate: Gate) -> Gate:
    for name in ("iptables", "ip6tables"):
        gate.tool(name, IPTABLES)
        gate.tool(f"{name}-restore", RESTORE)
    return gate


def _chain(gate: Gate, name: str = "iptables") -> list[str]:
    file = gate.root / f"{name}-restore.chain"
    return file.read_text().splitlines() if file.exists() else []


def test_it_drops_new_connections_and_never_rejects(firewall: Gate) -> None:
    assert firewall.do(f"101 1 freeze {A}").rc == 0
    assert _chain(firewall) == [
        f"-A ovz-freeze -d {A} -p tcp --syn -j DROP",
        f"-A ovz-freeze -d {A} ! -p tcp -m conntrack --ctstate NEW -j DROP",
    ]
    assert (firewall.root / "given").read_text().count("-I FORWARD 1 -j ovz-freeze") == 1


def test_freezing_again_adds_nothing(firewall: Gate) -> None:
    firewall.do(f"101 1 freeze {A}")
    before = _chain(firewall)
    assert firewall.do(f"101 1 freeze {A}").rc == 0
    assert _chain(firewall) == before
    assert "-I FORWARD" not in (firewall.root / "given").read_text()


def test_containers_are_frozen_apart(firewall: Gate) -> None:
    firewall.do(f"101 1 freeze {A}")
    firewall.do(f"102 1 freeze {B}")
    assert len(_chain(firewall)) == 4
    assert firewall.do(f"102 1 unfreeze {A}").rc == 9
    assert firewall.do(f"102 1 freeze {A}").rc == 9
    assert firewall.do(f"101 1 unfreeze {A}").rc == 0
    assert all(B in rule for rule in _chain(firewall))


def test_a_flushed_firewall_is_put_right_by_freezing_again(firewall: Gate) -> None:
    firewall.do(f"101 1 freeze {A}")
    (firewall.root / "jump").unlink()
    (firewall.root / "iptables-restore.chain").unlink()
    firewall.do(f"101 1 freeze {A}")
    assert len(_chain(firewall)) == 2
    assert (firewall.root / "jump").exists()


def test_unfreezing_leaves_no_rule(firewall: Gate) -> None:
    firewall.do(f"101 1 freeze {A} 2001:db8::7")
    assert len(_chain(firewall, "ip6tables")) == 2
    for _ in range(2):
        assert firewall.do(f"101 1 unfreeze {A} 2001:db8::7").rc == 0
    assert not _chain(firewall)
    assert not list((firewall.state / "frozen").glob("*:*"))
    assert not (firewall.state / "frozen" / A).exists()


def test_a_kernel_that_tracks_nothing_still_freezes_tcp(firewall: Gate) -> None:
    (firewall.root / "no_conntrack").touch()
    answer = firewall.do(f"101 1 freeze {A}")
    assert answer.rc == 0
    assert "only new TCP" in answer.err
    assert _chain(firewall) == [f"-A ovz-freeze -d {A} -p tcp --syn -j DROP"]


def test_a_failing_firewall_is_an_error(gate: Gate) -> None:
    gate.tool("iptables", IPTABLES)
    gate.tool("iptables-restore", "cat >/dev/null; exit 1\n")
    assert gate.do(f"101 1 freeze {A}").rc != 0


def test_it_announces_on_the_device_that_faces_the_address(gate: Gate) -> None:
    gate.tool("arpsend")
    gate.tool(
        "ip",
        "echo '2: eth0    inet 192.0.2.11/24 brd 192.0.2.255 scope global eth0'\n"
        "echo '3: eth1    inet 10.0.0.1/8 scope global eth1'\n"
        "echo '4: venet0    inet 192.0.2.1/24 scope global venet0'\n",
    )
    assert gate.do(f"101 1 announce {A} 3").rc == 0
    assert gate.calls == [f"arpsend -U -i {A} -c 1 eth0"]
    assert gate.do("101 1 announce 198.51.100.7 3").rc == 1


def test_it_repeats_the_announcement_after_it_has_answered(gate: Gate) -> None:
    gate.tool("arpsend")
    gate.tool("ip", "echo '2: eth0    inet 192.0.2.11/24 scope global eth0'\n")
    assert gate.do(f"101 1 announce {A} 3").rc == 0
    deadline = time.monotonic() + 10
    while len(gate.calls) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gate.calls == [f"arpsend -U -i {A} -c 1 eth0", f"arpsend -U -i {A} -c 2 eth0"]


def ip_says(gate: Gate, *, own: str = "", route: str = "", neighbour: str = "") -> None:
    """Stand in for ip: a device in 192.0.2.0/24, and what it says of own addresses, routes and neighbours."""
    gate.tool(
        "ip",
        'echo "ip $*" >>@ROOT@/calls\n'
        "case $* in\n"
        f"*'addr show to'*) echo '{own}' ;;\n"
        f"*'route get'*) echo '{route}' ;;\n"
        f"*'neighbour show'*) echo '{neighbour}' ;;\n"
        "*'addr show scope'*) echo '2: eth0    inet 192.0.2.11/24 scope global eth0' ;;\n"
        "esac\n",
    )


A6 = "2001:db8::101"


def test_it_tells_who_answers_for_an_address(gate: Gate) -> None:
    ip_says(gate)
    gate.tool("arping", f"echo 'Unicast reply from {A} [02:4F:C0:00:02:0B]  0.6ms'\n")
    assert gate.ask(f"arp_owner,{A}").out == "02:4f:c0:00:02:0b\n"
    assert gate.ask("arp_owner,198.51.100.7").rc == 1


def test_it_tells_of_all_who_answer(gate: Gate) -> None:
    """The first answer is not the end: a second machine may be slower."""
    ip_says(gate)
    gate.tool(
        "arping",
        f"echo 'Unicast reply from {A} [02:4F:C0:00:02:0B]'; echo 'Unicast reply from {A} [02:00:00:00:00:99]'\n"
        'echo "arping $*" >>@ROOT@/calls\n',
    )
    assert gate.ask(f"arp_owner,{A}").out == "02:00:00:00:00:99\n02:4f:c0:00:02:0b\n"
    assert f"arping -c 2 -w 2 -I eth0 {A}" in gate.calls


def test_an_address_of_the_node_itself_is_answered_by_itself(gate: Gate) -> None:
    ip_says(gate, own=f"1: lo    inet {A}/32 scope global lo")
    gate.tool("arping")
    assert gate.ask(f"arp_owner,{A}").out == "00:00:00:00:00:00\n"
    assert not any(call.startswith("arping") for call in gate.calls)


def test_for_ipv6_the_kernel_is_made_to_ask_its_neighbours(gate: Gate) -> None:
    ip_says(gate, route=f"{A6} dev eth0 src 2001:db8::11 metric 256", neighbour=f"{A6} lladdr 02:4F:C0:00:02:0B STALE")
    gate.tool("ping6")
    assert gate.ask(f"arp_owner,{A6}").out == "02:4f:c0:00:02:0b\n"
    asked = [call for call in gate.calls if "neighbour" in call or "ping" in call]
    assert [call.split()[:3] for call in asked] == [
        ["ip", "-6", "neighbour"],
        ["ping6", "-n", "-q"],
        ["ip", "-6", "neighbour"],
    ]


@pytest.mark.parametrize(
    "route", [f"{A6} via fe80::1 dev eth0 src 2001:db8::11", f"{A6} dev venet0 src 2001:db8::11", ""]
)
def test_an_address_of_ipv6_behind_a_router_or_a_container_is_on_no_wire(gate: Gate, route: str) -> None:
    ip_says(gate, route=route)
    gate.tool("ping6")
    answer = gate.ask(f"arp_owner,{A6}")
    assert (answer.rc, answer.out) == (1, "")
    assert "no device of this node lies in the network" in answer.err


# A server in a network of its own, whose root is the container's; each word makes one connection of that kind.
GUEST = r"""
import encodings.idna, os, socket, subprocess, sys, time
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
subprocess.run(["ip", "addr", "add", "192.0.2.101/32", "dev", "lo"], check=True)
os.chroot(sys.argv[1])
server, kept = socket.create_server(("192.0.2.101", 8080)), []
print("ready", flush=True)
for line in sys.stdin:
    client = socket.create_connection(("192.0.2.101", 8080))
    peer, _ = server.accept()
    kept += [client, peer]
    time.sleep(0.05)
    if line != "silent\n":
        client.sendall(b"ask")
    if line in ("working\n", "answered\n"):
        peer.recv(3)
        time.sleep(0.05)
    if line == "answered\n":
        peer.sendall(b"answer")
        client.recv(6)
    print("ready", flush=True)
"""


class _Guest:
    def __init__(self, root: Path) -> None:
        root.mkdir()
        self.process = subprocess.Popen(
            ["unshare", "-n", sys.executable, "-c", GUEST, root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._await_ready()

    def connect(self, kind: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{kind}\n")
        self.process.stdin.flush()
        self._await_ready()

    def _await_ready(self) -> None:
        assert self.process.stdout
        assert self.process.stdout.readline() == "ready\n"


@pytest.fixture
def guest(gate: Gate) -> Iterator[_Guest]:
    made = _Guest(gate.root / "mnt" / "101")
    yield made
    made.process.kill()
    made.process.communicate()


def test_only_connections_with_work_count(gate: Gate, guest: _Guest) -> None:
    """Seen from the server: a request not read yet, or read and not answered, is work; an idle connection is not."""
    assert gate.do(f"101 1 drained {A}").out == "0\n"
    guest.connect("silent")
    assert gate.do(f"101 1 drained {A}").out == "0\n"
    guest.connect("unread")
    assert gate.do(f"101 1 drained {A}").out == "1\n"
    guest.connect("answered")
    assert gate.do(f"101 1 drained {A}").out == "1\n"
    guest.connect("working")
    assert gate.do(f"101 1 drained {A}").out == "2\n"


def test_without_a_way_in_the_tracker_is_asked(gate: Gate) -> None:
    gate.tool("conntrack", "echo 'tcp 6 431999 ESTABLISHED src=1'; echo 'tcp 6 43 ESTABLISHED src=2'; echo 'udp 17'\n")
    assert gate.do(f"101 1 drained {A}").out == "2\n"


def test_a_closed_tracker_says_zero(gate: Gate) -> None:
    gate.tool("conntrack", "exit 0\n")
    assert gate.do(f"101 1 drained {A}").out == "0\n"


def test_racing_freezes_lose_no_address(firewall: Gate) -> None:
    def freeze(number: int) -> None:
        firewall.do(f"{number} 1 freeze 192.0.2.{number}")

    threads = [threading.Thread(target=freeze, args=(number,)) for number in range(101, 109)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {rule.split()[3] for rule in _chain(firewall)} == {f"192.0.2.{number}" for number in range(101, 109)}
