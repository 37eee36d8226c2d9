"""Lines inside a container that name its old address: found, chosen, changed. Only this file writes them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from functools import reduce

from django.db import transaction

from migrations_app.models import Mention
from migrations_app.vz import facts


@transaction.atomic
def keep(migration_id: int, found: Iterable[facts.Mention], pairs: Sequence[tuple[str, str]]) -> None:
    """Keep what was found, with each old address replaced; what was chosen stays so while the line is the same."""
    wanted = set(
        Mention.objects.filter(migration_id=migration_id, wanted=True).values_list("path", "number", "old_text")
    )
    Mention.objects.filter(migration_id=migration_id, changed=None).delete()
    lines = {(one.path, one.number): one for one in found}
    rows = [
        Mention(
            migration_id=migration_id,
            path=one.path,
            number=one.number,
            old_text=one.text,
            new_text=reduce(_replaced, pairs, one.text),
            wanted=(one.path, one.number, one.text) in wanted,
        )
        for one in lines.values()
    ]
    Mention.objects.bulk_create(rows, ignore_conflicts=True)


def choose(migration_id: int, ids: Collection[int]) -> int:
    """Have exactly these lines changed, and return how many they are."""
    rows = Mention.objects.filter(migration_id=migration_id, changed=None)
    rows.exclude(pk__in=ids).update(wanted=False)
    return rows.filter(pk__in=ids).update(wanted=True)


@transaction.atomic
def turn_round(first_id: int, back_id: int) -> None:
    """Choose the lines that a first move changed for its return trip, each with its old text in the new one's place."""
    changed = Mention.objects.filter(migration_id=first_id, changed=True)
    Mention.objects.bulk_create(
        Mention(
            migration_id=back_id,
            path=row.path,
            number=row.number,
            old_text=row.new_text[:400],
            new_text=row.old_text,
            wanted=True,
        )
        for row in changed
    )


def to_change(migration_id: int) -> list[Mention]:
    return list(Mention.objects.filter(migration_id=migration_id, wanted=True, changed=None))


def chosen(migration_id: int) -> list[dict[str, str | int]]:
    """Return the lines that are changed, or were: before and after."""
    rows = Mention.objects.filter(migration_id=migration_id, wanted=True)
    return [{"file": row.path, "line": row.number, "before": row.old_text, "after": row.new_text} for row in rows]


def settle(row: Mention, *, changed: bool, reason: str = "") -> None:
    Mention.objects.filter(pk=row.pk).update(changed=changed, reason=reason[:300])


def _replaced(text: str, pair: tuple[str, str]) -> str:
    """Return the line with the address, and nothing that only looks like it, replaced."""
    old, new = pair
    inside = "0-9a-fA-F:" if ":" in old else "0-9."
    after = "(?![0-9a-fA-F:])" if ":" in old else r"(?![0-9]|\.[0-9])"
    return re.sub(f"(?<![{inside}]){re.escape(old)}{after}", new, text, flags=re.IGNORECASE)
