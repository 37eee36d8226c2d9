"""The one process that everything in a lab hangs on: end it, even with kill -9, and the lab is gone."""

from __future__ import annotations

import argparse
import fcntl
import os
import selectors
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from pathlib import Path
from types import FrameType
from typing import IO, Any

from lab import anchor, base, control, host_needs, layer, network, node, probe, state, sweep
from lab.node import NodeSpec
from lab.paths import RunPaths
from lab.state import LabState, NodeState

PROGRAMS = ("ip", "tc", "losetup", "mkfs.ext4", "nsenter", "setpriv", "ssh-keygen", "unshare")
STDIN = 0


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody asked for at the door."""

    run_id: str
    nodes: int
    far_nodes: int  # the last so many of them are in another network
    vz_size_mib: int
    checkpointing: bool
    detached: bool


@dataclass(kw_only=True)
class Supervisor:
    wish: Wish
    base_root: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    state: LabState | None = None

    @property
    def paths(self) -> RunPaths:
        return RunPaths(run_id=self.wish.run_id)

    def build(self) -> None:
        places = self._open_places()
        specs, host_keys = self._prepare_nodes()
        booting = [self._start_node(spec) for spec in specs]
        self._start_mailbox(places["panel"])
        nodes = tuple(
            NodeState(
                name=one.spec.name,
                address=str(one.spec.address),
                host_key=host_keys[one.spec.name],
                pid=one.finish(),
            )
            for one in booting
        )
        self._publish(
            LabState(
                run_id=self.wish.run_id,
                supervisor_pid=os.getpid(),
                places=places,
                nodes=nodes,
                checkpointing=specs[0].checkpointing,
                detached=self.wish.detached,
            )
        )

    def _open_places(self) -> dict[str, int]:
        for name in ("switch", "panel", "client", *(("router",) if self.wish.far_nodes else ())):
            self.processes[name] = network.open_place(self.wish.run_id)
        places = {name: holder.pid for name, holder in self.processes.items()}
        network.switch_on(places["switch"], (network.HOME, network.FAR) if self.wish.far_nodes else (network.HOME,))
        network.plug_in(places["switch"], "panel", places["panel"], network.HOME.address(network.PANEL_HOST))
        network.plug_in(places["switch"], "client", places["client"], network.HOME.address(network.CLIENT_HOST))
        if self.wish.far_nodes:
            network.join_segments(places["switch"], places["router"])
            for name in ("panel", "client"):
                network.lead_over(places[name], network.HOME)
        return places

    def _prepare_nodes(self) -> tuple[list[NodeSpec], dict[str, str]]:
        can = self.wish.checkpointing and probe.can_checkpoint(self.base_root)
        specs = [
            NodeSpec(
                name=f"node-{number}",
                address=network.node_address(number, self._segment(number)),
                routed=self.wish.far_nodes > 0,
                vz_size_mib=self.wish.vz_size_mib,
                checkpointing=can,
            )
            for number in range(1, self.wish.nodes + 1)
        ]
        peers = {spec.name: spec.address for spec in specs}
        layer.install(self.paths.layer)
        with ThreadPoolExecutor() as pool:
            keys = list(pool.map(lambda spec: node.make_host_key(self.paths, spec.name), specs))
            list(pool.map(lambda spec: node.prepare_disk(self.paths, spec, peers), specs))
        return specs, {spec.name: key for spec, key in zip(specs, keys, strict=True)}

    def _segment(self, number: int) -> network.Segment:
        return network.FAR if number > self.wish.nodes - self.wish.far_nodes else network.HOME

    def _start_node(self, spec: NodeSpec) -> node.Booting:
        started = node.start(self.paths, spec, base=self.base_root, switch=self.processes["switch"].pid)
        self.processes[spec.name] = started.holder
        return started

    def _start_mailbox(self, panel: int) -> None:
        program = [sys.executable, "-m", "lab.mailbox", str(self.paths.mail)]
        self.processes["mailbox"] = anchor.spawn([*anchor.network_of(panel), *program], run_id=self.wish.run_id)

    def _publish(self, new: LabState) -> None:
        self.state = new
        state.write(self.paths, new)

    def boot_again(self, name: str) -> None:
        """Start a node that lost its power, on the disk it had."""
        assert self.state is not None
        old = next(one for one in self.state.nodes if one.name == name)
        holder = self.processes[name]
        holder.kill()
        holder.wait()
        network.unplug(self.processes["switch"].pid, name)
        node.wait_until_disk_is_free(self.paths, name)
        spec = NodeSpec(
            name=name,
            address=IPv4Address(old.address),
            vz_size_mib=self.wish.vz_size_mib,
            checkpointing=self.state.checkpointing,
            routed=self.wish.far_nodes > 0,
        )
        fresh = replace(old, pid=self._start_node(spec).finish())
        self._publish(replace(self.state, nodes=tuple(fresh if one.name == name else one for one in self.state.nodes)))

    def tear_down(self) -> None:
        for holder in self.processes.values():
            holder.kill()
        for holder in self.processes.values():
            holder.wait()
        sweep.clear(self.paths)
        anchor.bury_orphans()

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        match request:
            case {"boot": str(name)} if self.state and any(one.name == name for one in self.state.nodes):
                return self._answer_boot(name)
            case _:
                return {"refused": f"not understood: {request}"}

    def _answer_boot(self, name: str) -> dict[str, Any]:
        try:
            self.boot_again(name)
        except (node.NodeDidNotBoot, subprocess.CalledProcessError) as error:
            return {"refused": str(error)}
        return {"done": name}


class TimeToStop(Exception):
    """Somebody wants the lab to end: by a signal, or by ending the process that started it."""


def serve(supervisor: Supervisor, *, detached: bool) -> None:
    with control.listen(supervisor.paths.control) as door, selectors.DefaultSelector() as ears:
        ears.register(door, selectors.EVENT_READ)
        if not detached:
            ears.register(STDIN, selectors.EVENT_READ)
        while True:
            for key, _ in ears.select():
                if key.fd == STDIN:
                    # Nothing is ever written there: readable means that the other end is closed.
                    raise TimeToStop
                control.answer_one(door, supervisor.answer)


def claim(paths: RunPaths) -> IO[bytes]:
    """Make the run's folders and take its lock; until the returned file is closed nobody sweeps it."""
    with sweep.alone():
        sweep.clear_dead()
        for folder in (paths.state_dir, paths.mail, paths.keys, paths.disk_dir):
            folder.mkdir(parents=True, mode=0o700)
        owner = paths.owner.open("wb")
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return owner


def run(wish: Wish) -> None:
    """Bring a lab up, say so with one line, and keep it until told to stop."""
    host_needs.require(*PROGRAMS)
    anchor.adopt_orphans()
    base_root = base.ensure()
    paths = RunPaths(run_id=wish.run_id)
    with claim(paths):
        supervisor = Supervisor(wish=wish, base_root=base_root)
        try:
            supervisor.build()
            print("ready", flush=True)
            serve(supervisor, detached=wish.detached)
        except TimeToStop:
            pass
        finally:
            supervisor.tear_down()


def _stop_politely(_signal: int, _frame: FrameType | None) -> None:
    # A second signal must not tear the tearing-down apart.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise TimeToStop


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m lab.supervisor")
    parser.add_argument("--run-id", required=True)
    parser.add_argument("--nodes", type=int, required=True)
    parser.add_argument("--far-nodes", type=int, default=0)
    parser.add_argument("--vz-size-mib", type=int, required=True)
    parser.add_argument("--no-checkpointing", dest="checkpointing", action="store_false")
    parser.add_argument("--detached", action="store_true")
    wish = Wish(**vars(parser.parse_args()))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop_politely)
    run(wish)


if __name__ == "__main__":
    main()
