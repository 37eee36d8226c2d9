"""Read ``NAME="value"`` files as the tools do, without a shell."""

from __future__ import annotations

import re
from collections.abc import Mapping

from migrations_app.vz.facts.fact import lines

_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]{0,63})\s*=\s*(.*)", re.ASCII)


def shell_values(text: str) -> Mapping[str, str]:
    """Return what the file sets; of two equal names the last stands, as a shell would have it."""
    found: dict[str, str] = {}
    for line in lines(text):
        if match := _ASSIGNMENT.fullmatch(line):
            found[match[1]] = _unquoted(match[2])
    return found


def _unquoted(value: str) -> str:
    quote = value[:1]
    if quote in {'"', "'"}:
        body, closing, _comment = value[1:].partition(quote)
        return body if closing else value[1:]
    words = value.split(maxsplit=1)
    return words[0] if words and not words[0].startswith("#") else ""
