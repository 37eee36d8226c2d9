"""What was approved beside what stands there now, line by line; and either of them as lines to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_SHOWN = 200
NOTHING = ""


@dataclass(frozen=True, kw_only=True)
class Change:
    place: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a content: its facts, or the rows of a list."""

    title: str
    facts: list[tuple[str, str]]
    rows: list[list[tuple[str, str]]]


def between(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    before, after = dict(_lines(old, "")), dict(_lines(new, ""))
    places = [*before, *(place for place in after if place not in before)]
    return [
        Change(place=place, old=before.get(place, NOTHING), new=after.get(place, NOTHING))
        for place in places
        if before.get(place) != after.get(place)
    ]


def parts_of(content: Mapping[str, Any]) -> list[Part]:
    """Return all of the content as a page shows it, part by part."""
    alone = {name: value for name, value in content.items() if not _is_nested(value)}
    parts = [Part(title="", facts=_facts(alone), rows=[])] if alone else []
    for name, value in content.items():
        if isinstance(value, Mapping):
            parts.append(Part(title=_said(name), facts=_facts(value), rows=[]))
        elif _is_nested(value):
            parts.append(Part(title=_said(name), facts=[], rows=[_facts(row) for row in value]))
    return parts


def as_lines(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return all of the content as pairs of place and words."""
    return list(_lines(content, ""))


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping) or (_is_list(value) and any(isinstance(part, Mapping) for part in value))


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _facts(values: Any) -> list[tuple[str, str]]:
    return [(place, text or "none") for place, text in _lines(values, "")]


def _lines(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _lines(part, f"{place} / {_said(name)}" if place else _said(name))
    elif _is_nested(value):
        for number, part in enumerate(value, start=1):
            yield from _lines(part, f"{place} {number}")
    else:
        yield place, _words(value)


def _said(name: str) -> str:
    return name.replace("_", " ")


def _words(value: Any) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if _is_list(value):
        return ", ".join(map(_words, value))
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
