"""System checks: a wrong combination of settings is refused before work begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

SAFE_GUARD_CYCLES = (0.25, 0.5, 1)


@register("ovzpanel")
def queue_never_redelivers_work_that_still_runs(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """The queue locks a task from the pull, not from its start: prefetched tasks eat the lock time."""
    queue = settings.Q_CLUSTER
    needed = (queue["queue_limit"] / queue["workers"] + 2) * queue["timeout"] + 10
    if queue["retry"] < needed:
        return [
            Error(
                f"Q_CLUSTER retry is {queue['retry']} s, but tasks may be held for {needed:.0f} s before they end.",
                hint=f"Set retry to at least {needed:.0f}, or lower timeout or queue_limit.",
                id="ovzpanel.E001",
            )
        ]
    return []


@register("ovzpanel")
def queue_gives_up(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Without these, a failing task is delivered for ever."""
    queue = settings.Q_CLUSTER
    wanted: dict[str, object] = {"max_attempts": 1, "ack_failures": True, "catch_up": False}
    wrong = [f"{key} must be {value}" for key, value in wanted.items() if queue.get(key) != value]
    if queue.get("guard_cycle") not in SAFE_GUARD_CYCLES:
        wrong.append("guard_cycle must be 0.25, 0.5 or 1 (others never reach exactly zero, and the guard sleeps)")
    if "orm" not in queue:
        wrong.append("orm must name the database: the enqueue commits with the state only there")
    return [Error(f"Q_CLUSTER: {line}.", id="ovzpanel.E002") for line in wrong]


@register("ovzpanel")
def times_are_utc(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if settings.USE_TZ and settings.TIME_ZONE == "UTC":
        return []
    return [Error("USE_TZ must be on and TIME_ZONE must be UTC.", hint="Zones are for display.", id="ovzpanel.E003")]
