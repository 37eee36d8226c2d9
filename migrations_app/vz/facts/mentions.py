"""Lines of a container's files that name an address."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from migrations_app.vz import names
from migrations_app.vz.facts.container import ContainerFact
from migrations_app.vz.facts.fact import Answer, lines, number, succeeded

MOST_MENTIONS = 1000
LONGEST_PATH, LONGEST_LINE = 300, 400


@dataclass(frozen=True, kw_only=True)
class Mention:
    path: str  # below the private area, without a leading slash
    number: int
    text: str  # the line as it is


@dataclass(frozen=True)
class CtMentions(ContainerFact[tuple[Mention, ...]]):
    """Which lines name exactly this address; what cannot be shown and sent back as it is, is left out."""

    address: str

    name: ClassVar[str] = "ct_mentions"

    @property
    def arguments(self) -> tuple[str, ...]:
        return (*super().arguments, names.checked_address(self.address))

    def _understand(self, answer: Answer) -> tuple[Mention, ...]:
        return tuple(_read(lines(succeeded(answer))))[:MOST_MENTIONS]


def _read(told: list[str]) -> Iterator[Mention]:
    path: str | None = None
    for line in told:
        kind, _, said = line.partition("=")
        if kind == "file":
            path = _text(said, longest=LONGEST_PATH)
        elif kind == "line" and path:
            place, _, encoded = said.partition(" ")
            text = _text(encoded, longest=LONGEST_LINE)
            if text is not None:
                yield Mention(path=path, number=number(place), text=text)


def _text(encoded: str, *, longest: int) -> str | None:
    """Return what it says, None where that is no plain line of text."""
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    plain = all(character == "\t" or character.isprintable() for character in text)
    return text if plain and 0 < len(text) <= longest else None
