"""One migration as far as it has come: what it knows of both nodes, what it says, what is to be undone."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from . import faults, spawn, vzctl
from .container import Container
from .vzmigrate_link import Link
from .vzmigrate_options import Options


class Run:
    def __init__(self, options: Options, ct: Container) -> None:
        self.options = options
        self.ct = ct
        self.link = Link(options, ct.ctid)
        self.running = ct.running
        self.mounted = ct.mounted
        self.suspended = ct.suspended
        self.remote: dict[str, str] = {}
        self._undo: list[Callable[[], object]] = []

    @property
    def remote_private(self) -> str:
        return self.remote["VE_PRIVATE"]

    @property
    def remote_root(self) -> str:
        return self.remote["VE_ROOT"]

    @property
    def has_quota(self) -> bool:
        return self.ct.settings.get("DISK_QUOTA") != "no" and not self.ct.is_ploop

    def say(self, text: str) -> None:
        print(text, flush=True)
        faults.strike("vzmigrate", at=text)

    def debug(self, text: str) -> None:
        if self.options.verbose:
            print(f"   {text}", flush=True)
        faults.strike("vzmigrate", at=text)

    def complain(self, text: str) -> None:
        print(f"Error: {text}", file=sys.stderr, flush=True)

    def vzctl(self, *words: str, loud: bool = False) -> int:
        """Run vzctl on this node: the lock is ours already.

        It is a process of its own but no new program: loading one again would be felt in the suspended time.
        """
        pid = os.fork()
        if pid == 0:
            _become_vzctl(list(words), loud=loud or self.options.verbose > 0)
        return spawn.wait(pid)

    def on_failure(self, *actions: Callable[[], object]) -> None:
        """Remember how to undo what was just done; the latest is undone first."""
        self._undo += reversed(actions)

    def settled(self, count: int = 1) -> None:
        """Forget the latest ways back: there is nothing left to undo, or another way is to be taken."""
        del self._undo[-count:]

    def committed(self) -> None:
        """The container lives over there: only the lock and the connection are still to be given back."""
        del self._undo[2:]

    def undo_all(self) -> None:
        while self._undo:
            self._undo.pop()()


def _become_vzctl(words: list[str], *, loud: bool) -> None:
    code = 255
    try:
        if not loud:
            nothing = os.open(os.devnull, os.O_RDWR)
            os.dup2(nothing, 1)
            os.dup2(nothing, 2)
        code = vzctl.main(["--skiplock", *words])
    finally:
        os._exit(code)
