"""Judge a backup or a restore by what the tool wrote: vzdump 1.2.6 exits 0 even when the backup failed."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import Literal

from migrations_app.vz.names import clean_line, clean_text

LONGEST_LOG = 256 * 1024
DumpStage = Literal["", "first_copy", "frozen", "archiving", "finished"]

_MODE = re.compile(r"INFO: backup mode: (stop|suspend|snapshot)", re.ASCII)
_ARCHIVE = re.compile(r"INFO: creating archive '([^'\n]{1,1000})'")
_SIZE = re.compile(r"INFO: archive file size: ([0-9]{1,9}(?:\.[0-9]{1,3})?)\s?([KMGT]?B)", re.ASCII)
_ONLINE_AGAIN = re.compile(r"INFO: vm is online again after ([0-9]{1,9}) seconds?", re.ASCII)
_UNITS = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
_STAGES: tuple[tuple[str, DumpStage], ...] = (
    ("INFO: starting first sync", "first_copy"),
    ("INFO: suspend vm", "frozen"),
    ("INFO: stopping vm", "frozen"),
    ("INFO: starting final sync", "frozen"),
    ("INFO: resume vm", "archiving"),
    ("INFO: creating archive", "archiving"),
    ("INFO: Finished Backup of VM", "finished"),
)


@dataclass(frozen=True, kw_only=True)
class DumpLog:
    """What a backup's log tells, also half-way."""

    ok: bool  # it says that it finished this container, and reports no error
    reason: str  # why not
    stage: DumpStage
    mode: str  # how it was really done, which may differ from what was asked
    archive_path: str
    archive_bytes_about: int | None  # the tool rounds
    frozen_seconds: int | None


@dataclass(frozen=True, kw_only=True)
class RestoreLog:
    ok: bool
    reason: str


def read_dump(log: str, *, ctid: str, exit_code: int = 0) -> DumpLog:
    """Return what the log says; ``ok`` does not look at the archive, which must be tested as well."""
    text = _bounded(log)
    rows = text.split("\n")
    reason = _first_error(rows) or _unfinished(rows, ctid=ctid, exit_code=exit_code)
    size, frozen = _last(_SIZE, text), _last(_ONLINE_AGAIN, text)
    mode, archive = _last(_MODE, text), _last(_ARCHIVE, text)
    return DumpLog(
        ok=not reason,
        reason=reason,
        stage=next((stage for row in reversed(rows) for start, stage in _STAGES if row.startswith(start)), ""),
        mode=mode[1] if mode else "",
        archive_path=clean_line(archive[1], limit=1_000) if archive else "",
        archive_bytes_about=round(float(size[1]) * _UNITS[size[2]]) if size else None,
        frozen_seconds=int(frozen[1]) if frozen else None,
    )


def read_restore(log: str, *, exit_code: int) -> RestoreLog:
    """Return whether vzrestore, or the older ``vzdump --restore``, says that it went well."""
    rows = _bounded(log).split("\n")
    reason = _first_error(rows)
    if not reason and exit_code != 0:
        reason = f"it ended with {exit_code}: {clean_line(' '.join(rows[-3:]))}"
    return RestoreLog(ok=not reason, reason=reason)


def _bounded(log: str) -> str:
    text = clean_text(log[-LONGEST_LOG:], limit=LONGEST_LOG)
    # The copy of the log on disk has a time stamp in front of every line.
    return re.sub(r"^[A-Z][a-z]{2} [0-9 ]{2} [0-9:]{8} (?=(?:INFO|WARN|ERROR):)", "", text, flags=re.MULTILINE)


def _first_error(rows: list[str]) -> str:
    marks = ("ERROR:", "unable to restore")
    return next((clean_line(row, limit=500) for row in rows if row.startswith(marks)), "")


def _unfinished(rows: list[str], *, ctid: str, exit_code: int) -> str:
    if exit_code != 0:
        return f"it ended with {exit_code}: {clean_line(' '.join(rows[-3:]))}"
    finished = f"INFO: Finished Backup of VM {ctid} "
    return "" if any(row.startswith(finished) for row in rows) else f"it does not say that it finished container {ctid}"


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = deque(pattern.finditer(text), maxlen=1)
    return found[0] if found else None
