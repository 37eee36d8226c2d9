"""Read what vzmigrate says: OpenVZ 6 (``--live``) and OpenVZ 7 (``--online``), two programs of one name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from migrations_app.vz.facts.node import Family
from migrations_app.vz.names import clean_line, clean_text
from migrations_app.vz.verdict import Kind, Verdict, look_at_both

StageName = Literal[
    "checking", "preparing", "copying", "freezing", "dumping", "copying_dump", "copying_rest", "starting", "cleaning"
]
LONGEST_LOG = 256 * 1024
MOST_MESSAGES = 50


@dataclass(frozen=True, kw_only=True)
class Stage:
    name: StageName
    frozen: bool = False  # the container's processes stand still or are stopped


@dataclass(frozen=True, kw_only=True)
class Log:
    """A log, or the end of one."""

    stage: Stage | None
    timings_seconds: Mapping[str, float]
    suspended_seconds: float | None  # the tool's own figure; live only
    errors: tuple[str, ...]
    warnings: tuple[str, ...]  # the tool goes on after these, and ends with 0

    @property
    def reason(self) -> str:
        """The last errors in one line: the true one stands before the tool's own summary."""
        return "; ".join(self.errors[-3:])


_CHECKING = Stage(name="checking")
_PREPARING = Stage(name="preparing")
_COPYING = Stage(name="copying")
_CLEANING = Stage(name="cleaning")
# Beginnings of lines, in the order of a run; of several that fit, the first counts.
_STAGES: Final[tuple[tuple[str, Stage], ...]] = (
    ("Locked CT", _CHECKING),
    ("Checking live migration of CT", _CHECKING),
    ("Checking migration of CT", _CHECKING),
    ("Checking", _CHECKING),
    ("Check ", _CHECKING),
    ("Connection to destination node", _CHECKING),
    ("The beginning of check", _CHECKING),
    ("Starting live migration", _PREPARING),
    ("Starting online migration", _PREPARING),
    ("Starting migration", _PREPARING),
    ("Moving/copying CT", _PREPARING),
    ("Preparing remote node", _PREPARING),
    ("Initializing remote quota", _PREPARING),
    ("Syncing private (2nd pass)", Stage(name="copying_rest", frozen=True)),
    ("Syncing private", _COPYING),
    ("copy CT private", _COPYING),
    ("Live migrating container", Stage(name="freezing")),
    ("Live migration stage started", Stage(name="freezing")),
    ("Warm migration stage started", Stage(name="freezing", frozen=True)),
    ("Suspending container", Stage(name="freezing", frozen=True)),
    ("Stopping container", Stage(name="freezing", frozen=True)),
    # The freeze begins inside this one, at a moment the tool does not tell.
    ("Copying top ploop delta", Stage(name="copying_rest", frozen=True)),
    ("Unmounting container", Stage(name="copying_rest", frozen=True)),
    ("Dumping container", Stage(name="dumping", frozen=True)),
    ("Copying dumpfile", Stage(name="copying_dump", frozen=True)),
    ("Syncing 2nd level quota", Stage(name="copying_rest", frozen=True)),
    ("Undumping container", Stage(name="starting", frozen=True)),
    ("Resuming container", Stage(name="starting", frozen=True)),
    ("Starting container", Stage(name="starting", frozen=True)),
    ("Migration stage completed", _CLEANING),
    ("Successfully completed", _CLEANING),
    ("Cleaning up", _CLEANING),
    ("Cleanup", _CLEANING),
)
_TIMINGS: Final = {
    "Suspend + Dump": "suspend_and_dump",
    "Pcopy after suspend": "copy_delta",
    "Copy dump file": "copy_dump",
    "Second rsync": "second_rsync",
    "2nd level quota": "quota",
    "Undump + Resume": "undump_and_resume",
}
_TIMING_LINE = re.compile(
    r"(?P<label>[A-Z0-9][A-Za-z0-9 +]{3,30}):\s{0,40}(?P<seconds>[0-9]{1,8}(?:\.[0-9]{1,6})?)", re.ASCII
)
_TOTAL = "Total suspended time"
_ERROR_STARTS = ("Error:", "Can't move/copy CT", "Checking error:", "Disk space check failed")


def read_log(output: str, error: str = "") -> Log:
    """Return what both streams tell, whatever is in them."""
    said = clean_text(output[-LONGEST_LOG:], limit=LONGEST_LOG)
    complained = clean_text(error[-LONGEST_LOG:], limit=LONGEST_LOG)
    spoken, all_lines = _lines(said), _lines(complained) + _lines(said)
    timings = dict(timing for line in spoken if (timing := _timing(line)))
    suspended_seconds = timings.pop(_TOTAL, None)
    return Log(
        stage=next((stage for line in reversed(spoken) if (stage := _stage(line))), None),
        timings_seconds={_TIMINGS[label]: seconds for label, seconds in timings.items()},
        suspended_seconds=suspended_seconds,
        errors=_messages(all_lines, _ERROR_STARTS),
        warnings=_messages(all_lines, ("Warning:", "WARNING:")),
    )


def verdict(exit_code: int, *, family: Family = "legacy") -> Verdict:
    """Return what to make of the exit code; a code nobody knows means: look at both nodes."""
    known = _VZ7 if family == "vz7" else _LEGACY
    if exit_code not in known:
        return look_at_both(exit_code)
    kind, sentence = known[exit_code]
    falls_back = _VZ7_FALL_BACK if family == "vz7" else _LEGACY_FALL_BACK
    return Verdict(kind=kind, sentence=sentence, fall_back=exit_code in falls_back)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _stage(line: str) -> Stage | None:
    return next((stage for start, stage in _STAGES if line.startswith(start)), None)


def _timing(line: str) -> tuple[str, float] | None:
    match = _TIMING_LINE.fullmatch(line)
    if not match or (match["label"] not in _TIMINGS and match["label"] != _TOTAL):
        return None
    return match["label"], float(match["seconds"])


def _messages(all_lines: list[str], starts: tuple[str, ...]) -> tuple[str, ...]:
    found = [clean_line(line, limit=400) for line in all_lines if line.startswith(starts)]
    return tuple(dict.fromkeys(found))[-MOST_MESSAGES:]


_Codes = Mapping[int, tuple[Kind, str]]

# Only where the source certainly runs on and the reason lies in moving live.
_LEGACY_FALL_BACK = frozenset({8, 14, 17, 18})
_LEGACY: Final[_Codes] = {
    0: ("ok", "done"),
    1: ("panel", "the options are not known to this version, or the lock folder cannot be written"),
    2: ("retry", "the container was not running any more; nothing was touched"),
    4: ("fix", "the source cannot log in at the target: key or host key"),
    6: ("retry", "copying failed; the container runs on at the source"),
    7: ("look_at_both", "starting or resuming on the target failed, and it may run on both nodes"),
    8: ("retry", "the container could not be stopped, suspended or dumped; it runs on at the source"),
    9: ("conflict", "the target has a container of this number"),
    10: ("panel", "the source does not know the container"),
    12: ("conflict", "one of the addresses is in use on the target"),
    13: ("retry", "disk quota could not be set up or carried over; the container runs on at the source"),
    14: ("not_live", "OpenVZ or its checkpointing modules do not run on both nodes"),
    15: ("conflict", "the target does not accept the configuration"),
    16: ("fix", "the target cannot mount ploop images"),
    17: ("not_live", "the target's kernel cannot read the source's checkpoint images"),
    18: ("not_live", "the kernel says the processes cannot be carried over; the reason stands in the log before it"),
    19: ("panel", "the target's vz.conf names no VE_ROOT or VE_PRIVATE"),
    20: ("retry", "the container is locked by another command"),
}

_VZ7_FALL_BACK = frozenset({8, 32, 48, 56, 57, 60, 61, 62, 63})
_VZ7: Final[_Codes] = {
    0: ("ok", "done"),
    104: ("ok", "the checks passed"),
    1: ("panel", "the options are not known to this version"),
    2: ("retry", "a system call failed; the log tells which"),
    3: ("retry", "the container is locked by another command"),
    4: ("fix", "the source cannot log in at the target"),
    5: ("fix", "this container is of a kind that cannot be moved"),
    6: ("retry", "copying failed"),
    7: ("look_at_both", "starting on the target failed, and it may run on both nodes"),
    8: ("retry", "the container could not be stopped or suspended"),
    9: ("conflict", "the target has a container of this number"),
    10: ("panel", "the source does not know the container"),
    11: ("fix", "the target lacks packages the container depends on"),
    12: ("conflict", "one of the addresses is in use on the target"),
    13: ("fix", "the container has a mount script of its own"),
    26: ("fix", "the two nodes' versions do not understand each other"),
    27: ("fix", "the template folder differs between the nodes"),
    29: ("fix", "the container is suspended"),
    30: ("fix", "the target's licence does not allow it"),
    31: ("fix", "the target has too little disk space"),
    32: ("not_live", "the target's kernel lacks a technology the container uses"),
    33: ("fix", "the network rate settings do not fit the target"),
    34: ("conflict", "source and target are the same container"),
    35: ("conflict", "another container has the same UUID"),
    36: ("fix", "something from outside is bind-mounted into the container"),
    37: ("fix", "the target does not know the container's layout"),
    38: ("fix", "the target does not know the disk format"),
    39: ("fix", "the disk format is damaged"),
    40: ("fix", "the target's version is too old"),
    41: ("fix", "the source's version is too old"),
    44: ("fix", "the template tools failed"),
    45: ("conflict", "another container on the target has the name"),
    46: ("fix", "the private area is not on shared storage"),
    47: ("fix", "the target does not know the request"),
    48: ("not_live", "live moves to or from an older version are not possible"),
    49: ("panel", "the message is too long"),
    50: ("fix", "the target refused"),
    56: ("not_live", "the target's processor lacks what the container uses"),
    57: ("not_live", "the container uses kernel features that cannot be carried over"),
    58: ("fix", "a ploop operation failed"),
    59: ("fix", "the file system cannot be converted"),
    60: ("not_live", "the checkpoint images do not fit"),
    61: ("not_live", "IPv6 is missing on the target"),
    62: ("not_live", "memory management of the kernels differs"),
    63: ("not_live", "mount namespaces cannot be carried over"),
    64: ("fix", "this file system cannot live on that storage"),
    65: ("fix", "the ploop format is not known to the target"),
    67: ("retry", "a checksum was wrong after copying"),
    68: ("fix", "the container has several ploop disks"),
    69: ("conflict", "the target has the container's folder already"),
    70: ("fix", "internal and external disks are mixed"),
    74: ("fix", "a backup is attached to the container"),
    105: ("panel", "an argument is invalid"),
}
