"""What a step may answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Evidence = Mapping[str, Any]  # JSON values only: it is stored with the step


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a step is; None is unknown, never zero."""

    stage: str
    bytes_done: int | None = None
    bytes_total: int | None = None
    files_done: int | None = None
    files_total: int | None = None
    seconds_left: float | None = None


@dataclass(frozen=True, kw_only=True)
class Objection:
    """One reason against going on, found by a check.

    Severities: ``blocker`` stops the migration, ``warning`` and ``note`` are shown and kept.
    """

    check_id: str
    text: str
    way_out: str = ""
    command: str = ""
    severity: str = "blocker"


@dataclass(frozen=True)
class Ready:
    """The step may run."""

    notes: tuple[Objection, ...] = ()


@dataclass(frozen=True)
class AlreadyDone:
    """The world is already as the step would make it."""

    evidence: Evidence = field(default_factory=dict)


@dataclass(frozen=True)
class Blocked:
    """Not now, for these reasons; nothing was changed.

    The engine parks the migration when nothing has been changed yet or a person can clear the reasons, else rolls back.
    """

    reasons: tuple[Objection, ...]


@dataclass(frozen=True)
class Done:
    """The step has run.

    Keys of the evidence that the recorder also copies to the migration: ``bytes_moved`` (added), ``certificate``,
    ``freeze_forecast_seconds``, ``freeze_seconds``, ``method_reason``, ``retire_after`` (ISO 8601).
    ``continue_with`` names the recipe whose steps are appended to the plan (a choice of method was made).
    """

    evidence: Evidence = field(default_factory=dict)
    continue_with: str | None = None


@dataclass(frozen=True)
class Waiting:
    """Ask again after so many seconds; 0 means at once, while the container is frozen."""

    seconds: float
    progress: Progress | None = None


@dataclass(frozen=True, kw_only=True)
class Failed:
    """The step failed.

    ``name`` is the failure's name: its page is docs/runbook/<kebab-name>.md. ``again``: the same step may be tried
    anew, with a fresh attempt. ``fall_back``: this method cannot, another recipe may (after a rollback).
    ``park``: nobody may guess what is true, so neither forward nor back without a person.
    """

    name: str
    reason: str
    again: bool = False
    fall_back: bool = False
    park: bool = False


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """What this step leans on no longer holds: the steps from ``since`` on are done anew, this one included."""

    since: str
    reason: str


CheckOutcome = Ready | AlreadyDone | Blocked | Failed
RunOutcome = Done | Waiting | Failed
