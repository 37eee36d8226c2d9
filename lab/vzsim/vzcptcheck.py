"""vzcptcheck: does an image of this node's kernel and processor fit another's?"""

from __future__ import annotations

import sys

from . import faults

CPT_VERSION = 9
#: bit by bit, as the kernel numbers them
FLAGS = (
    "cmov", "fxsr", "sse", "sse2", "sse4_1", "sse4_2", "mmx", "3dnow", "3dnowext", "sse4a", "sysenter", "emt64",
    "ia64", "syscall", "syscall32", "xsave", "avx", "aesni", "rdrand",
)  # fmt: skip
NAMES_IN_CPUINFO = {"sysenter": "sep", "emt64": "lm", "aesni": "aes", "syscall32": "syscall"}
INCOMPATIBLE = 2


def main(argv: list[str]) -> int:
    faults.strike("vzcptcheck", *argv)
    match argv:
        case ["version"]:
            print(CPT_VERSION)
        case ["version", theirs] if theirs.isdigit():
            return 0 if int(theirs) <= CPT_VERSION else _refuse("Unsupported image version")
        case ["caps"]:
            print(caps())
        case ["caps", _ctid, theirs] if theirs.isdigit():
            missing = caps() & ~int(theirs)
            return 0 if not missing else _refuse(f"CPU flags missing on the destination: {' '.join(names(missing))}")
        case _:
            print("Usage: vzcptcheck version [num]\n       vzcptcheck caps [ctid num]", file=sys.stderr)
            return 1
    return 0


def _refuse(reason: str) -> int:
    print(f"Error: {reason}", file=sys.stderr)
    print("Insufficient CPU capabilities: can't migrate" if "CPU" in reason else "can't migrate", file=sys.stderr)
    return INCOMPATIBLE


def caps() -> int:
    with open("/proc/cpuinfo") as file:
        words = next((line.partition(":")[2].split() for line in file if line.startswith("flags")), [])
    present = [NAMES_IN_CPUINFO.get(flag, flag) in words for flag in FLAGS]
    return sum(1 << bit for bit, there in enumerate(present) if there)


def names(bits: int) -> list[str]:
    return [flag for bit, flag in enumerate(FLAGS) if bits & 1 << bit]
