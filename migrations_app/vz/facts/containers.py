"""Every container of a node, as vzlist prints them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from migrations_app.vz import names
from migrations_app.vz.facts.fact import HIGHEST_NUMBER, Answer, Fact, lines, succeeded

STATUSES = ("running", "stopped", "mounted", "suspended", "paused")
UNLIMITED: Final = (0, 2**31 - 1, 2**63 - 1)
MOST_CONTAINERS = 5_000
PAGE_KIB = 4
# Strings whose text a customer chooses. vzlist escapes nothing in them.
_FREE_TEXT = ("hostname", "name", "description", "ostemplate")
_FREE_VALUE = re.compile(
    rf'^(?P<head>[ \t]*+"(?:{"|".join(_FREE_TEXT)})":[ \t]*+")(?P<body>.*)(?P<tail>"[ \t]*+,?[ \t]*+)$', re.MULTILINE
)
_OBJECT_START = re.compile(r"^[ \t]*+\{[ \t]*+$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class ObservedContainer:
    """One container as a node showed it; None is "the node did not say"."""

    ctid: str
    status: str
    hostname: str = ""
    name: str = ""
    description: str = ""
    addresses: tuple[str, ...] = ()
    layout: str = ""
    os_template: str = ""
    onboot: bool | None = None
    memory_held_mib: int | None = None
    memory_limit_mib: int | None = None
    disk_used_mib: int | None = None
    disk_limit_mib: int | None = None
    inodes_used: int | None = None
    cpus: int | None = None
    cpu_limit_percent: int | None = None


@dataclass(frozen=True)
class ContainerListPlain(Fact[tuple[ObservedContainer, ...]]):
    """Ids and states only, in a form that a customer's text cannot break."""

    name: ClassVar[str] = "containers_plain"

    def _understand(self, answer: Answer) -> tuple[ObservedContainer, ...]:
        rows = (line.split() for line in lines(succeeded(answer))[:MOST_CONTAINERS])
        return tuple(ObservedContainer(ctid=names.checked_ctid(row[0]), status=_status(row[1])) for row in rows)


@dataclass(frozen=True)
class Names(Fact[Mapping[str, str]]):
    """Container id by name; containers without a name are left out."""

    name: ClassVar[str] = "names"

    def _understand(self, answer: Answer) -> Mapping[str, str]:
        rows = (line.split(maxsplit=1) for line in lines(succeeded(answer))[:MOST_CONTAINERS])
        named = [(row[0], row[1].strip()) for row in rows if len(row) == 2 and row[1].strip() != "-"]
        return {names.clean_line(name, limit=120): names.checked_ctid(ctid) for ctid, name in named}


@dataclass(frozen=True)
class ContainerList(Fact[tuple[ObservedContainer, ...]]):
    """Every container the node knows, running or not.

    Unreadable when a customer's text breaks the JSON beyond repair: ask ContainerListPlain then.
    """

    name: ClassVar[str] = "containers"

    def _understand(self, answer: Answer) -> tuple[ObservedContainer, ...]:
        rows = _rows(succeeded(answer))
        found = tuple(_container(row) for row in rows[:MOST_CONTAINERS])
        if len({container.ctid for container in found}) != len(found):
            raise ValueError("one container is listed twice")
        return found


def _rows(text: str) -> list[dict[str, Any]]:
    """Read the objects; vzlist escapes nothing, so a customer's text may have broken them or added to them."""
    try:
        return _parsed(text)
    except ValueError:
        return _parsed(_repaired(text))


def _parsed(text: str) -> list[dict[str, Any]]:
    try:
        rows = json.loads(text, object_pairs_hook=_each_key_once)
    except RecursionError:
        raise ValueError("is nested too deep") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("is not a list of objects")
    # A text field must not pass for another container: each object opens on a line of its own.
    if len(_OBJECT_START.findall(text)) not in {0, len(rows)}:
        raise ValueError("objects and rows do not match")
    return rows


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(row := dict(pairs)) != len(pairs):
        raise ValueError("a field is there twice")
    return row


def _repaired(text: str) -> str:
    """Return the text with the customers' strings escaped; vzlist prints one value per line."""
    return _FREE_VALUE.sub(lambda match: match["head"] + json.dumps(match["body"])[1:-1] + match["tail"], text)


def _container(row: Mapping[str, Any]) -> ObservedContainer:
    memory, disk, inodes = (_table(row, key) for key in ("physpages", "diskspace", "diskinodes"))
    onboot = row.get("onboot")
    return ObservedContainer(
        ctid=names.checked_ctid(str(row["ctid"])),  # OpenVZ 7 prints a string, older tools a number
        status=_status(row.get("status")),
        hostname=_text(row, "hostname", limit=253),
        name=_text(row, "name", limit=120),
        description=_text(row, "description", limit=500),
        addresses=names.readable_addresses(_words(row.get("ip"))),
        layout=_text(row, "layout", limit=10),
        os_template=_text(row, "ostemplate", limit=120),
        onboot=onboot if isinstance(onboot, bool) else None,
        memory_held_mib=_pages_to_mib(memory.get("held")),
        memory_limit_mib=_pages_to_mib(_limit(memory.get("limit"))),
        # With DISK_QUOTA=no nothing is counted, and vzlist prints 0: no container has no file.
        disk_used_mib=_kib_to_mib(disk.get("usage") or None),
        disk_limit_mib=_kib_to_mib(_limit(disk.get("hardlimit"))),
        inodes_used=_count(inodes.get("usage")) or None,
        cpus=_count(row.get("cpus")) or None,
        cpu_limit_percent=_count(row.get("cpulimit")) or None,
    )


def _status(word: object) -> str:
    return word if isinstance(word, str) and word in STATUSES else "unknown"


def _table(row: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = row.get(key)
    return value if isinstance(value, dict) else {}


def _text(row: Mapping[str, Any], key: str, *, limit: int) -> str:
    value = row.get(key)
    return names.clean_line(value, limit=limit) if isinstance(value, str) and value != "-" else ""


def _words(value: object) -> Iterator[str]:
    if isinstance(value, list):
        yield from (word for word in value[:256] if isinstance(word, str))
    elif isinstance(value, str):
        yield from value.split()[:256]


def _count(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= HIGHEST_NUMBER else None


def _pages_to_mib(value: object) -> int | None:
    pages = _count(value)
    return None if pages is None else pages * PAGE_KIB // 1024


def _kib_to_mib(value: object) -> int | None:
    kib = _count(value)
    return None if kib is None else kib // 1024


def _limit(value: object) -> object:
    """Return None in place of the kernel's ways to say "unlimited"."""
    return None if value in UNLIMITED else value
