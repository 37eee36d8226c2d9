"""What is wanted most of a proposal, and how the search is made to want it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from migrations_app.placement.fleet import ROUNDING, Fleet, Ints
from migrations_app.placement.goals import GoalRefused
from migrations_app.placement.proposal import Found

CHEAPEST = "cheapest"
FEWEST_MOVES = "fewest_moves"
BEST_SPREAD = "best_spread"
TASTES = (FEWEST_MOVES, BEST_SPREAD, CHEAPEST)
# What one move weighs; the bytes of all containers together weigh less, and so decide only between equal counts.
ONE_MOVE = 2**24


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """``margin``: by how much things must get better for anything to move that need not."""

    taste: str = CHEAPEST
    survives_a_loss: bool = False
    margin: float = 0.0

    def __post_init__(self) -> None:
        if self.taste not in TASTES:
            raise GoalRefused(f"taste {self.taste[:20]!r}: say one of {', '.join(TASTES)}")
        if not 0.0 <= self.margin <= 1.0:
            raise GoalRefused(f"margin {self.margin:g}: must be at least 0 and at most 1")


def priced(fleet: Fleet, taste: str) -> Fleet:
    """Return the fleet with what the search saves in place of the bytes: for the fewest moves, moves."""
    if taste != FEWEST_MOVES:
        return fleet
    whole = float(fleet.move_bytes.sum(dtype=np.float64)) or 1.0
    share: Ints = np.floor(fleet.move_bytes / whole * (ONE_MOVE / 2)).astype(np.int64)
    return replace(fleet, move_bytes=share + ONE_MOVE)


def counted(found: Found, least_bytes: float) -> Found:
    """Return what was found on a fleet priced by moves, with its bound and its gap counted in moves."""
    lower = dict(found.lower_bound)
    if "bytes" not in lower:
        return found
    # The shares of all bytes together are less than one move, so that whole moves are proven by what is left.
    lower["moves"] = float(int(lower["bytes"] // ONE_MOVE))
    lower["bytes"] = least_bytes
    gap = found.gap
    if gap is not None:
        gap = max(len(found.steps) / lower["moves"] - 1 if lower["moves"] else float(bool(found.steps)), 0.0)
        gap = max(gap, found.peak_gap)
    return replace(found, lower_bound=lower, gap=gap, optimal=gap is not None and gap <= ROUNDING)
