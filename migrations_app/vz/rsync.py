"""Read what rsync prints: statistics, differences; and what its exit codes mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from migrations_app.vz.names import clean_line
from migrations_app.vz.verdict import Kind, Verdict

LONGEST_OUTPUT = 1024 * 1024
MOST_DIFFERENCES = 200
VANISHED = 24

_COUNT = r"[0-9][0-9,.]{0,24}"
_PROGRESS = re.compile(
    rf"{_COUNT}\s{{1,4}}[0-9]{{1,3}}%\s{{1,9}}[0-9.]{{1,12}}[kMGT]?B/s\s{{1,9}}[0-9]{{1,6}}:[0-9]{{2}}:[0-9]{{2}}"
    r"(?: \(xfr#[0-9]{1,12}, (?:to|ir)-chk=[0-9]{1,12}/[0-9]{1,12}\))?",
    re.ASCII,
)
_STATISTIC = re.compile(rf"(?P<label>[A-Z][A-Za-z -]{{3,50}}): (?P<count>{_COUNT})(?: [ -~]{{0,200}})?", re.ASCII)
_CLOSING = re.compile(r"(?:sent [0-9,.]{1,25} bytes  received|total size is) [0-9,.]{1,25} [ -~]{1,120}", re.ASCII)
# Update, kind of file, then one letter or dot per attribute: 7 in old versions, 9 today. "+" is a new file.
_ITEM = re.compile(r"(?P<change>\*deleting|[<>ch.][fdLDS][.+? cstTpoguaxbn]{7,9}) +(?P<path>.+)")
_HEADERS = ("sending incremental file list", "building file list ... done")


@dataclass(frozen=True, kw_only=True)
class CopyStats:
    """Figures of one pass; None is "not printed"."""

    files: int | None  # looked at
    files_transferred: int | None
    bytes_of_files: int | None
    bytes_sent: int | None
    bytes_received: int | None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One file that differs: rsync's own letters for what differs, and its path as rsync escapes it."""

    change: str
    path: str

    def __str__(self) -> str:
        return f"{self.change} {self.path}"


class NotIdentical(Exception):
    """The two copies differ, or the comparing run did not say that they do not."""

    def __init__(self, reason: str, differences: tuple[Difference, ...] = ()) -> None:
        shown = "; ".join(str(difference) for difference in differences[:3])
        super().__init__(f"{reason}: {shown}" if shown else reason)
        self.reason = reason
        self.differences = differences


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Proof of an empty difference run."""

    files_compared: int | None
    bytes_compared: int | None
    seconds: float

    def as_evidence(self, at: datetime) -> dict[str, Any]:
        return {
            "files_compared": self.files_compared,
            "differences": 0,
            "bytes": self.bytes_compared,
            "seconds": self.seconds,
            "at": at.isoformat(),
        }


def read_stats(output: str) -> CopyStats:
    """Return the figures of ``--stats`` or ``--info=stats2``."""
    found: dict[str, int] = {}
    for line in output[-LONGEST_OUTPUT:].split("\n"):
        if match := _STATISTIC.fullmatch(line.strip()):
            found[match["label"]] = _whole(match["count"])
    transferred = found.get("Number of regular files transferred", found.get("Number of files transferred"))
    return CopyStats(
        files=found.get("Number of files"),
        files_transferred=transferred,
        bytes_of_files=found.get("Total file size"),
        bytes_sent=found.get("Total bytes sent"),
        bytes_received=found.get("Total bytes received"),
    )


def read_differences(output: str) -> tuple[Difference, ...]:
    """Return the itemized changes; the first 200 stand for the rest."""
    matches = (_ITEM.fullmatch(line) for line in output[:LONGEST_OUTPUT].split("\n"))
    found = (Difference(change=match["change"], path=clean_line(match["path"])) for match in matches if match)
    return tuple(difference for difference, _ in zip(found, range(MOST_DIFFERENCES), strict=False))


def empty_certificate(output: str, *, output_bytes: int, exit_code: int, seconds: float) -> Certificate:
    """Return the certificate of a run with ``--dry-run --itemize-changes`` that found nothing.

    ``output_bytes`` is the length of the whole output: when only its end was seen, nothing is certified.

    :raises NotIdentical: a difference, a failed run, a line that is not understood, or output that was not seen.
    """
    if exit_code != 0:
        raise NotIdentical(f"the comparing run ended with {exit_code}: {verdict(exit_code).sentence}")
    if differences := read_differences(output):
        raise NotIdentical(f"{len(differences)} or more files differ", differences)
    if output_bytes > len(output.encode()):
        raise NotIdentical(f"only the end of {output_bytes} bytes of output was seen")
    for line in output.split("\n"):
        if not _says_no_difference(line.strip()):
            raise NotIdentical(f"the comparing run printed {clean_line(line, limit=120)!r}, which is not understood")
    stats = read_stats(output)
    return Certificate(files_compared=stats.files, bytes_compared=stats.bytes_of_files, seconds=seconds)


def verdict(exit_code: int, *, frozen: bool = False) -> Verdict:
    """Return what to make of the exit code; ``frozen``: nothing may have changed while rsync read."""
    if exit_code == VANISHED and not frozen:
        return Verdict(kind="ok", sentence="files vanished while they were read, as they do in a running container")
    kind, sentence = _CODES.get(exit_code, ("retry", f"rsync ended with {exit_code}"))
    return Verdict(kind=kind, sentence=sentence)


def _whole(digits: str) -> int:
    """Read a count with its groups of thousands."""
    return int(re.sub(r"[,.]", "", digits))


def _says_no_difference(line: str) -> bool:
    return (
        not line
        or line in _HEADERS
        or _STATISTIC.fullmatch(line) is not None
        or _CLOSING.fullmatch(line) is not None
        or _PROGRESS.fullmatch(line) is not None
    )


_CODES: Final[Mapping[int, tuple[Kind, str]]] = {
    0: ("ok", "done"),
    1: ("panel", "the options are not known to this rsync"),
    2: ("fix", "the two rsync versions do not understand each other"),
    3: ("fix", "a folder to copy from or to is not there"),
    4: ("panel", "this rsync cannot do what was asked"),
    5: ("retry", "the other side did not start"),
    6: ("retry", "the log file cannot be written"),
    10: ("retry", "the connection broke"),
    11: ("fix", "reading or writing a file failed; a full disk shows so"),
    12: ("retry", "the connection broke"),
    13: ("retry", "rsync's own report failed"),
    14: ("retry", "rsync's processes lost each other"),
    20: ("retry", "it was ended by a signal"),
    21: ("retry", "a process of rsync vanished"),
    22: ("fix", "the node has too little memory"),
    23: ("fix", "some files could not be copied; the log names them"),
    VANISHED: ("fix", "files vanished although the container stands still: something on the node writes to its area"),
    25: ("panel", "more files would be deleted than allowed"),
    30: ("retry", "nothing came for too long"),
    35: ("retry", "the other side could not be reached in time"),
    127: ("fix", "rsync is not installed"),
    255: ("retry", "ssh could not connect, or the connection broke"),
}
