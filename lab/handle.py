"""How everybody else holds a running lab: `with Lab.start() as lab: lab.node("node-1").run(["vzlist", "-a"])`."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default as modern
from pathlib import Path
from typing import IO

from lab import anchor, cgroups, control, state, sweep
from lab.paths import HERE, RunPaths
from lab.watch import Watching, watch

NODE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
STOP_WITHIN_SECONDS = 30.0


class LabDidNotStart(RuntimeError):
    """The supervisor ended before it was ready; the end of its log is the message."""


class CommandFailed(subprocess.CalledProcessError):
    """A command on a node ended with an error; its last words are in the message."""

    def __str__(self) -> str:
        words = (self.stderr or self.stdout or "nothing was said").strip()
        return f"{self.cmd} ended with {self.returncode}: {words[-1000:]}"


@dataclass(frozen=True, kw_only=True)
class LabNode:
    paths: RunPaths
    name: str

    @property
    def _state(self) -> state.NodeState:
        return next(node for node in state.read(self.paths).nodes if node.name == self.name)

    @property
    def address(self) -> str:
        return self._state.address

    @property
    def host_key(self) -> str:
        """The public key its sshd shows, as `ssh-ed25519 AAAA...`."""
        return self._state.host_key

    @property
    def pid(self) -> int:
        """The node's process 1 as the host sees it."""
        return self._state.pid

    @property
    def _group(self) -> Path:
        return cgroups.of_run(self.paths.run_id) / self.name

    @property
    def root(self) -> Path:
        """The node's file system as seen from the host; absolute symbolic links in it point to the host's files."""
        return Path(f"/proc/{self.pid}/root")

    def argv(self, argv: Sequence[str]) -> list[str]:
        """Return the command that runs `argv` on the node as root and dies with its caller."""
        join = ["sh", "-c", 'echo 0 >"$1" && shift && exec "$@"', "sh", str(self._group / "cgroup.procs")]
        enter = ["nsenter", "-t", str(self.pid), "-a", "--"]
        clean = ["env", "-i", f"PATH={NODE_PATH}", "HOME=/root", "LANG=C.UTF-8"]
        return [*join, *enter, "setpriv", "--pdeathsig", "KILL", *clean, *argv]

    def run(
        self, argv: Sequence[str], *, check: bool = True, input: str | None = None, timeout_seconds: float = 60
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.argv(argv),
            check=False,
            input=input if input is not None else "",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_seconds,
        )
        if check and done.returncode:
            raise CommandFailed(done.returncode, list(argv), done.stdout, done.stderr)
        return done

    def put(self, path: str, data: str | bytes, *, mode: int = 0o644) -> None:
        """Write a file on the node; its folder is made where it is missing."""
        raw = data.encode() if isinstance(data, str) else data
        script = 'mkdir -p "$(dirname "$1")" && cat >"$1.new" && chmod "$2" "$1.new" && mv "$1.new" "$1"'
        command = self.argv(["sh", "-c", script, "sh", path, f"{mode:o}"])
        subprocess.run(command, input=raw, check=True, capture_output=True, timeout=60)

    def kill(self) -> None:
        """Pull the plug: everything that runs there is gone at once, its disk stays."""
        cgroups.kill(self._group)

    def boot(self) -> None:
        """Give a node without power its power back."""
        control.ask(self.paths.control, {"boot": self.name})

    def freeze(self) -> None:
        """Stop every process of the node without their noticing."""
        cgroups.freeze(self._group, frozen=True)

    def thaw(self) -> None:
        cgroups.freeze(self._group, frozen=False)


@dataclass(kw_only=True)
class Lab:
    run_id: str
    _supervisor: subprocess.Popen[str] | None = field(default=None, repr=False)

    @classmethod
    def start(
        cls,
        nodes: int = 3,
        *,
        far_nodes: int = 0,
        vz_size_mib: int = 6144,
        checkpointing: bool = True,
        detach: bool = False,
    ) -> Lab:
        """Build a lab and return when it is ready; unless detached it ends with this process.

        ``far_nodes``: the last so many of the nodes are in another network, behind a router.
        """
        run_id = secrets.token_hex(4)
        wish = ["--run-id", run_id, "--nodes", str(nodes), "--far-nodes", str(far_nodes)]
        wish += ["--vz-size-mib", str(vz_size_mib)]
        wish += [] if checkpointing else ["--no-checkpointing"]
        wish += ["--detached"] if detach else []
        # The file has no name: it is there for the message of a failed start, and goes with the supervisor.
        with tempfile.TemporaryFile() as complaints:
            supervisor = _start_supervisor(wish, complaints, detach=detach)
            _await_ready(supervisor, complaints)
        return cls(run_id=run_id, _supervisor=supervisor)

    @classmethod
    def attach(cls, run_id: str) -> Lab:
        """Hold a lab that somebody else started."""
        if not sweep.is_owned(RunPaths(run_id=run_id)):
            raise LookupError(f"no lab {run_id!r} is running; `python -m lab status` lists them")
        return cls(run_id=run_id)

    @property
    def paths(self) -> RunPaths:
        return RunPaths(run_id=self.run_id)

    @property
    def state(self) -> state.LabState:
        return state.read(self.paths)

    @property
    def checkpointing(self) -> bool:
        return self.state.checkpointing

    @property
    def nodes(self) -> tuple[LabNode, ...]:
        return tuple(LabNode(paths=self.paths, name=node.name) for node in self.state.nodes)

    def node(self, name: str) -> LabNode:
        for node in self.nodes:
            if node.name == name:
                return node
        raise LookupError(f"lab {self.run_id} has no node {name!r}")

    def place_pid(self, place: str) -> int:
        return self.state.places[place]

    def holder_pid(self, name: str) -> int:
        """Return a process in the network of a place or of a node."""
        return self.state.places[name] if name in self.state.places else self.node(name).pid

    def argv_in(self, place: str, argv: Sequence[str]) -> list[str]:
        """Return the command that runs `argv` in the network of "panel" or "client", and is the host's otherwise."""
        return [*anchor.network_of(self.place_pid(place)), *argv]

    def inside(self, place: str) -> AbstractContextManager[None]:
        """Put the calling thread into the network of "panel" or "client" for a while."""
        return anchor.inside_network_of(self.place_pid(place))

    def watch(self) -> AbstractContextManager[Watching]:
        """Count running copies until the block ends; the report is on what `with` gives."""
        return watch(self.run_id)

    @property
    def mail_dir(self) -> Path:
        return self.paths.mail

    def mail(self) -> list[EmailMessage]:
        """Every message that arrived at port 2525 of the panel's place, oldest first."""
        parser = BytesParser(policy=modern)
        files = sorted(self.mail_dir.glob("*.eml"))
        return [parser.parsebytes(file.read_bytes()) for file in files]

    def stop(self) -> None:
        """End the lab and wait until nothing of it is left; a lab that is gone already is fine."""
        if self._supervisor is not None and self._supervisor.stdin is not None:
            self._supervisor.stdin.close()
        elif sweep.is_owned(self.paths):
            os.kill(self.state.supervisor_pid, signal.SIGTERM)
        if self._supervisor is not None:
            self._supervisor.wait(timeout=STOP_WITHIN_SECONDS)
        self._wait_until_gone()

    def _wait_until_gone(self) -> None:
        deadline = time.monotonic() + STOP_WITHIN_SECONDS
        while sweep.is_owned(self.paths):
            if time.monotonic() > deadline:
                raise TimeoutError(f"lab {self.run_id} does not end within {STOP_WITHIN_SECONDS:.0f} s")
            time.sleep(0.02)

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _start_supervisor(wish: list[str], complaints: IO[bytes], *, detach: bool) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "lab.supervisor", *wish],
        cwd=HERE.parent,
        stdin=subprocess.DEVNULL if detach else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=complaints,
        text=True,
        start_new_session=True,
    )


def _await_ready(supervisor: subprocess.Popen[str], complaints: IO[bytes]) -> None:
    """Pass on what the builder of the first base root says, until the one line that matters."""
    assert supervisor.stdout is not None
    with supervisor.stdout as told:
        for line in told:
            if line.strip() == "ready":
                return
            print(line, end="", file=sys.stderr)
    supervisor.wait()
    if supervisor.stdin is not None:
        supervisor.stdin.close()
    complaints.seek(0)
    raise LabDidNotStart(complaints.read()[-3000:].decode(errors="replace"))
