"""Read a fleet file strictly: what is wrong is refused with one message that names the field."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from migrations_app.placement.fleet import NO_GROUP, NOWHERE, Fleet, Ints

FORMATS = ("fleet/1", "planner-bench/1")
MODES = ("evacuate", "rebalance")
OWN_FIELDS = frozenset({"name", "node", "nic_bps", "tags", "drained", "move_bytes", "requires", "group", "pinned"})
# Half a million containers; more is not a fleet but somebody's mistake.
MOST_FILE_BYTES = 64 * 1024 * 1024
# With these a sum over any fleet that the file has room for stays exact enough, and whole bytes stay below 2**63.
MOST_AMOUNT = 1e12
MOST_BYTES = 1e15
LONGEST_NAME = 200
MOST_RESOURCES = 16

Rows = Sequence[dict[str, Any]]


class FleetUnreadable(ValueError):
    """The fleet file says something that cannot be planned with; the message names the field."""


def read_fleet(path: Path) -> Fleet:
    """Read and check a fleet file.

    :raises FleetUnreadable: with one sentence that begins with the file or the field.
    """
    return understand(_parse(_load(path), str(path)))


def _load(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_FILE_BYTES + 1)
    except OSError as cause:
        raise FleetUnreadable(f"{path}: {cause.strerror or cause}") from cause
    except ValueError as cause:
        raise FleetUnreadable(f"{str(path)!r}: {cause}") from cause
    if len(content) > MOST_FILE_BYTES:
        raise FleetUnreadable(f"{path}: is longer than {MOST_FILE_BYTES // 2**20} MiB")
    return content


def _parse(content: bytes, path: str) -> Any:
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=_object)
    except FleetUnreadable:
        raise
    except UnicodeDecodeError as cause:
        raise FleetUnreadable(f"{path}: is not UTF-8 at byte {cause.start}") from cause
    except RecursionError as cause:
        raise FleetUnreadable(f"{path}: is nested too deeply") from cause
    except ValueError as cause:
        raise FleetUnreadable(f"{path}: is not JSON: {str(cause)[:200]}") from cause


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        fields = [field for field, _ in pairs]
        twice = next(field for field in fields if fields.count(field) > 1)
        raise FleetUnreadable(f"{twice[:LONGEST_NAME]!r}: the same object has this field twice")
    return found


def understand(told: Any) -> Fleet:
    """Make a fleet of parsed JSON.

    :raises FleetUnreadable: a field is missing, wrong, or contradicts another.
    """
    if not isinstance(told, dict):
        _refuse("the file", "must be an object", told)
    _one_of(told, "format", FORMATS)
    _one_of(told, "mode", MODES)
    return _fleet(told, _resources(told), _rows(told, "nodes"), _rows(told, "containers"))


def _fleet(told: dict[str, Any], resources: Sequence[str], nodes: Rows, containers: Rows) -> Fleet:
    node_names, names = _names(nodes, "nodes"), _names(containers, "containers")
    drained, pinned = _flags(nodes, "nodes", "drained"), _flags(containers, "containers", "pinned")
    tags = [_words(node, f"nodes[{n}]", "tags") for n, node in enumerate(nodes)]
    kinds, kind = _kinds(containers)
    home = _homes(containers, node_names)
    groups, group = _groups(containers, home, node_names)
    return Fleet(
        mode=told["mode"],
        level=read_level(told["level"], "level") if told.get("level") is not None else None,
        resources=tuple(resources),
        node_names=tuple(node_names),
        room=_room(nodes, resources, _limits(told, resources)),
        tags=tuple(tags),
        drained=drained,
        names=tuple(names),
        home=home,
        demand=_demand(containers, resources),
        move_bytes=np.array(_column(containers, "containers", "move_bytes", 0, MOST_BYTES), dtype=np.int64),
        kinds=kinds,
        kind=kind,
        groups=groups,
        group=group,
        pinned=pinned,
    )


def _refuse(path: str, must: str, value: Any) -> NoReturn:
    raise FleetUnreadable(f"{path}: {must}, not {_spelt(value)}")


def _spelt(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _field(row: dict[str, Any], path: str, field: str) -> Any:
    try:
        return row[field]
    except KeyError:
        raise FleetUnreadable(f"{path}{'.' if path else ''}{field}: is missing") from None


def _one_of(told: dict[str, Any], field: str, known: Sequence[str]) -> None:
    value = _field(told, "", field)
    if value not in known:
        _refuse(field, f"must be {' or '.join(json.dumps(word) for word in known)}", value)


def _number(value: Any, path: str, least: float, most: float) -> float:
    # A bool is an int to Python; NaN and the infinities fail both comparisons.
    if type(value) not in (int, float):
        _refuse(path, f"must be a number of at least {least:g}", value)
    if not value >= least or value == float("inf"):
        _refuse(path, f"must be a number of at least {least:g}", value)
    if value > most:
        _refuse(path, f"must be a number of at most {most:g}", value)
    return float(value)


def _above_zero(value: Any, path: str, most: float) -> float:
    number = _number(value, path, 0, most)
    if number <= 0:
        _refuse(path, "must be a number above 0", value)
    return number


def read_level(value: Any, path: str) -> float:
    """Check a wanted pressure.

    :raises FleetUnreadable: it is no number above 0 and at most 1.
    """
    return _above_zero(value, path, 1)


def _resources(told: dict[str, Any]) -> tuple[str, ...]:
    found = _field(told, "", "resources")
    if not isinstance(found, list) or not 1 <= len(found) <= MOST_RESOURCES:
        _refuse("resources", f"must be a list of 1 to {MOST_RESOURCES} names", found)
    for number, name in enumerate(found):
        _name(name, f"resources[{number}]")
        if name in OWN_FIELDS or name in found[:number]:
            _refuse(f"resources[{number}]", "must be a name of its own", name)
    return tuple(found)


def _limits(told: dict[str, Any], resources: Sequence[str]) -> list[float]:
    found = _field(told, "", "limits")
    if not isinstance(found, dict):
        _refuse("limits", "must be an object", found)
    return [_above_zero(_field(found, "limits", name), f"limits.{name}", 1) for name in resources]


def _rows(told: dict[str, Any], field: str) -> list[dict[str, Any]]:
    found = _field(told, "", field)
    if not isinstance(found, list):
        _refuse(field, "must be a list", found)
    for number, row in enumerate(found):
        if not isinstance(row, dict):
            _refuse(f"{field}[{number}]", "must be an object", row)
    return found


def _name(value: Any, path: str) -> None:
    # What is not printable would disturb the terminal it is shown on.
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_NAME or not value.isprintable():
        _refuse(path, f"must be 1 to {LONGEST_NAME} printable characters", value)


def _names(rows: Iterable[dict[str, Any]], field: str) -> dict[str, int]:
    """Return each name with its place."""
    places: dict[str, int] = {}
    for number, row in enumerate(rows):
        name = _field(row, f"{field}[{number}]", "name")
        _name(name, f"{field}[{number}].name")
        if name in places:
            raise FleetUnreadable(f"{field}[{number}].name: {name!r} is the name of {field}[{places[name]}] already")
        places[name] = number
    return places


def _flags(rows: Rows, table: str, field: str) -> np.ndarray:
    for number, row in enumerate(rows):
        value = _field(row, f"{table}[{number}]", field)
        if value is not True and value is not False:
            _refuse(f"{table}[{number}].{field}", "must be true or false", value)
    return np.array([row[field] for row in rows], dtype=bool)


def _kinds(containers: Rows) -> tuple[tuple[frozenset[str], ...], Ints]:
    """Number the sets of words that containers require."""
    wanted = [_words(ct, f"containers[{n}]", "requires") for n, ct in enumerate(containers)]
    known = {words: number for number, words in enumerate(dict.fromkeys(wanted))}
    return tuple(known), np.array([known[words] for words in wanted], dtype=np.int64)


def _words(row: dict[str, Any], path: str, field: str) -> frozenset[str]:
    found = _field(row, path, field)
    if not isinstance(found, list):
        _refuse(f"{path}.{field}", "must be a list of words", found)
    for number, word in enumerate(found):
        _name(word, f"{path}.{field}[{number}]")
    return frozenset(found)


def _column(rows: Sequence[dict[str, Any]], table: str, field: str, least: float, most: float) -> list[float]:
    return [
        _number(_field(row, f"{table}[{number}]", field), f"{table}[{number}].{field}", least, most)
        for number, row in enumerate(rows)
    ]


def _room(nodes: Sequence[dict[str, Any]], resources: Sequence[str], limits: Sequence[float]) -> np.ndarray:
    for number, node in enumerate(nodes):
        if (speed := _field(node, f"nodes[{number}]", "nic_bps")) is not None:
            _above_zero(speed, f"nodes[{number}].nic_bps", MOST_BYTES)
        for name in resources:
            _above_zero(_field(node, f"nodes[{number}]", name), f"nodes[{number}].{name}", MOST_AMOUNT)
    amounts = [[limit * node[name] for name, limit in zip(resources, limits, strict=True)] for node in nodes]
    return np.array(amounts, dtype=np.float64).reshape(len(nodes), len(resources))


def _demand(containers: Sequence[dict[str, Any]], resources: Sequence[str]) -> np.ndarray:
    columns = [_column(containers, "containers", name, 0, MOST_AMOUNT) for name in resources]
    return np.array(columns, dtype=np.float64).reshape(len(resources), len(containers)).T.copy()


def _homes(containers: Sequence[dict[str, Any]], node_names: dict[str, int]) -> Ints:
    homes = []
    for number, ct in enumerate(containers):
        name = _field(ct, f"containers[{number}]", "node")
        if name is None:
            homes.append(NOWHERE)
        elif isinstance(name, str) and name in node_names:
            homes.append(node_names[name])
        else:
            _refuse(f"containers[{number}].node", "must be the name of a node", name)
    return np.array(homes, dtype=np.int64)


def _groups(
    containers: Sequence[dict[str, Any]], home: Ints, node_names: dict[str, int]
) -> tuple[tuple[str, ...], Ints]:
    """Number the groups, and refuse two of one group on one node."""
    known: dict[str, int] = {}
    seats: dict[tuple[int, int], int] = {}
    numbers = np.full(len(containers), NO_GROUP, dtype=np.int64)
    for number, ct in enumerate(containers):
        name = _field(ct, f"containers[{number}]", "group")
        if name is None:
            continue
        _name(name, f"containers[{number}].group")
        numbers[number] = group = known.setdefault(name, len(known))
        first = seats.setdefault((group, int(home[number])), number)
        if first != number and home[number] != NOWHERE:
            node = list(node_names)[home[number]]
            raise FleetUnreadable(f"containers[{number}].group: {name!r} is on {node} already, by containers[{first}]")
    return tuple(known), numbers
