"""One order given to vzctl: verb, container and options."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .container import Container
from .exits import BAD_PARAMETER, VzError
from .voice import Voice


class Call(NamedTuple):
    verb: str
    ct: Container
    options: list[str]
    voice: Voice

    def parse(self, *, flags: tuple[str, ...] = (), valued: tuple[str, ...] = ()) -> dict[str, str]:
        """Read options of two kinds: alone, or with a value that follows or is attached with =."""
        found: dict[str, str] = {}
        words = iter(self.options)
        for word in words:
            name, equals, value = word.partition("=")
            if name in valued:
                found[name] = value if equals else self._next(words, name)
            elif word in flags:
                found[word] = ""
            else:
                raise VzError(BAD_PARAMETER, f"Invalid option '{word}'")
        return found

    def _next(self, words: Iterator[str], name: str) -> str:
        value = next(words, None)
        if value is None:
            raise VzError(BAD_PARAMETER, f"option '{name}' requires an argument")
        return value
