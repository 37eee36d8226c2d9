"""What outsiders may see of a migration: frozen values, made of nothing that names a node or quotes an error.

Customers' pages and mails are built from these alone. A record that reached their templates would be a leak waiting:
whatever is not copied here cannot be shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any

from migrations_app.models import Container, Migration

State = Migration.State

# What a step says of itself to customers, by the word that steps carry as ``public_phrase``.
PHRASES: Mapping[str, str] = MappingProxyType(
    {
        "preparing": "Getting everything ready. Your server runs as usual.",
        "copying": "Copying your data. Your server runs as usual.",
        "moving": "Moving your server while it runs. It may pause for a moment; nothing is lost.",
        "switching": "Switching over now. Your server may not answer for a moment; nothing is lost.",
        "verifying": "Your server runs in its new place. Checking that all is well.",
        "finishing": "Your server runs in its new place. Tidying up.",
    }
)
BEFORE_START = "Nothing has been done yet. Your server runs as usual."
HELD = "On hold for now. Your server runs as usual."
LOOKED_AT = "Taking longer than planned. Our staff are looking at it; your data is safe."
LOOKED_AT_WHILE_AWAY = "Your server may not answer right now. Our staff are at work on it; your data is safe."
GOING_BACK = "The move is not done this time. Everything is being put back as it was."

_STATUSES: Mapping[str, str] = MappingProxyType(
    {
        Container.Status.RUNNING: "Running",
        Container.Status.STOPPED: "Stopped",
        Container.Status.MOUNTED: "Stopped",
        Container.Status.SUSPENDED: "Suspended",
        Container.Status.PAUSED: "Suspended",
    }
)


@dataclass(frozen=True, kw_only=True)
class PublicMove:
    """One move of one's own server, as its owner may see it."""

    number: int
    server: str
    phase: str  # planned, under_way, needs_staff, done, not_done, called_off
    sentence: str
    planned_for: datetime
    is_about: bool  # planned among others: it may be somewhat earlier or later
    window_ends_at: datetime | None
    expected_interruption_seconds: float
    started_at: datetime | None
    finished_at: datetime | None
    measured_downtime_seconds: float | None
    percent: int | None
    checked_files: int | None  # compared one by one with the original, all found equal

    @property
    def is_over(self) -> bool:
        return self.phase in ("done", "not_done", "called_off")


@dataclass(frozen=True, kw_only=True)
class PublicServer:
    """One's own server, as its owner may see it."""

    number: int
    name: str
    addresses: tuple[str, ...]
    status: str
    move: PublicMove | None  # the one that is planned or under way


@dataclass(frozen=True, kw_only=True)
class PublicUse:
    """The use of one's own server over time; charts and table hold numbers, units and titles only."""

    ranges: Sequence[object]
    range: object
    urls: Mapping[str, str]
    page_url: str
    is_empty: bool
    charts: Sequence[object]
    table: Mapping[str, object]
    replayed_until: datetime | None
    zone: str


def use(drawn: Mapping[str, Any]) -> PublicUse:
    """Show a server's use to its owner: what is named here, whatever else was drawn for staff."""
    return PublicUse(**{field.name: drawn[field.name] for field in fields(PublicUse)})


def move(migration: Migration, *, phrase: str) -> PublicMove:
    """Show a migration to the container's owner; ``phrase`` is what the step under way says of itself."""
    phase = _phase(migration)
    over = phase in ("done", "not_done", "called_off")
    return PublicMove(
        number=migration.pk,
        server=name_of(migration.container),
        phase=phase,
        sentence=_sentence(migration, phase, phrase),
        planned_for=migration.not_before,
        is_about=migration.is_held,
        window_ends_at=migration.window_ends_at,
        expected_interruption_seconds=expected_interruption(migration),
        started_at=migration.started_at,
        finished_at=migration.finished_at,
        measured_downtime_seconds=migration.freeze_seconds if over else None,
        percent=_percent(migration) if phase == "under_way" else None,
        checked_files=_checked_files(migration) if phase == "done" else None,
    )


def server(container: Container, *, move: PublicMove | None) -> PublicServer:
    return PublicServer(
        number=container.pk,
        name=name_of(container),
        addresses=tuple(str(address) for address in container.addresses),
        status=_STATUSES.get(container.status, "Unknown"),
        move=move,
    )


def name_of(container: Container) -> str:
    return container.hostname or f"Server {container.ctid}"


def expected_interruption(migration: Migration) -> float:
    """Return the forecast where there is one, else the budget, which is never exceeded without a person's say."""
    if migration.freeze_forecast_seconds is None:
        return migration.freeze_budget_seconds
    return migration.freeze_forecast_seconds


def _phase(migration: Migration) -> str:
    match migration.state:
        case State.SCHEDULED:
            return "planned"
        case State.DONE | State.RETIRING:
            return "done"
        case State.ROLLED_BACK:
            return "not_done"
        case State.CANCELLED:
            return "called_off"
        case State.PARKED:
            # Removing a kept copy long after the move is no concern of the owner's.
            return "done" if migration.finished_at else "needs_staff"
        case _:
            return "under_way"


def _sentence(migration: Migration, phase: str, phrase: str) -> str:
    match phase:
        case "planned":
            return BEFORE_START
        case "done":
            return "Your server has moved and runs in its new place. Nothing was lost."
        case "not_done":
            return "The move was not done this time. Your server runs where it was, and nothing was lost."
        case "called_off":
            return "The move was called off. Your server stays where it was."
        case "needs_staff":
            return LOOKED_AT_WHILE_AWAY if migration.is_frozen else LOOKED_AT
    if migration.is_frozen:
        return PHRASES["switching"]
    if migration.state == State.PAUSED:
        return HELD
    if migration.state == State.ROLLING_BACK:
        return GOING_BACK
    return PHRASES.get(phrase, PHRASES["preparing"])


def _percent(migration: Migration) -> int | None:
    done, total = migration.progress.get("bytes_done"), migration.progress.get("bytes_total")
    if not isinstance(done, int) or not isinstance(total, int) or total <= 0:
        return None
    return max(0, min(100, done * 100 // total))


def _checked_files(migration: Migration) -> int | None:
    files = (migration.certificate or {}).get("files_compared")
    return files if isinstance(files, int) else None
