"""Which tone a word of state is shown in; the word itself always stands beside the colour."""

from __future__ import annotations

from collections.abc import Mapping

from django import template

register = template.Library()

QUIET = "quiet"
TONES: Mapping[str, Mapping[str, str]] = {
    "migration": {
        "scheduled": "quiet",
        "running": "busy",
        "paused": "careful",
        "rolling_back": "careful",
        "parked": "bad",
        "done": "good",
        "retiring": "busy",
        "rolled_back": "careful",
        "cancelled": "quiet",
    },
    "step": {
        "pending": "quiet",
        "running": "busy",
        "done": "good",
        "skipped": "good",
        "failed": "bad",
        "undone": "quiet",
    },
    "container": {
        "running": "good",
        "stopped": "quiet",
        "mounted": "quiet",
        "suspended": "careful",
        "paused": "careful",
        "unknown": "careful",
    },
    "node": {"new": "busy", "key_offered": "careful", "key_pinned": "careful", "ready": "good"},
    "duty": {"in_service": "good", "draining": "careful", "maintenance": "careful"},
    "preparation": {"offered": "careful", "accepted": "busy", "done": "good", "failed": "bad"},
    "proposal": {"open": "careful", "accepted": "good", "discarded": "quiet"},
    "alternative": {"waiting": "busy", "ready": "good", "failed": "bad"},
    "approval": {
        "asked": "careful",
        "approved": "good",
        "rejected": "bad",
        "expired": "quiet",
        "void": "quiet",
        "used": "good",
    },
    "found": {"optimal": "good", "feasible": "busy", "impossible": "careful"},
    "batch": {
        "draft": "quiet",
        "running": "busy",
        "paused": "careful",
        "stopped": "bad",
        "done": "good",
        "cancelled": "quiet",
    },
    "item": {"waiting": "quiet", "moving": "busy", "done": "good", "skipped": "careful", "failed": "bad"},
    "publication": {
        "waiting": "busy",
        "ready": "careful",
        "publishing": "busy",
        "published": "busy",
        "verified": "good",
        "undoing": "busy",
        "undone": "quiet",
        "stale": "bad",
        "failed": "bad",
    },
    "zone_change": {"pending": "quiet", "by_hand": "careful", "done": "good", "undone": "quiet", "refused": "bad"},
    "severity": {"blocker": "bad", "warning": "careful", "note": "quiet"},
    "pair": {"possible": "good", "impossible": "bad", "unknown": "careful", "differs": "careful", "never": "quiet"},
    "move": {
        "planned": "quiet",
        "under_way": "busy",
        "needs_staff": "careful",
        "done": "good",
        "not_done": "quiet",
        "called_off": "quiet",
    },
}
STEP_ICONS: Mapping[str, str] = {
    "pending": "circle-dashed",
    "running": "loader-2",
    "done": "circle-check",
    "skipped": "circle-check",
    "failed": "circle-x",
    "undone": "arrow-back-up",
}
DUTY_WORDS: Mapping[str, str] = {"in_service": "In service", "draining": "Draining", "maintenance": "Maintenance"}
MOVE_WORDS: Mapping[str, str] = {
    "planned": "Planned",
    "under_way": "Under way",
    "needs_staff": "Being looked at",
    "done": "Done",
    "not_done": "Not done",
    "called_off": "Called off",
}
PAIR_WORDS: Mapping[str, str] = {
    "possible": "yes",
    "impossible": "no",
    "unknown": "unknown",
    "differs": "differs",
    "never": "not checked",
}


@register.filter
def tone(word: str, kind: str) -> str:
    return TONES[kind].get(word, QUIET)


@register.filter
def step_icon(state: str) -> str:
    return STEP_ICONS.get(state, "circle-dashed")


@register.filter
def move_words(phase: str) -> str:
    return MOVE_WORDS.get(phase, phase)


@register.filter
def pair_words(verdict: str) -> str:
    """Return the shortest answer to: can it go live?"""
    return PAIR_WORDS.get(verdict, verdict)


@register.filter
def duty_words(duty: str) -> str:
    return DUTY_WORDS.get(duty, duty)
