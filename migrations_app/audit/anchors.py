"""Anchors: the head of the chain as words, to be kept where who can change the database cannot reach."""

from __future__ import annotations

import re
from datetime import datetime

from migrations_app.audit.chain import Anchor

LONGEST_FILE = 1_000_000
_LINE = re.compile(r"(\d{1,18}) ([0-9a-f]{64})(?: .{0,80})?")


class AnchorUnreadable(Exception):
    """The file holds something else than anchors, or nothing at all."""


def write(anchor: Anchor, *, now: datetime) -> str:
    return f"{anchor.number} {anchor.digest} {now:%Y-%m-%dT%H:%M:%SZ}"


def read(text: str) -> list[Anchor]:
    """Return the anchors of a file, one a line.

    :raises AnchorUnreadable: a check against less than what somebody kept would be none.
    """
    found = []
    for place, line in enumerate(text.splitlines(), start=1):
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise AnchorUnreadable(f"Line {place} is no anchor: want a number and 64 hexadecimal digits.")
        found.append(Anchor(number=int(match[1]), digest=match[2]))
    if not found:
        raise AnchorUnreadable("It holds no anchor; `manage.py audit anchor` prints one.")
    return found
