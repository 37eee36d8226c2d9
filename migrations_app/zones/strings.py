"""TXT values between their two forms: as a zone file writes them, and the text they stand for."""

from __future__ import annotations

import re

LONGEST_STRING = 255
_QUOTED = re.compile(r'"((?:[^"\\]|\\\d{3}|\\.)*)"|(\S+)', re.DOTALL)
_ESCAPE = re.compile(r"\\(\d{3})|\\(.)", re.DOTALL)


def text_of(value: str) -> str:
    """Return the strings of a TXT value joined, each octet as one character."""
    return "".join(_plain(quoted or bare) for quoted, bare in _QUOTED.findall(value))


def value_of(text: str) -> str:
    """Return the TXT value for a text: one string for every 255 octets, as no string may be longer."""
    parts = [text[start : start + LONGEST_STRING] for start in range(0, len(text), LONGEST_STRING)] or [""]
    return " ".join(f'"{"".join(map(_escaped, part))}"' for part in parts)


def octets_of(value: str) -> int:
    """Return how many octets the value takes in a message, the length of each string counted."""
    return sum(len(_plain(quoted or bare)) + 1 for quoted, bare in _QUOTED.findall(value))


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1]) & 255) if found[1] else found[2], text)


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if " " <= character <= "~" else f"\\{ord(character):03d}"
