"""Exit codes of vzmigrate, and the error that ends a migration with one."""

from __future__ import annotations

USAGE = 1
STOPPED = 2
CONNECT = 4
COPY = 6
START = 7
STOP = 8
EXISTS = 9
NOT_EXIST = 10
ADDRESS_IN_USE = 12
QUOTA = 13
OPENVZ_NOT_RUNNING = 14
APPLY_CONFIG = 15
PLOOP = 16
CPT_VERSION = 17
CPU = 18
REMOTE_CONFIG = 19
LOCKED = 20


class Failed(Exception):
    """A migration ends here, with lines for standard error and an exit code; what was done is to be undone."""

    def __init__(self, code: int, *lines: str) -> None:
        super().__init__("; ".join(lines))
        self.code = code
        self.lines = lines
