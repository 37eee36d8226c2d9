"""vzlist as of vzctl 4.11: a table for people, JSON for programs, its strings unescaped as in the original."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from typing import Any, NamedTuple

from . import faults, kernel_counters, kernel_files, paths
from .container import Container, parse_ctid
from .exits import VzError
from .vzlist_fields import DISK_UNITS, FIELDS, Column, Row, UnknownField, column

DEFAULT = ("ctid", "numproc", "status", "ip", "hostname")
WITH_NAMES = ("ctid", "numproc", "status", "ip", "name")
PATTERNS = {"-h": "hostname", "--hostname": "hostname", "-N": "name", "--name_filter": "name",
            "-d": "description", "--description": "description"}  # fmt: skip
LONG = {"--all": "-a", "--stopped": "-S", "--name": "-n", "--no-header": "-H", "--no-trim": "-t", "--json": "-j",
        "--list": "-L", "--output": "-o", "--sort": "-s"}  # fmt: skip
NOT_FOUND = "Container(s) not found"


class Wish(NamedTuple):
    flags: frozenset[str]
    fields: tuple[str, ...]
    sort: str
    patterns: dict[str, str]
    containers: tuple[str, ...]


class BadUsage(Exception):
    """What was wrong with the command line."""


def main(argv: list[str]) -> int:
    faults.strike("vzlist")
    try:
        wish = parse(argv)
        columns = [column(name) for name in wish.fields]
        wanted = {parse_ctid(word) for word in wish.containers}
    except (BadUsage, UnknownField) as error:
        print(f"Unknown field: {error}" if isinstance(error, UnknownField) else str(error), file=sys.stderr)
        return 1
    except VzError:
        print(NOT_FOUND, file=sys.stderr)
        return 1
    if "-L" in wish.flags:
        print("\n".join(f"{name:<15s} {field.header}" for name, field in FIELDS.items()))
        return 0
    kernel_files.refresh()
    kernel_counters.refresh()
    rows = _sorted(_select(wish, wanted), wish.sort)
    return _show(wish, columns, rows)


def parse(argv: list[str]) -> Wish:
    flags: set[str] = set()
    fields: tuple[str, ...] = ()
    sort = "ctid"
    patterns: dict[str, str] = {}
    containers: list[str] = []
    words = iter(_spread(argv))
    for word in words:
        match word:
            case "-o":
                fields = tuple(_value(words, word).split(","))
            case "-s":
                sort = _value(words, word)
            case "-1":
                flags.add("-H")
                fields = ("ctid",)
            case "-a" | "-S" | "-n" | "-H" | "-t" | "-j" | "-L":
                flags.add(word)
            case _ if word in PATTERNS:
                patterns[PATTERNS[word]] = _value(words, word)
            case _ if word.startswith("-"):
                raise BadUsage(f"vzlist: invalid option -- '{word.lstrip('-')}'")
            case _:
                containers.append(word)
    fields = fields or (WITH_NAMES if "-n" in flags else tuple(FIELDS) if "-j" in flags else DEFAULT)
    return Wish(frozenset(flags), fields, sort, patterns, tuple(containers))


def _spread(argv: list[str]) -> Iterator[str]:
    """Turn `-aHo ctid`, `-octid` and `--output=ctid` into single words."""
    for word in argv:
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            yield LONG.get(name, name)
            yield from [value] if equals else []
        elif word.startswith("-") and len(word) > 1:
            yield from _spread_short(word[1:])
        else:
            yield word


def _spread_short(letters: str) -> Iterator[str]:
    for number, letter in enumerate(letters):
        yield f"-{letter}"
        if letter in "oshNd":
            if rest := letters[number + 1 :]:
                yield rest
            return


def _value(words: Iterator[str], option: str) -> str:
    value = next(words, None)
    if value is None:
        raise BadUsage(f"vzlist: option requires an argument -- '{option.lstrip('-')}'")
    return value


def _select(wish: Wish, wanted: set[int]) -> list[Row]:
    rows = [row for row in _everybody() if not wanted or row.ct.ctid in wanted]
    if "-S" in wish.flags:
        rows = [row for row in rows if not row.running]
    elif "-a" not in wish.flags and not wanted:
        rows = [row for row in rows if row.running]
    return [row for row in rows if _matches(row, wish.patterns)]


def _everybody() -> list[Row]:
    """Containers with a configuration file and a private area, and those that run without."""
    names = [name.removesuffix(".conf") for name in os.listdir(paths.CONF_DIR) if name.endswith(".conf")]
    ctids = {int(name) for name in names if name.isdigit() and name != "0"}
    rows = [Row(Container(ctid)) for ctid in ctids | {ct.ctid for ct in kernel_files.running()}]
    return [row for row in rows if row.running or os.path.isdir(row.ct.private)]


def _matches(row: Row, patterns: dict[str, str]) -> bool:
    return all(fnmatch(str(FIELDS[name].value(row) or ""), pattern) for name, pattern in patterns.items())


def _sorted(rows: list[Row], order: str) -> list[Row]:
    key = column(order.removeprefix("-"))
    rows.sort(key=lambda row: row.ct.ctid)
    # Numbers among numbers, words among words, nothing first.
    rows.sort(key=lambda row: _sort_key(key.text_value(row)), reverse=order.startswith("-"))
    return rows


def _sort_key(value: Any) -> tuple[bool, float, str]:
    if isinstance(value, (int, float)):
        return True, float(value), ""
    return value is not None, 0.0, str(value)


def _show(wish: Wish, columns: list[Column], rows: list[Row]) -> int:
    if "-j" in wish.flags:
        print(as_json(columns, rows))
    elif rows:
        _print_table(columns, rows, header="-H" not in wish.flags, trim="-t" not in wish.flags)
    else:
        print(NOT_FOUND, file=sys.stderr)
    return 1 if wish.containers and not rows else 0


def _print_table(columns: list[Column], rows: list[Row], *, header: bool, trim: bool) -> None:
    if header:
        print(" ".join(_pad(one.header, one.field.width) for one in columns).rstrip())
    for row in rows:
        cells = []
        for number, one in enumerate(columns):
            last = number == len(columns) - 1
            text = as_text(one.text_value(row), short=trim and not last)
            width = abs(one.field.width)
            cells.append(_pad(text[:width] if trim and not last else text, one.field.width))
        print(" ".join(cells).rstrip() if len(columns) > 1 else cells[0])


def _pad(text: str, width: int) -> str:
    return f"{text:<{-width}s}" if width < 0 else f"{text:>{width}s}"


def as_text(value: Any, *, short: bool) -> str:
    match value:
        case None | [] | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case [float(), float(), float()]:
            return "/".join(f"{number:1.2f}" for number in value)
        case list():
            return str(value[0]) if short else " ".join(value)
        case dict():
            return ",".join(f"{name}:{'on' if state else 'off'}" for name, state in value.items())
        case float():
            return _duration(int(value))
    return str(value)


def _duration(seconds: int) -> str:
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    return f"{days:03d}d{hours:02d}h:{rest // 60:02d}m:{rest % 60:02d}s"


def as_json(columns: list[Column], rows: list[Row]) -> str:
    if any("." in one.name for one in columns):
        raise SystemExit("vzlist: field suffixes are not allowed in JSON")
    if not rows:
        return "[]"
    return "[\n" + ",\n".join(_object(columns, row) for row in rows) + "\n]"


def _object(columns: list[Column], row: Row) -> str:
    lines = [f'    "{one.name}": {_json_value(one.name, one.field.value(row))}' for one in columns]
    return "  {\n" + ",\n".join(lines) + "\n  }"


def _json_value(name: str, value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:.3f}"
        case int():
            return str(value)
        case str():
            return f'"{value}"'  # no escaping: whoever reads this must be ready for it
        case [float(), *_]:
            return "[" + ", ".join(f"{number:.2f}" for number in value) + "]"
        case list():
            return "[" + ", ".join(f'"{word}"' for word in value) + "]"
    inner = ", ".join(f'"{key}": {_json_value(key, one)}' for key, one in value.items())
    return "{ " + inner + " }" if name in DISK_UNITS or name == "features" else "{\n      " + inner + "\n    }"
