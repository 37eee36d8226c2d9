"""A whole panel on a lab: database, pages, worker, in a folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from lab.handle import Lab
from lab.paths import HERE

ROOT = HERE.parent
STOP_SECONDS = 30.0


@dataclass
class Panel:
    """Started with ``set_up``, ``start_worker`` and ``start_web``; ``stop`` ends all of it.

    The worker lives in the panel's network place, the pages on this machine's loopback: only the worker reaches nodes.
    """

    lab: Lab
    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    web_port: int = 0
    _worker: subprocess.Popen[bytes] | None = None
    _web: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "ovzpanel.settings",
            "OVZ_STATE_DIR": str(self.folder),
            "OVZ_LAB": "1",
            "OVZ_STAFF_MAIL": "hosting@panel.example.com",
            "OVZ_SCAN_EVERY_SECONDS": "60",
            # Its nodes have small disks, and sell them twice as a small company would.
            "OVZ_DISK_OVERCOMMIT": "2",
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": "2525",
            "PYTHONPATH": str(ROOT),
            **self.settings,
        }

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    def set_up(self) -> None:
        """Make the database, the people, and take every node of the lab in."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.manage("migrate", "--verbosity", "0")
        self._run(self.lab.argv_in("panel", [sys.executable, "-m", "lab.enlist", self.lab.run_id]))

    def replay(self) -> None:
        """Give the nodes a month of samples that nobody took."""
        self._run(self.lab.argv_in("panel", [sys.executable, "-m", "lab.replay"]))

    def manage(self, *words: str, timeout_seconds: float = 120, check: bool = True) -> str:
        """Run a management command in the panel's place and return what it printed."""
        command = [sys.executable, str(ROOT / "manage.py"), *words]
        return self._run(self.lab.argv_in("panel", command), timeout_seconds=timeout_seconds, check=check)

    def run_module(self, module: str, *words: str, input: str = "", timeout_seconds: float = 120) -> str:
        """Run a module of the lab in the panel's place and return what it printed."""
        command = self.lab.argv_in("panel", [sys.executable, "-m", module, *words])
        return self._run(command, timeout_seconds=timeout_seconds, input=input)

    def start_worker(self) -> None:
        command = [sys.executable, str(ROOT / "manage.py"), "work"]
        self._worker = self._start(self.lab.argv_in("panel", command), "worker.log")

    def start_web(self) -> None:
        """Serve the pages on a free port of the loopback, and return when they answer."""
        self.web_port = self.web_port or _free_port()
        command = [str(Path(sys.executable).with_name("gunicorn")), "ovzpanel.wsgi", "--workers", "2", "--threads", "4"]
        self._web = self._start([*command, "--bind", f"127.0.0.1:{self.web_port}"], "web.log")
        _await(f"{self.address}/")

    def wait(self) -> None:
        """Return when the pages or the worker have ended, which they do not do by themselves."""
        while all(process is not None and process.poll() is None for process in (self._web, self._worker)):
            time.sleep(0.5)
        raise RuntimeError(f"the pages or the worker ended; see {self.folder}/web.log and worker.log")

    def stop(self) -> None:
        for process in (self._web, self._worker):
            if process is not None:
                _end(process)
        self._web = self._worker = None

    def worker_pid(self) -> int:
        if self._worker is None:
            raise LookupError("the worker was not started")
        return self._worker.pid

    def kill(self, *, web: bool = False) -> None:
        """Kill the worker command with -9, and the pages too if asked; what they leave behind is theirs to mend."""
        victims = [process for process in (self._worker, self._web if web else None) if process is not None]
        for process in victims:
            process.kill()
        for process in victims:
            process.wait()

    def _start(self, command: Sequence[str], log_name: str) -> subprocess.Popen[bytes]:
        with (self.folder / log_name).open("ab") as log:
            # In a group of its own: a Ctrl-C in the terminal is for the demo, which ends them in order. Should the demo
            # be killed, they end all the same: pages that live on would answer for the next one.
            return subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *command],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )

    def _run(self, command: Sequence[str], *, timeout_seconds: float = 120, check: bool = True, input: str = "") -> str:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
            input=input,
            timeout=timeout_seconds,
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command[-4:])} ended with {done.returncode}: {done.stderr[-3000:]}")
        return done.stdout


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(url: str, *, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            urlopen(url, timeout=2).close()
        except (URLError, OSError):
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"{url} did not answer within {seconds:.0f} s")
