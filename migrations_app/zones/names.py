"""Names as text: lower case, with the dot at their end; and the names that addresses have in reverse zones."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Container, Iterable, Iterator

LONGEST_NAME, LONGEST_LABEL = 254, 63  # the dot at the end counts
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Underscores stand in names of services, slashes in reverse zones that were handed on (RFC 2317).
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_/-]*[a-z0-9_])?", re.ASCII)


class BadName(ValueError):
    """What was given is no name of a zone or a record; ``reason`` says what to write instead."""

    def __init__(self, value: str, reason: str) -> None:
        super().__init__(f"{value[:80]!r} {reason}")
        self.reason = reason


def checked_name(value: str) -> str:
    """Return the name in its one form; the dot at its end may be missing, the first label may be ``*``.

    :raises BadName:
    """
    if not value.isascii():
        raise BadName(value, "has letters outside ASCII; write it in its xn-- form")
    name = value.strip().lower().rstrip(".")
    if not name or len(name) >= LONGEST_NAME:
        raise BadName(value, f"must have 1 to {LONGEST_NAME - 1} characters, has {len(name)}")
    if _is_address(name):
        raise BadName(value, "is an address; a name is wanted here")
    labels = name.split(".")
    for position, label in enumerate(labels):
        _check_label(value, label, may_be_wildcard=position == 0 and len(labels) > 1)
    return f"{name}."


def without_dot(name: str) -> str:
    return name.rstrip(".") or "."


def is_within(name: str, zone: str) -> bool:
    return name == zone or name.endswith(f".{zone}")


def parents(name: str) -> Iterator[str]:
    """Return every name above this one, the nearest first, the root left out."""
    while (name := name.partition(".")[2]) and name != ".":
        yield name


def zone_of(name: str, zones: Container[str]) -> str | None:
    """Return the closest of these zones that the name is in."""
    return next((candidate for candidate in (name, *parents(name)) if candidate in zones), None)


def reverse_name(address: Address) -> str:
    return f"{address.reverse_pointer}."


def address_type(address: Address) -> str:
    return "A" if address.version == 4 else "AAAA"


def readable(words: Iterable[str]) -> list[Address]:
    """Return the addresses among words."""
    return [ipaddress.ip_address(word) for word in words if _is_address(word)]


def _check_label(value: str, label: str, *, may_be_wildcard: bool) -> None:
    if len(label) > LONGEST_LABEL:
        raise BadName(value, f"one part has {len(label)} characters, {LONGEST_LABEL} are allowed")
    if not (_LABEL.fullmatch(label) or (may_be_wildcard and label == "*")):
        raise BadName(value, "parts between dots hold letters, digits, underscores and inner dashes, nothing else")


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True
