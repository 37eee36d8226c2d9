"""How readings and roll-ups are packed into a row: small, quick to open, and readable by later versions."""

from __future__ import annotations

import json
import zlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from math import isfinite, nan
from operator import attrgetter
from typing import Any, Final

from migrations_app.capacity.metrics import STATISTICS
from migrations_app.vz.facts import ContainerUse, NodeUse

VERSION: Final = 1
_QUICK: Final = 3  # zlib's level: half the time of the usual one for a few percent of size
_BYTES_PER_NUMBER: Final = 4
# Twelve bits are dropped from a float's 24: one part in two thousand, far below what a sample is worth.
_HALF_STEP, _KEPT = 0x800, 0xFFFFF000

_NODE_FIELDS = tuple(field.name for field in fields(NodeUse) if field.name != "containers")
_CONTAINER_FIELDS = tuple(field.name for field in fields(ContainerUse))
_values_of = attrgetter(*_CONTAINER_FIELDS)


class Unreadable(Exception):
    """A packed row is damaged or was written by a newer version of the panel."""


@dataclass(frozen=True, kw_only=True)
class KeptReading:
    """A reading as kept: with the row that each container had when it was read."""

    use: NodeUse
    container_rows: Mapping[str, int]  # container number to primary key


def pack_reading(use: NodeUse, container_rows: Mapping[str, int]) -> bytes:
    node = [getattr(use, name) for name in _NODE_FIELDS]
    containers = [[container_rows.get(one.ctid), *_values_of(one)] for one in use.containers]
    return zlib.compress(json.dumps([VERSION, node, containers], separators=(",", ":")).encode(), _QUICK)


def unpack_reading(body: bytes) -> KeptReading:
    """Return what was packed.

    :raises Unreadable:
    """
    try:
        node, rows = _opened(body)
        containers = tuple(ContainerUse(**dict(zip(_CONTAINER_FIELDS, row[1:], strict=True))) for row in rows)
        use = NodeUse(**dict(zip(_NODE_FIELDS, node, strict=True)), containers=containers)
    except (zlib.error, ValueError, TypeError) as error:
        raise Unreadable("a reading cannot be unpacked") from error
    return KeptReading(use=use, container_rows={row[1]: row[0] for row in rows if row[0] is not None})


def unpack_node(body: bytes) -> NodeUse:
    """Return what was packed of the node itself, its containers left out.

    :raises Unreadable:
    """
    try:
        return NodeUse(**dict(zip(_NODE_FIELDS, _opened(body)[0], strict=True)))
    except (zlib.error, ValueError, TypeError) as error:
        raise Unreadable("a reading cannot be unpacked") from error


def _opened(body: bytes) -> tuple[list[Any], list[list[Any]]]:
    version, node, rows = json.loads(zlib.decompress(body))
    _check(version)
    return node, rows


class Grid:
    """Numbers by metric, statistic and slot of time; a gap is a NaN."""

    def __init__(self, metrics: Sequence[str], slots: int) -> None:
        self.metrics = tuple(metrics)
        self.slots = slots
        self._numbers = array("f", [nan]) * (len(self.metrics) * len(STATISTICS) * slots)

    def column(self, metric: str, statistic: str) -> array[float]:
        """Return one statistic of one metric over all slots; all gaps for a metric this grid has never held."""
        start = self._start(metric, statistic)
        return array("f", [nan]) * self.slots if start is None else self._numbers[start : start + self.slots]

    def put(self, metric: str, slot: int, summary: Sequence[float]) -> None:
        """Write all statistics of one slot, in the order of STATISTICS."""
        for statistic, number in zip(STATISTICS, summary, strict=True):
            start = self._start(metric, statistic)
            if start is not None:
                self._numbers[start + slot] = number

    def put_column(self, metric: str, statistic: str, numbers: Sequence[float]) -> None:
        """Write one statistic of one metric over all slots."""
        start = self._start(metric, statistic)
        if start is not None:
            self._numbers[start : start + self.slots] = array("f", numbers)

    def clear(self, slots: Iterable[int]) -> None:
        for slot in slots:
            self._numbers[slot :: self.slots] = array("f", [nan]) * (len(self.metrics) * len(STATISTICS))

    def is_known(self, slot: int) -> bool:
        return any(isfinite(number) for number in self._numbers[slot :: self.slots])

    def pack(self) -> bytes:
        """Return the bytes: numbers rounded, and like bytes side by side, which packs several times smaller."""
        head = json.dumps([VERSION, self.slots, self.metrics], separators=(",", ":")).encode()
        raw = _rounded(self._numbers).tobytes()
        planes = b"".join(raw[plane::_BYTES_PER_NUMBER] for plane in range(_BYTES_PER_NUMBER))
        return len(head).to_bytes(2, "big") + head + zlib.compress(planes, _QUICK)

    @classmethod
    def unpack(cls, body: bytes) -> Grid:
        """Return the grid that was packed.

        :raises Unreadable:
        """
        end = 2 + int.from_bytes(body[:2], "big")
        try:
            version, slots, metrics = json.loads(body[2:end])
            _check(version)
            planes = zlib.decompress(body[end:])
            grid = cls(metrics, slots)
            grid._fill(planes)
        except (zlib.error, ValueError, TypeError) as error:
            raise Unreadable("a roll-up cannot be unpacked") from error
        return grid

    def fitted(self, metrics: Sequence[str]) -> Grid:
        """Return this grid with exactly these metrics; those it has not are gaps."""
        if self.metrics == tuple(metrics):
            return self
        other = Grid(metrics, self.slots)
        for metric in metrics:
            for statistic in STATISTICS:
                start = other._start(metric, statistic)
                if start is not None:
                    other._numbers[start : start + self.slots] = self.column(metric, statistic)
        return other

    def _fill(self, planes: bytes) -> None:
        count = len(self._numbers)
        if len(planes) != count * _BYTES_PER_NUMBER:
            raise ValueError("too few or too many numbers")
        raw = bytearray(len(planes))
        for plane in range(_BYTES_PER_NUMBER):
            raw[plane::_BYTES_PER_NUMBER] = planes[plane * count : (plane + 1) * count]
        self._numbers = array("f", bytes(raw))

    def _start(self, metric: str, statistic: str) -> int | None:
        if metric not in self.metrics:
            return None
        return (self.metrics.index(metric) * len(STATISTICS) + STATISTICS.index(statistic)) * self.slots


def _rounded(numbers: array[float]) -> array[int]:
    """Return the numbers' bits with the last ones dropped; gaps stay gaps."""
    bits = array("I", numbers.tobytes())
    return array("I", [(one + _HALF_STEP) & _KEPT if one & 0x7F800000 != 0x7F800000 else one for one in bits])


def _check(version: object) -> None:
    if version != VERSION:
        raise ValueError("written by another version")
