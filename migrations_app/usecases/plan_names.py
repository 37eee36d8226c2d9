"""Ask what points to addresses, and what would change if they became others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.models import Container, Publication
from migrations_app.zones import publications
from migrations_app.zones.names import BadName, checked_name, without_dot
from migrations_app.zones.swap import SwapRefused, checked_swaps

MOST_NAMES = 100
SHORTEST_TTL, LONGEST_TTL = 1, 86_400


@transaction.atomic
def plan_names(
    *,
    pairs: Sequence[tuple[str, str]],
    names: Iterable[str] = (),
    ttl_seconds: int | None = None,
    container: Container | None = None,
    actor: User | None,
    now: datetime,
) -> Publication:
    """Put the question; the worker answers it within seconds, and nothing is changed anywhere.

    :raises SwapRefused: the question makes no sense.
    """
    swaps = checked_swaps(pairs)
    if ttl_seconds is not None and not SHORTEST_TTL <= ttl_seconds <= LONGEST_TTL:
        raise SwapRefused("ttl_seconds", f"must be {SHORTEST_TTL} to {LONGEST_TTL}, is {ttl_seconds}.")
    row = publications.ask(
        pairs=[[str(swap.old), str(swap.new or "")] for swap in swaps],
        names=_checked(names),
        ttl_seconds=ttl_seconds,
        container=container,
        actor=actor,
        now=now,
    )
    trail.record("plan_names", str(row), actor=actor, now=now, pairs=row.pairs, container=str(container or ""))
    return row


def _checked(words: Iterable[str]) -> list[str]:
    found = []
    for word in words:
        try:
            found.append(without_dot(checked_name(word)))
        except BadName as refusal:
            raise SwapRefused("names", str(refusal)) from refusal
    if len(found) > MOST_NAMES:
        raise SwapRefused("names", f"are {len(found)}, at most {MOST_NAMES} are asked for.")
    return found
