"""The chain of lines: what is hashed, and whether every line still stands where it was written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC

from migrations_app.basics.digests import canonical_json, sha256_hex
from migrations_app.models import AuditHead, AuditLine

ORIGIN = "0" * 64
LINES_AT_ONCE = 2_000


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """The head of the chain at some time, kept where who can change the chain cannot reach."""

    number: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class Broken:
    """The first line that is not as it was written."""

    number: int
    reason: str


def digest_of(line: AuditLine) -> str:
    return sha256_hex(
        canonical_json(
            {
                "number": line.number,
                "at": line.at.astimezone(UTC).isoformat(timespec="microseconds"),
                "actor": line.actor_id,
                "actor_name": line.actor_name,
                "verb": line.verb,
                "subject": line.subject,
                "detail": line.detail,
                "previous": line.previous,
            }
        )
    )


def head() -> Anchor:
    """Return the last line as the panel knows it; number 0 before the first."""
    row = AuditHead.objects.filter(pk=AuditHead.ONE).first()
    return Anchor(number=row.number, digest=row.digest) if row else Anchor(number=0, digest=ORIGIN)


def verify(anchors: Sequence[Anchor] = ()) -> Broken | None:
    """Read the whole chain, and return its first fault; None: every line stands as it was written.

    The head is read first: lines that are added meanwhile are no fault.
    """
    known = [head(), *anchors]
    lines = AuditLine.objects.order_by("number").iterator(chunk_size=LINES_AT_ONCE)
    return first_fault(lines, known)


def first_fault(lines: Iterable[AuditLine], anchors: Sequence[Anchor]) -> Broken | None:
    """Return where the lines differ from a whole chain that passes through all the anchors."""
    wanted = {(anchor.number, anchor.digest) for anchor in anchors}
    numbers = {anchor.number for anchor in anchors}
    number, digest = 0, ORIGIN
    for line in lines:
        if fault := _fault(line, number + 1, digest):
            return fault
        number, digest = line.number, line.digest
        if number in numbers and any(at == number and was != digest for at, was in wanted):
            return Broken(number=number, reason="it is not the line that was anchored: the chain was written anew")
    if (last := max(numbers, default=0)) > number:
        return Broken(number=number + 1, reason=f"it and all after it are missing: there were {last} lines")
    return None


def _fault(line: AuditLine, number: int, previous: str) -> Broken | None:
    if line.number != number:
        return Broken(number=number, reason=f"it is missing: line {line.number} follows line {number - 1}")
    if line.previous != previous:
        return Broken(number=number, reason="it does not follow the line before: one of the two was moved or replaced")
    if line.digest != _digest_or_nothing(line):
        return Broken(number=number, reason="it was changed: its digest is another")
    return None


def _digest_or_nothing(line: AuditLine) -> str:
    try:
        return digest_of(line)
    except ValueError:
        return ""  # a detail that is no JSON any more
