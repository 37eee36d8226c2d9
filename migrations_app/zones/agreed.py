"""A difference as what a person agrees to: every record with its old values, and what others must see to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from migrations_app.zones.names import without_dot
from migrations_app.zones.plan import Plan, RecordChange


def told(plan: Plan, lifted: Sequence[Sequence[Any]] = ()) -> dict[str, Any]:
    """Return it with the objections that a person has lifted; where there are none, nothing is said of them."""
    return {
        **({"objections_lifted": [{"name": one[0], "text": one[1]} for one in lifted]} if lifted else {}),
        "names_digest": plan.digest(),
        "names_warnings": [*plan.warnings, *(f"{without_dot(one.name)}: {one.text}" for one in plan.unreadable)],
        "records": [_record(change) for change in plan.changes],
        "records_of_others": [
            {"name": without_dot(one.name), "type": one.type, "old": one.old, "new": one.new, "who": one.who}
            for one in plan.elsewhere
        ],
    }


def _record(change: RecordChange) -> dict[str, Any]:
    return {
        "zone": without_dot(change.zone),
        "name": without_dot(change.name),
        "type": change.type,
        "old": list(change.before.values),
        "new": list(change.after.values),
        "ttl": change.before.ttl,
        "ttl_then": change.after.ttl,
        "server": change.server,
        "guarantee": change.guarantee,
        "why": list(change.why),
    }
