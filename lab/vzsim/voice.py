"""What vzctl says, and where: text to standard output, errors to standard error, both to the log."""

from __future__ import annotations

import os
import sys
import time

from . import paths


class Voice:
    def __init__(self, program: str, *, quiet: bool = False) -> None:
        self._program = program
        self._quiet = quiet
        self.ctid = 0

    def say(self, text: str) -> None:
        if not self._quiet:
            print(text, flush=True)
        self._log(text)

    def complain(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)
        self._log(text)

    def _log(self, text: str) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime())
        who = f"CT {self.ctid} : " if self.ctid else ""
        line = f"{stamp} {self._program} : {who}{text.strip()}\n".encode(errors="surrogateescape")
        try:
            log = os.open(paths.LOG, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o640)
            os.write(log, line)
            os.close(log)
        except OSError:
            return  # a full disk must not stop a container from being stopped
