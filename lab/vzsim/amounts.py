"""Numbers as the configuration file writes them, in the unit the kernel counts in."""

from __future__ import annotations

UNLIMITED = 9223372036854775807
PAGE_BYTES = 4096
SUFFIXES = {"T": 1 << 40, "G": 1 << 30, "M": 1 << 20, "K": 1 << 10}


def parse(word: str, *, unit: int) -> int:
    """Return a count of units; a bare number is one already, a suffix makes it bytes, or pages for P."""
    if not word or word == "unlimited":
        return UNLIMITED
    number, suffix = (word[:-1], word[-1].upper()) if word[-1].isalpha() else (word, "")
    size = {"": unit, "P": PAGE_BYTES, "B": 1}.get(suffix) or SUFFIXES[suffix]
    return min(int(float(number) * size) // unit if "." in number else int(number) * size // unit, UNLIMITED)


def parse_pair(words: str, *, unit: int) -> tuple[int, int]:
    """Return barrier and limit; one number stands for both."""
    first, _, second = words.partition(":")
    try:
        return parse(first, unit=unit), parse(second or first, unit=unit)
    except (ValueError, KeyError):
        return UNLIMITED, UNLIMITED
