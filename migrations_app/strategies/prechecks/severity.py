"""How bad a finding is depends on the method that would meet it."""

from __future__ import annotations

from typing import Literal

from migrations_app.execution.step import Order

Severity = Literal["blocker", "warning", "note"]


def wants_live(order: Order) -> bool:
    """Return whether the container may be moved live: because that was asked for, or because it may be chosen."""
    return order.method in ("live", "auto")


def against_live(order: Order) -> Severity | None:
    """Return how bad it is that a live move cannot work; None: nobody thinks of one."""
    match order.method:
        case "live":
            return "warning" if order.fall_back_to_dump else "blocker"
        case "auto":
            return "note"
        case _:
            return None


def against_dump(order: Order) -> Severity | None:
    """Return how bad it is that a dump cannot work."""
    match order.method:
        case "dump":
            return "blocker"
        case "live" if order.fall_back_to_dump:
            return "warning"
        case "auto" if order.fall_back_to_dump:
            return "note"
        case _:
            return None


def against_stream(order: Order) -> Severity | None:
    """Return how bad it is that copying file by file cannot work."""
    match order.method:
        case "stream":
            return "blocker"
        case "auto":
            return "warning"
        case _:
            return None


def instead_of_live(order: Order) -> str:
    """Return what follows when live cannot be, for the way out."""
    if order.method == "auto":
        return "Another method is chosen."
    if order.fall_back_to_dump:
        return "It will fall back to dump, which interrupts the container for seconds."
    return "Put it right, or schedule the migration by dump or stream."
