"""A change of address or name as a value: what is to be approved, and who had a part in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q

from migrations_app.execution import mentions, recorder
from migrations_app.models import AuditLine, Migration

PLANNING = ("schedule", "choose_lines", "lift_objections")


def content_of(migration: Migration, names: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that decides what the cutover does; how far it has come is no part of it.

    Left out because it moves by itself and harms nobody: what passes measure of the freeze (the budget holds it), the
    serial numbers of zones, the host name that a scan reads, the method that `auto` or a fall-back arrives at.
    """
    return {
        "container": migration.ctid,
        "number_there": migration.target_ctid,
        "from": migration.source.name,
        "to": migration.target.name,
        "method": migration.get_requested_method_display(),
        "falls_back_to_dump": migration.fall_back_to_dump,
        "rehearse": migration.rehearse,
        "new_host_name": migration.new_hostname or None,
        **_terms(migration),
        **_forward(migration),
        "addresses": [{"old": old, "new": new} for old, new in _pairs(migration)],
        **names,
        "lines_inside": mentions.chosen(migration.pk),
    }


def authors_of(migration: Migration) -> frozenset[int]:
    """Return whoever planned it or changed it since, as the trail knows them; who goes on after its window is one."""
    edits = Q(verb__in=PLANNING) | Q(verb="answer_retry", detail__answers="WindowClosed")
    of_it = AuditLine.objects.filter(edits, subject__startswith=f"m{migration.pk}: ", actor__isnull=False)
    found = {migration.created_by_id, *of_it.values_list("actor_id", flat=True)}
    return frozenset(number for number in found if number is not None)


def _terms(migration: Migration) -> dict[str, Any]:
    forecast = getattr(migration, "forecast", None)
    return {
        "not_before": _moment(migration.not_before),
        "window_ends_at": _moment(migration.window_ends_at),
        "bandwidth_limit_KiB_per_second": migration.bandwidth_limit_kib,
        "freeze_budget_seconds": migration.freeze_budget_seconds,
        "freeze_forecast_seconds": round(forecast.freeze_seconds, 1) if forecast else None,
    }


def _forward(migration: Migration) -> dict[str, Any]:
    kind = recorder.evidence_by_step(migration).get("choose_forward", {}).get("kind")
    return {"old_address_passed_on_by": kind, "callers_are_hidden": kind == "nat"} if kind else {}


def _pairs(migration: Migration) -> list[tuple[str, str]]:
    return list(zip(migration.old_addresses, migration.new_addresses, strict=True)) if migration.new_addresses else []


def _moment(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%d %H:%M} UTC"
