"""What the gate itself keeps on a node: fences, work areas."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from migrations_app.vz import names
from migrations_app.vz.facts.container import ContainerFact
from migrations_app.vz.facts.fact import Answer, Fact, key_values, lines, number, succeeded

LATEST_EPOCH = 99_999_999_999
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class FenceRecord:
    """What the gate recorded of one container on its node."""

    newest_token: int | None
    incoming_for: int | None  # the migration that brings it here
    retained_for: int | None  # the migration whose old copy this is
    retained_until_epoch: int | None
    retained_state: str


@dataclass(frozen=True)
class FenceState(ContainerFact[FenceRecord]):
    name: ClassVar[str] = "fence_state"

    def _understand(self, answer: Answer) -> FenceRecord:
        found = key_values(succeeded(answer))
        return FenceRecord(
            newest_token=_optional(found, "token"),
            incoming_for=_optional(found, "incoming_migration"),
            retained_for=_optional(found, "retained_migration"),
            retained_until_epoch=_moment(_optional(found, "retained_until")),
            retained_state=names.clean_line(found.get("retained_state", ""), limit=40),
        )


def _optional(found: Mapping[str, str], key: str) -> int | None:
    word = found.get(key, "")
    return number(word) if word else None


def _moment(epoch: int | None) -> int | None:
    """:raises ValueError: no calendar goes that far."""
    if epoch is not None and epoch > LATEST_EPOCH:
        raise ValueError(f"{epoch} is no moment")
    return epoch


@dataclass(frozen=True, kw_only=True)
class Traces:
    """What a migration left on a node."""

    files: Mapping[str, int]  # of its work area, by path, in bytes
    archives: Mapping[str, int]
    authorized_lines: int
    jobs: tuple[str, ...]
    marks: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.files or self.archives or self.authorized_lines or self.jobs or self.marks)


@dataclass(frozen=True)
class Work(Fact[Traces]):
    migration_id: int

    name: ClassVar[str] = "work"

    @property
    def arguments(self) -> tuple[str, ...]:
        return (names.checked_migration(self.migration_id),)

    def _understand(self, answer: Answer) -> Traces:
        found: dict[str, list[str]] = {}
        for line in lines(answer.output)[:2_000]:
            kind, _, rest = line.partition(" ")
            found.setdefault(kind, []).append(rest)
        return Traces(
            files=_sizes(found.get("file", [])),
            archives=_sizes(found.get("archive", [])),
            authorized_lines=sum(number(count) for count in found.get("authorized_lines", [])),
            jobs=tuple(names.clean_line(key) for key in found.get("job", [])),
            marks=tuple(names.clean_line(path) for path in found.get("mark", [])),
        )


def _sizes(rows: Iterable[str]) -> Mapping[str, int]:
    pairs = (row.rpartition(" ") for row in rows)
    return {names.clean_line(path): number(size) for path, _, size in pairs}


@dataclass(frozen=True)
class Digest(Fact[str]):
    """SHA-256 of a file in a migration's work area or archive folder."""

    migration_id: int
    file_name: str

    name: ClassVar[str] = "digest"

    @property
    def arguments(self) -> tuple[str, ...]:
        return (names.checked_migration(self.migration_id), names.checked_file_name(self.file_name))

    def _understand(self, answer: Answer) -> str:
        digest = succeeded(answer).split()[0]
        if not _SHA256.fullmatch(digest):
            raise ValueError("is no SHA-256")
        return digest
