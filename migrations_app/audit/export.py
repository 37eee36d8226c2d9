"""Lines to take away, so that others can read the chain, and check it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from migrations_app.models import AuditLine

LINES_AT_ONCE = 2_000


def json_lines(lines: QuerySet[AuditLine]) -> Iterator[str]:
    """Return each line of the trail as one line of JSON, in their order, with all that its digest is made of."""
    for line in lines.order_by("number").iterator(chunk_size=LINES_AT_ONCE):
        yield json.dumps(as_values(line)) + "\n"


def as_values(line: AuditLine) -> dict[str, Any]:
    return {
        "number": line.number,
        "at": line.at.isoformat(timespec="microseconds"),
        "actor": line.actor_id,
        "actor_name": line.actor_name,
        "verb": line.verb,
        "subject": line.subject,
        "detail": line.detail,
        "previous": line.previous,
        "digest": line.digest,
    }
