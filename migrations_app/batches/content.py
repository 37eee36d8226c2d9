"""A batch as a value: what is to be approved, and who had a part in it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time
from typing import Any

from django.db.models import Q

from migrations_app.models import AuditLine, Batch, BatchItem

PLANNING = ("plan_batch", "set_terms", "skip_item", "put_back_item")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def content_of(batch: Batch) -> dict[str, Any]:
    """Return all that decides what the batch does; how far it has come is no part of it."""
    items = batch.items.select_related("container", "source", "target").order_by("position")
    return {"name": batch.name, "terms": _terms(batch), "moves": [_move(item) for item in items]}


def authors_of(batch: Batch) -> frozenset[int]:
    """Return whoever planned it or changed it since, as the trail knows them."""
    of_it = Q(subject__startswith=f"b{batch.pk}: ") | Q(subject__startswith=f"b{batch.pk}/")
    acted = AuditLine.objects.filter(of_it, verb__in=PLANNING, actor__isnull=False)
    found = {batch.created_by_id, *acted.values_list("actor_id", flat=True)}
    return frozenset(number for number in found if number is not None)


def _terms(batch: Batch) -> dict[str, Any]:
    return {
        "not_before": _moment(batch.not_before),
        "deadline": _moment(batch.deadline),
        "weekdays": _weekdays(batch.weekdays),
        "opens_at": _clock(batch.opens_at),
        "closes_at": _clock(batch.closes_at),
        "time_zone": batch.time_zone,
        "most_at_once": batch.most_at_once,
        "most_per_node": batch.most_per_node,
        "most_per_link": batch.most_per_link,
        "most_per_customer": batch.most_per_customer,
        "bandwidth_limit_KiB_per_second": batch.bandwidth_limit_kib,
        "canaries": batch.canaries,
        "freeze_budget_seconds": batch.freeze_budget_seconds,
        "fall_back_to_dump": batch.fall_back_to_dump,
        "rehearse": batch.rehearse,
    }


def _move(item: BatchItem) -> dict[str, Any]:
    return {
        "container": item.container.ctid,
        "hostname": item.container.hostname,
        "from": item.source.name,
        "to": item.target.name,
        "method": item.method,
        "after_moves": [number + 1 for number in item.after],
        "only_a_stop": item.parks,
    }


def _weekdays(days: Iterable[int]) -> list[str]:
    return [DAYS[day] for day in days]


def _moment(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def _clock(at: time | None) -> str | None:
    return None if at is None else f"{at:%H:%M}"
