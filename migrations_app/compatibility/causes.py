"""Why a pair can or cannot go live: what was found, whom it is about, and the way out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal

from migrations_app.models import PairCheck
from migrations_app.vz import vzmigrate
from migrations_app.vz.facts.node import Family
from migrations_app.vz.verdict import Kind

About = Literal["nodes", "container", "doubt"]

MOST_CAUSES, LONGEST_TEXT, LONGEST_SUMMARY = 40, 1_500, 300


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One finding. About the container alone, or in doubt, it says nothing of the pair."""

    id: str
    text: str
    way_out: str = ""
    command: str = ""
    severity: str = "blocker"
    about: About = "nodes"


_WEIGHT = {"blocker": 0, "warning": 1, "note": 2}
# Beginnings of the pre-check's findings that are about the sample: another container may well go.
_OF_THE_SAMPLE: Final = (
    *("container-", "not-running", "lock-", "at-work-", "arriving-", "old-copy-", "mark-gone", "number-", "leftovers"),
    *("name-taken", "scripts", "pieces-of-the-node", "address", "disk-full", "inodes", "memory-", "room-", "mounts"),
)
_AGAIN_WITH_ANOTHER = "Nothing: it is about this container, and the next check takes another."
_WAY_OUT: Final[Mapping[Kind, str]] = {
    "not_live": "Bring the two nodes in line (kernel, modules, processor), or move by stream or dump.",
    "fix": "Put right on the node what it names, then check this pair again.",
    "conflict": _AGAIN_WITH_ANOTHER,
    "retry": "Nothing: the next check tries again, with another container.",
    "panel": "Look at vzmigrate and vz.conf on both nodes, then check this pair again.",
    "look_at_both": "Run the same check by hand on the source and read what it says.",
}
_LEGACY_WAY_OUT: Final[Mapping[int, tuple[str, str]]] = {
    1: ("Update vzctl on the source: check-only came with 4.3.", "yum -y update vzctl"),
    4: ("Look whether the source reaches the target's ssh port and whether its host key is the pinned one.", ""),
    14: ("Load the modules on both nodes; on many, restarting the firewall unloads them.", "modprobe -a vzcpt vzrst"),
    16: ("Load the modules on the target.", "modprobe -a ploop pfmt_ploop1 pio_direct"),
    17: ("Boot the target into a kernel at least as new as the source's, or move by stream or dump.", ""),
    19: ("Set VE_ROOT and VE_PRIVATE in the target's vz.conf.", "grep ^VE_ /etc/vz/vz.conf"),
}
# What the exit code of the check says of the nodes and not of the sample, by the tool's line.
_OF_THE_NODES: Final[Mapping[Family, frozenset[int]]] = {
    "legacy": frozenset({4, 14, 16, 17, 18, 19}),
    "vz7": frozenset({4, 11, 26, 27, 30, 32, 37, 38, 40, 41, 48, 50, 56, 57, 60, 61, 62, 63, 64, 65}),
    "unknown": frozenset(),
}


def about_finding(check_id: str) -> About:
    """Return whom a finding of the pre-check is about."""
    if check_id.startswith("fact-unreadable-"):
        return "doubt"
    return "container" if check_id.startswith(_OF_THE_SAMPLE) else "nodes"


def of_end(exit_code: int, output: str, error: str, *, family: Family) -> tuple[Cause, ...]:
    """Return what stands against the pair by the end of ``vzmigrate --check-only``; nothing where it is a plain yes."""
    log = vzmigrate.read_log(output, error)
    verdict = vzmigrate.verdict(exit_code, family=family)
    if verdict.ok:
        return _reserved(log.warnings)
    way_out, command = _LEGACY_WAY_OUT.get(exit_code, ("", "")) if family == "legacy" else ("", "")
    said = f" It said: {log.reason}" if log.reason else ""
    return (
        Cause(
            id=f"vzmigrate-{exit_code}",
            text=f"vzmigrate's check ended with {exit_code}: {verdict.sentence}.{said}",
            way_out=way_out or _WAY_OUT.get(verdict.kind, ""),
            command=command,
            about=_about_end(exit_code, verdict.kind, family),
        ),
    )


def _about_end(exit_code: int, kind: Kind, family: Family) -> About:
    if exit_code in _OF_THE_NODES[family]:
        return "nodes"
    return "container" if kind in ("conflict", "retry", "fix") else "doubt"


def _reserved(warnings: Sequence[str]) -> tuple[Cause, ...]:
    if not warnings:
        return ()
    return (
        Cause(
            id="check-incomplete",
            text=f"vzmigrate could not check everything, and says so: {'; '.join(warnings[:5])}",
            way_out="Install on both nodes what it misses (vzcptcheck comes with vzctl), then check this pair again.",
            about="doubt",
        ),
    )


def verdict_of(causes: Iterable[Cause]) -> PairCheck.Verdict:
    """Return the verdict on the pair: only what is about the nodes makes it impossible."""
    stopping = {cause.about for cause in causes if cause.severity == "blocker"}
    if "nodes" in stopping:
        return PairCheck.Verdict.IMPOSSIBLE
    return PairCheck.Verdict.UNKNOWN if stopping else PairCheck.Verdict.POSSIBLE


def in_order(causes: Iterable[Cause]) -> list[Cause]:
    """Return the gravest first, those about the nodes before those about the sample."""
    return sorted(causes, key=lambda cause: (_WEIGHT.get(cause.severity, 3), cause.about != "nodes"))


def summary(causes: Iterable[Cause]) -> str:
    """Return the text of the gravest blocker, empty where there is none."""
    blockers = [cause for cause in in_order(causes) if cause.severity == "blocker"]
    return blockers[0].text[:LONGEST_SUMMARY] if blockers else ""


def as_rows(causes: Iterable[Cause]) -> list[dict[str, str]]:
    """Return them for the database, bounded: nodes' own words are in them."""
    shown = in_order(causes)[:MOST_CAUSES]
    return [{name: str(text)[:LONGEST_TEXT] for name, text in asdict(cause).items()} for cause in shown]


def read(rows: Iterable[Mapping[str, Any]]) -> tuple[Cause, ...]:
    names = {field.name for field in fields(Cause)}
    return tuple(Cause(**{name: text for name, text in row.items() if name in names}) for row in rows)
