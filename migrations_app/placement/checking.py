"""Are the moves that a person thought of, or that were thought of earlier, allowed as things stand?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from migrations_app.placement.fleet import NOWHERE, Fleet, Ints
from migrations_app.placement.rules import Objection, objections
from migrations_app.placement.standing import Standing

Found = dict[int, list[Objection]]


def against_end(fleet: Fleet, where: Ints) -> Found:
    """Return what speaks against each container that moves, once all have moved; who is allowed is not there."""
    end = Standing.of(fleet, where)
    movers = np.flatnonzero((where != fleet.home) & (where != NOWHERE)).tolist()
    found = {ct: _beside_the_others(end, ct, int(where[ct])) for ct in movers}
    return {ct: against for ct, against in found.items() if against}


def _beside_the_others(end: Standing, ct: int, node: int) -> list[Objection]:
    end.lift(ct)
    found = objections(end, ct, node)
    end.put(ct, node)
    return found


def against_steps(fleet: Fleet, moves: Sequence[tuple[int, int]]) -> Found:
    """Return by its place what speaks against each move in turn; what is not allowed is not done."""
    standing = Standing.of(fleet, fleet.home)
    found: Found = {}
    for place, (ct, node) in enumerate(moves):
        if against := objections(standing, ct, node):
            found[place] = against
        else:
            standing.move(ct, node)
    return found
