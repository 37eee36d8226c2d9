"""What every mail is made of, whatever it tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Facts = Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Words:
    subject: str
    sentences: Sequence[str]
    facts: Facts
    link: str
    footer: str


def prefix(settings: Mapping[str, Any]) -> str:
    return "[lab] " if settings["lab"] else ""


def at(moment: datetime | None, zone: str) -> str:
    if moment is None:
        return ""
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        # A letter that shows UTC is better than one that is never sent.
        place, zone = ZoneInfo("UTC"), "UTC"
    return f"{moment.astimezone(place):%a %d %b %Y, %H:%M} ({zone})"
