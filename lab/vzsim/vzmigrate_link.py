"""How vzmigrate reaches the other node: ssh, scp and rsync, over one master connection if wanted."""

from __future__ import annotations

import os
import signal

from . import spawn
from .vzmigrate_options import Options

KEEP_OPEN = "while :; do echo; sleep 5; done"
MASTER_WITHIN_SECONDS = 10.0
WARM_UP_BYTES = 4_000_000


class Link:
    def __init__(self, options: Options, ctid: int) -> None:
        self.target = f"root@{options.host}"
        self._loud = options.verbose > 0
        base = f"-o BatchMode=yes {options.ssh}".strip()
        socket = f"/tmp/.vzmigrate-ssh-{os.getpid()}-{options.host}-{ctid}"
        self._socket = socket if options.mux else ""
        shared = f" -o ControlPath={socket}" if options.mux else ""
        extra_verbose = " -v" if options.verbose > 3 else ""
        # Unquoted, as the shell script has it: no option may hold a space, and scp's port is made from the first -p.
        self.ssh_words = f"ssh {base}{shared}{extra_verbose}".split()
        self._scp_words = f"scp {base.replace('-p', '-P', 1)}{shared}{extra_verbose}".split()
        self._rsync_words = f"rsync -aHAX --delete --numeric-ids {options.rsync}".split() + ["-v"] * (
            options.verbose - 1
        )
        self._master = 0

    def open(self) -> None:
        """Start the master connection; who comes before it is up connects by itself."""
        if self._socket:
            nothing = os.open(os.devnull, os.O_RDWR)
            words = [*self.ssh_words, "-M", self.target, KEEP_OPEN]
            self._master = spawn.start(words, stdin=nothing, stdout=nothing, stderr=nothing)
            os.close(nothing)
            spawn.wait_until(self._is_settled, seconds=MASTER_WITHIN_SECONDS)

    def make_ready(self) -> None:
        """Do now what would otherwise be waited for while the container stands still."""
        spawn.go_first()
        self.ask(f"echo {spawn.FIRST} >/proc/$PPID/autogroup")
        if self._master:
            # The first megabytes through a connection are slow: ssh enlarges its buffers by and by.
            spawn.run([*self.ssh_words, self.target, "cat >/dev/null"], stdin="0" * WARM_UP_BYTES)

    def _is_settled(self) -> bool:
        if os.path.exists(self._socket):
            return True
        pid, _status = os.waitpid(self._master, os.WNOHANG)
        if pid:
            self._master = 0
        return bool(pid)

    def close(self) -> None:
        if self._master:
            os.kill(self._master, signal.SIGTERM)
            spawn.wait(self._master)
            self._master = 0
        if self._socket and os.path.exists(self._socket):
            os.unlink(self._socket)

    def ask(self, command: str) -> spawn.Finished:
        """Run a shell command there and keep what it says."""
        return spawn.run([*self.ssh_words, self.target, command])

    def tell(self, command: str, *, loud: bool = False) -> int:
        """Run a shell command there; what it says is shown only in a verbose run."""
        return execute([*self.ssh_words, self.target, command], loud=loud or self._loud)

    def copy(self, *paths: str, to: str) -> int:
        return execute([*self._scp_words, *paths, f"{self.target}:{to}"], loud=self._loud)

    def sync(self, source: str, target: str, *options: str) -> int:
        return spawn.wait(self.begin_sync(source, target, *options))

    def begin_sync(self, source: str, target: str, *options: str) -> int:
        """Start a pass of rsync and return its process id."""
        os.environ["RSYNC_RSH"] = " ".join(self.ssh_words)
        return begin([*self._rsync_words, *options, f"{source}/", f"{self.target}:{target}/"], loud=True)


def execute(argv: list[str], *, loud: bool) -> int:
    return spawn.wait(begin(argv, loud=loud))


def begin(argv: list[str], *, loud: bool) -> int:
    nothing = os.open(os.devnull, os.O_RDWR)
    out, err = (1, 2) if loud else (nothing, nothing)
    try:
        return spawn.start(argv, stdin=nothing, stdout=out, stderr=err)
    finally:
        os.close(nothing)
