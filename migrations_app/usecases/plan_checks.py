"""Choose which pairs this night checks, and take away results past their time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.compatibility import likeness, matrix, nights, planning, samples, turns
from migrations_app.models import Node, PairCheck, Round

# What was checked this recently is not checked again by night.
NEW_ENOUGH = timedelta(hours=12)
MOST_THINNED = 5_000


def plan_checks(*, round_id: int, now: datetime, settings: Mapping[str, Any]) -> int:
    """Put the night's pairs in line, as far as its budget goes, and return how many were put there."""
    began = nights.began(now, settings["compatibility_hour"])
    with transaction.atomic():
        Round.objects.select_for_update().get(pk=round_id)
        Round.objects.filter(pk=round_id).update(next_at=nights.next_one(now, settings["compatibility_hour"]))
        _thin(now, settings["keep_compatibility_days"])
        if began is None:
            return 0
        spent = PairCheck.objects.filter(asked_by=None, requested_at__gte=began).count()
        most = settings["compatibility_per_night"] - spent
        return _put_in_line(now, most, actor=None, not_since=now - NEW_ENOUGH)


def plan_checks_now(*, actor: User, now: datetime, settings: Mapping[str, Any]) -> int:
    """Put as many pairs in line as a night would, whatever the hour and however new their results are."""
    with transaction.atomic():
        return _put_in_line(now, settings["compatibility_per_night"], actor=actor, not_since=None)


def _put_in_line(now: datetime, most: int, *, actor: User | None, not_since: datetime | None) -> int:
    wanted = _wanted(not_since)
    pairs = planning.choose(wanted, most) if most > 0 else []
    rows = [PairCheck(source_id=one, target_id=two, requested_at=now, asked_by=actor) for one, two in pairs]
    # Asked for at the same moment by somebody else: it is in line then.
    PairCheck.objects.bulk_create(rows, ignore_conflicts=True)
    if rows:
        Round.objects.update_or_create(name=Round.Name.PAIRS, defaults={"next_at": now})
        trail.record("plan_checks", f"{len(rows)} pairs", actor=actor, now=now)
    return len(rows)


def _wanted(not_since: datetime | None) -> planning.Wanted:
    nodes = list(Node.objects.filter(turns.can_take_part()).order_by("name"))
    results = matrix.valid_results(nodes)
    unended = PairCheck.objects.exclude(state=PairCheck.State.ENDED)
    return planning.Wanted(
        groups=[tuple(node.pk for node in one.nodes) for one in likeness.classes(nodes)],
        last={pair: result.at for pair, result in results.items()},
        taken=set(unended.values_list("source_id", "target_id")),
        sources=samples.nodes_with_one(),
        not_since=not_since,
    )


def _thin(now: datetime, keep_days: int) -> None:
    old = PairCheck.objects.ended().filter(ended_at__lt=now - timedelta(days=keep_days)).order_by("ended_at")
    ids = list(old.values_list("pk", flat=True)[:MOST_THINNED])
    PairCheck.objects.filter(pk__in=ids).delete()
