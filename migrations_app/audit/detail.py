"""What of a detail is kept in the trail: bounded, and without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LONGEST_TEXT = 2_000
MOST_PARTS = 200
DEEPEST = 5
HIDDEN = "(not kept)"
_SECRET_NAMES = ("password", "passphrase", "secret", "private", "credential")
_SECRET_STARTS = ("-----BEGIN", "$argon2", "pbkdf2_")


def fit(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return the detail as JSON that any database stores and gives back unchanged."""
    return {clean(name): _fit_named(name, value, DEEPEST) for name, value in list(detail.items())[:MOST_PARTS]}


def clean(text: str) -> str:
    """Return the text without what a database refuses: NUL, halves of surrogate pairs, the thousandth line."""
    text = text[: LONGEST_TEXT + 1].replace("\0", "").encode("utf-8", "replace").decode()
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 3]}..."


def _fit_named(name: str, value: Any, depth: int) -> Any:
    if value and any(word in name.lower() for word in _SECRET_NAMES):
        return HIDDEN
    return _fit(value, depth)


def _fit(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if abs(value) < 1e15 else str(value)
    if isinstance(value, Mapping) and depth:
        return {clean(str(name)): _fit_named(str(name), part, depth - 1) for name, part in _first(value.items())}
    if isinstance(value, list | tuple | set | frozenset) and depth:
        return [_fit(part, depth - 1) for part in _first(value)]
    text = str(value)
    return HIDDEN if text.lstrip().startswith(_SECRET_STARTS) else clean(text)


def _first(parts: Any) -> list[Any]:
    return list(parts)[:MOST_PARTS]
