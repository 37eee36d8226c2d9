"""cstream, of which vzdump uses one thing: copy standard input to standard output, no faster than -t bytes a second."""

from __future__ import annotations

import os
import sys
import time

BLOCK_BYTES = 256 << 10


def main(argv: list[str] | None = None) -> int:
    match sys.argv[1:] if argv is None else argv:
        case ["-t", limit] if limit.isdecimal() and int(limit) > 0:
            pass
        case _:
            print("usage: cstream -t BYTES_PER_SECOND", file=sys.stderr)
            return 1
    try:
        copy(bytes_per_second=int(limit))
    except OSError as error:
        print(f"cstream: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def copy(*, bytes_per_second: int) -> None:
    started, copied = time.monotonic(), 0
    while block := os.read(0, BLOCK_BYTES):
        written = 0
        while written < len(block):
            written += os.write(1, block[written:])
        copied += len(block)
        time.sleep(max(0.0, started + copied / bytes_per_second - time.monotonic()))
