"""The voice of vzdump and vzrestore: every line marked INFO, WARN or ERROR, their children's lines too."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn, TextIO

from . import faults

HEEDED_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGPIPE)
RSYNC_FILES_VANISHED = 24
PATH_IN_TEXT = re.compile(r" '?/")


class BackupFailed(Exception):
    """What went wrong, worded as the tool prints it."""


class Interrupted(BackupFailed):
    """A signal asked the tool to stop."""


class BackupLog:
    """Says each line on standard output and, time-stamped, in the log file once there is one."""

    def __init__(self, tool: str) -> None:
        self._tool = tool
        self._file: TextIO | None = None

    def open(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", buffering=1)

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def say(self, text: str, *, level: str = "INFO") -> None:
        for line in filter(None, text.splitlines()):
            # A reader that went away, or a full disk, ends no backup here: the signal for it does.
            with suppress(OSError):
                os.write(1, f"{level}: {line}\n".encode())
            if self._file:
                with suppress(OSError):
                    self._file.write(f"{time.strftime('%b %d %H:%M:%S')} {level}: {line}\n")

    def begin(self, text: str) -> None:
        """Say what comes next; a planned fault may strike here, by the words before the first path."""
        self.say(text)
        faults.strike(self._tool, at=PATH_IN_TEXT.split(text)[0])

    def run(self, command: str, *, env: dict[str, str] | None = None) -> str:
        """Run a shell command, repeating what it says; vanished files are no failure of rsync's.

        :raises BackupFailed: the exit code says so.
        """
        # A group of its own, so that an interruption ends every process of a pipeline.
        with subprocess.Popen(
            ["sh", "-c", command],
            executable="/bin/bash",  # what sh is on an OpenVZ node: its words end up in the log
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=env,
            process_group=0,
        ) as process:
            said = self._repeat(process)
        vanished = process.returncode == RSYNC_FILES_VANISHED and command.startswith("rsync ")
        if process.returncode and not vanished:
            raise BackupFailed(f"command '{command}' failed with exit code {process.returncode}")
        return said

    def _repeat(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout
        said: list[str] = []
        try:
            for line in process.stdout:
                said.append(line)
                self.say(line)
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            raise
        return "".join(said)


def heed_signals() -> None:
    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        outlive_signals()
        raise Interrupted("interrupted by signal")

    for number in HEEDED_SIGNALS:
        signal.signal(number, interrupt)


def outlive_signals() -> None:
    """Let the clean-up run to its end; a handler, unlike SIG_IGN, is not inherited by what it starts."""
    for number in HEEDED_SIGNALS:
        signal.signal(number, lambda *_: None)
