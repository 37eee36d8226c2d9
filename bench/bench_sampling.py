"""What sampling 200 nodes costs: the panel's round against plain paramiko threads with reused connections, in one run.

`make bench-sampling`, or `python -m bench.bench_sampling --nodes 200 --containers 50 --rounds 5 --gate real`
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

MOST_OF_PLAIN = 1.2
SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin") or "sshd"
SOCKETS_OF_SSHD = 16
THREADS = 64
WARMING_ROUNDS = 8
DEAD_SHARE = 10
# What a node that takes the connection and then says nothing may cost, all that do so at once: paramiko's own banner
# time-out, set to 5 s by the adapter, and the scheduling of everything else.
SILENT_SECONDS, SLACK_SECONDS = 5.0, 1.5


def main(argv: Sequence[str] | None = None) -> int:
    options = _read_options(argv)
    most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ovz-bench-")))
        os.environ |= {"OVZ_STATE_DIR": str(folder / "panel"), "DJANGO_SETTINGS_MODULE": "ovzpanel.settings"}
        (folder / "panel").mkdir()
        _set_up_panel()
        addresses = [f"127.0.{1 + number // 200}.{1 + number % 200}" for number in range(options.nodes)]
        port = stack.enter_context(_sshd(folder, addresses, _speaker(folder, options)))
        told = _compare(folder, addresses, port, options)
    held = told["of_plain"] <= MOST_OF_PLAIN and told["dead_extra_s"] <= SILENT_SECONDS + SLACK_SECONDS
    _print_table(told)
    sizes = {"nodes": options.nodes, "containers_each": options.containers, "gate": options.gate}
    print(json.dumps({"bench": "sampling", **sizes, **told, "held": held}))
    return 0 if held else 1


def _read_options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.bench_sampling", description=__doc__)
    parser.add_argument("--nodes", type=int, default=200)
    parser.add_argument("--containers", type=int, default=50, help="on each node")
    parser.add_argument("--rounds", type=int, default=5, help="of each way, in turn; the table shows medians")
    parser.add_argument(
        "--gate", choices=("real", "light"), default="real", help="light: an answer from a file, so that only ssh costs"
    )
    return parser.parse_args(argv)


def _set_up_panel() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


# The nodes


def _speaker(folder: Path, options: argparse.Namespace) -> Path:
    """Return the program that each login is bound to: the gate, or something that says what it would say."""
    from tests.gate.rig import Gate

    gate = Gate(folder / "node")
    rows = "".join(f"{101 + n} running 3145728 11534336 20000 220000 200 1000 2\n" for n in range(options.containers))
    (folder / "vzlist.txt").write_text(rows)
    gate.tool("vzlist", f"cat {folder}/vzlist.txt\n")
    _kernel_files(folder / "node/kernel/proc", options.containers)
    if options.gate == "real":
        return gate.door
    answer = gate("ask usage").out
    (folder / "answer").write_text(answer)
    light = folder / "light"
    light.write_text(f"#!/bin/sh\nexec cat {folder}/answer\n")
    light.chmod(0o755)
    return light


def _kernel_files(proc: Path, containers: int) -> None:
    ctids = range(101, 101 + containers)
    (proc / "vz/vestat").write_text(
        "Version: 2.2\nVEID user nice system uptime idle\n"
        + "".join(f"{ctid} 5000 10 200 86400000 0 0 0 0 0 0 0\n" for ctid in ctids)
    )
    counters = ("kmemsize", "physpages", "swappages", "numproc")
    (proc / "bc").mkdir()
    (proc / "bc/resources").write_text(
        "".join(
            f"{f'{ctid}:' if name == counters[0] else '':>12} {name} 61240 131072 0 262144 3\n"
            for ctid in ctids
            for name in counters
        )
    )
    for ctid in ctids:
        (proc / f"bc/{ctid}").mkdir()
        (proc / f"bc/{ctid}/ioacct").write_text("  read 5\n  write 876544\n")


@contextmanager
def _sshd(folder: Path, addresses: Sequence[str], speaker: Path) -> Iterator[int]:
    """Let sshd answer at every node's address; each connection is its own, with its own keys exchanged."""
    from migrations_app import wiring

    port = _free_port()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "host_key")], check=True)
    (folder / "authorized_keys").write_text(f'restrict,command="{speaker}" {wiring.panel_public_key()}\n')
    Path("/run/sshd").mkdir(exist_ok=True)
    starts = range(0, len(addresses), SOCKETS_OF_SSHD)
    processes = [_start_sshd(folder, addresses[start : start + SOCKETS_OF_SSHD], port) for start in starts]
    try:
        for address in addresses:
            _await(address, port)
        yield port
    finally:
        for process in processes:
            process.terminate()
            process.wait(10)


def _start_sshd(folder: Path, addresses: Sequence[str], port: int) -> subprocess.Popen[bytes]:
    lines = [f"ListenAddress {address}:{port}" for address in addresses]
    lines += [f"HostKey {folder}/host_key", f"AuthorizedKeysFile {folder}/authorized_keys", "PidFile none"]
    # As on a node: what this machine's own root does at login is no part of it.
    lines += [
        f"SetEnv HOME={folder}",
        "StrictModes no",
        "UsePAM no",
        "MaxStartups 1000",
        "PermitRootLogin yes",
        "LogLevel ERROR",
    ]
    config = folder / f"sshd_config.{addresses[0]}"
    config.write_text("\n".join([*lines, ""]))
    return subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)], stderr=subprocess.DEVNULL)


def _free_port() -> int:
    with socket.socket() as plug:
        plug.bind(("127.0.0.1", 0))
        return int(plug.getsockname()[1])


def _await(address: str, port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as plug:
            if plug.connect_ex((address, port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("sshd does not answer")


@contextmanager
def _silent_listeners(count: int) -> Iterator[list[int]]:
    """Take every connection and never say a word."""
    plugs = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        yield [int(plug.getsockname()[1]) for plug in plugs]
    finally:
        for plug in plugs:
            plug.close()


# The two ways


def _compare(folder: Path, addresses: Sequence[str], port: int, options: argparse.Namespace) -> dict[str, Any]:
    key, host_key = folder / "panel/node_key", (folder / "host_key.pub").read_text().rsplit(" ", 1)[0]
    nodes = _nodes(addresses, port, host_key, options.containers)
    plain = _Plain(addresses, port, key)
    plain.round()  # both ways reuse their connections: the first rounds make them
    _connect(nodes)
    plain_s, panel_s = [], []
    for _ in range(options.rounds):
        plain_s.append(_timed(plain.round))
        panel_s.append(_timed(lambda: _sample(nodes)))
    plain.close()
    dead = len(nodes) // DEAD_SHARE
    with _silent_listeners(dead) as ports:
        _kill_some(nodes, ports)
        with_dead_s = _timed(lambda: _sample(nodes, answering=len(nodes) - dead))
        again_s = _timed(lambda: _sample(nodes, answering=len(nodes) - dead))
    ours, theirs = median(panel_s), median(plain_s)
    return {
        "plain_s": [round(one, 3) for one in plain_s],
        "panel_s": [round(one, 3) for one in panel_s],
        "of_plain": round(ours / theirs, 3),
        "dead_nodes": dead,
        "with_dead_s": round(max(with_dead_s, again_s), 3),
        "dead_extra_s": round(max(with_dead_s, again_s) - ours, 3),
    }


def _nodes(addresses: Sequence[str], port: int, host_key: str, containers: int) -> list[Any]:
    from migrations_app.models import Container
    from tests.factories import make_node
    from tests.fakes.clock import START

    nodes = [make_node(address=address, port=port, host_key=host_key) for address in addresses]
    Container.objects.bulk_create(
        Container(node=node, ctid=str(101 + number), first_seen_at=START, seen_at=START)
        for node in nodes
        for number in range(containers)
    )
    return nodes


class _Plain:
    """What one would write without a panel: a client per node, kept, and a pool of threads."""

    def __init__(self, addresses: Sequence[str], port: int, key: Path) -> None:
        import paramiko

        self._clients = [paramiko.SSHClient() for _ in addresses]
        self._places = list(zip(self._clients, addresses, strict=True))
        self._port, self._key = port, paramiko.Ed25519Key.from_private_key_file(str(key))
        self._policy = paramiko.AutoAddPolicy()
        self._pool = ThreadPoolExecutor(THREADS)

    def round(self) -> None:
        sizes = list(self._pool.map(self._ask, self._places))
        if not all(sizes):
            raise RuntimeError("a node did not answer the plain script")

    def _ask(self, place: tuple[Any, str]) -> int:
        client, address = place
        if client.get_transport() is None:
            client.set_missing_host_key_policy(self._policy)
            client.connect(address, self._port, "root", pkey=self._key, allow_agent=False, look_for_keys=False)
            client.get_transport().sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _, out, _ = client.exec_command("ask usage")
        answer = out.read()
        out.channel.recv_exit_status()
        return len(base64.b64decode(answer.split()[2]))

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self._pool.shutdown()


def _connect(nodes: Sequence[Any]) -> None:
    for _ in range(WARMING_ROUNDS):
        if _round(nodes) == len(nodes):
            return
    raise RuntimeError("the nodes do not all answer the panel")


def _round(nodes: Sequence[Any]) -> int:
    from django.conf import settings

    from migrations_app import wiring
    from migrations_app.usecases.sample_nodes import sample_nodes

    return sample_nodes(first_id=nodes[0].pk, last_id=nodes[-1].pk, outside=wiring.outside(), settings=settings.OVZ)


def _sample(nodes: Sequence[Any], *, answering: int | None = None) -> None:
    answered = _round(nodes)
    if answered != (len(nodes) if answering is None else answering):
        raise RuntimeError(f"{answered} of {len(nodes)} nodes answered the panel")


def _kill_some(nodes: Sequence[Any], ports: Sequence[int]) -> None:
    """Let one node in ten lead to a machine that takes the connection and then says nothing."""
    from migrations_app.models import Node

    for node, port in zip(nodes[::DEAD_SHARE], ports, strict=True):
        Node.objects.filter(pk=node.pk).update(address="127.0.0.1", port=port)


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _print_table(told: dict[str, Any]) -> None:
    print("way              seconds a round, median (all)")
    for way in ("plain", "panel"):
        print(f"{way:<16} {median(told[f'{way}_s']):.3f}  {told[f'{way}_s']}")
    print(f"panel / plain: {told['of_plain']:.3f}, at most {MOST_OF_PLAIN}")
    print(
        f"with {told['dead_nodes']} silent nodes: {told['with_dead_s']:.2f} s, {told['dead_extra_s']:.2f} s more, "
        f"at most {SILENT_SECONDS:.0f} s of their own and {SLACK_SECONDS} s"
    )


if __name__ == "__main__":
    sys.exit(main())
