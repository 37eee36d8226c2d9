"""What is to be approved, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from migrations_app.basics.digests import canonical_json, sha256_hex


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One thing as it stands now; whoever made or changed it is among its authors."""

    kind: str
    id: int
    title: str
    content: Mapping[str, Any]
    author_ids: frozenset[int]
    # Why nothing can be asked for it now; empty: it can.
    closed_because: str = ""

    @property
    def digest(self) -> str:
        return digest_of(self.kind, self.id, self.content)


def digest_of(kind: str, subject_id: int, content: Any) -> str:
    return sha256_hex(canonical_json({"kind": kind, "id": subject_id, "content": content}))
