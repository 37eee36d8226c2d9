"""Lower the highest pressure by local search: the worst node and another deal out anew what they received.

All divisions between the worst node and a hundred others are looked at in one stroke of numpy, which stands for
thousands of single moves and swaps, and finds what they do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from migrations_app.placement.budget import Budget
from migrations_app.placement.fleet import Floats, Ints
from migrations_app.placement.standing import Standing

PARTNERS = 96
FROM_WORST = 6
FROM_PARTNER = 4
# A search that found nothing this often, each time among other partners, will find nothing.
PATIENCE = 4
NEVER = 9e9
ENOUGH = 1e-9


@dataclass(frozen=True, kw_only=True)
class Deal:
    """Give some containers of one node for some of another; ``pressure`` is the higher of both afterwards."""

    pressure: float
    worst: int
    partner: int
    given: list[int]
    taken: list[int]


class Levelling:
    """Deal the free containers out so that no node which has any is under more pressure than need be."""

    def __init__(self, standing: Standing, free: Ints, chance: np.random.Generator) -> None:
        self._standing = standing
        self._chance = chance
        self._on: list[list[int]] = [[] for _ in standing.fleet.node_names]
        for ct in free.tolist():
            self._on[standing.where[ct]].append(ct)
        self._pressure = standing.pressure()
        self._receives = np.array([bool(cts) for cts in self._on])

    @property
    def peak(self) -> float:
        """The highest pressure of a node that has a free container."""
        return float(self._felt().max(initial=0.0))

    def run(self, target: float, budget: Budget) -> None:
        """Improve until the target is met, nothing more is found, or the time is over."""
        failures = 0
        while failures < PATIENCE and self.peak > target and not budget.spent:
            worst = int(self._felt().argmax())
            deal = self._best_deal(worst)
            if deal and deal.pressure < self._pressure[worst] - ENOUGH:
                self._take(deal)
                failures = 0
            else:
                failures += 1

    def _felt(self) -> Floats:
        felt: Floats = np.where(self._receives, self._pressure, 0.0)
        return felt

    def _take(self, deal: Deal) -> None:
        # Taken before given: the two of one group may only pass each other in this order.
        for ct in deal.taken:
            self._move(ct, deal.partner, deal.worst)
        for ct in deal.given:
            self._move(ct, deal.worst, deal.partner)
        standing = self._standing
        for node in (deal.worst, deal.partner):
            self._pressure[node] = (standing.use[node] / standing.fleet.room[node]).max()
            self._receives[node] = bool(self._on[node])

    def _move(self, ct: int, source: int, target: int) -> None:
        self._on[source].remove(ct)
        self._on[target].append(ct)
        self._standing.move(ct, target)

    def _best_deal(self, worst: int) -> Deal | None:
        mine = self._some(self._on[worst], FROM_WORST)
        deals = [self._best_among(worst, mine, partners, held) for partners, held in self._partners(worst)]
        return min(deals, key=lambda deal: deal.pressure, default=None)

    def _some(self, cts: list[int], most: int) -> list[int]:
        return cts if len(cts) <= most else self._chance.choice(cts, most, replace=False).tolist()

    def _partners(self, worst: int) -> Iterator[tuple[Ints, Ints]]:
        """Yield nodes under less pressure, with the containers they might give, by how many those are."""
        lower = np.flatnonzero((self._pressure < self._pressure[worst]) & ~self._standing.fleet.drained)
        if len(lower) > PARTNERS:
            lower = self._chance.choice(lower, PARTNERS, replace=False)
        by_count: dict[int, tuple[list[int], list[list[int]]]] = {}
        for node in lower.tolist():
            held = self._some(self._on[node], FROM_PARTNER)
            nodes, rows = by_count.setdefault(len(held), ([], []))
            nodes.append(node)
            rows.append(held)
        for count, (nodes, rows) in by_count.items():
            yield np.array(nodes), np.array(rows, dtype=np.int64).reshape(len(nodes), count)

    def _best_among(self, worst: int, mine: list[int], partners: Ints, held: Ints) -> Deal:
        giving, taking = subsets(len(mine)), subsets(held.shape[1])
        after = self._pressures_after(worst, giving @ self._standing.fleet.demand[mine], partners, taking, held)
        if len(mine) == len(self._on[worst]):
            # Emptied of what it received, the node is as it was, and no longer counts.
            after[:, -1, 0, 0] = 0.0
        higher = after.max(axis=3)
        higher[self._unwelcome(worst, mine, giving, partners, held, taking)] = NEVER
        row, given, taken = np.unravel_index(int(higher.argmin()), higher.shape)
        return Deal(
            pressure=float(higher[row, given, taken]),
            worst=worst,
            partner=int(partners[row]),
            given=[ct for ct, chosen in zip(mine, giving[given], strict=True) if chosen],
            taken=[ct for ct, chosen in zip(held[row].tolist(), taking[taken], strict=True) if chosen],
        )

    def _pressures_after(self, worst: int, given: Floats, partners: Ints, taking: Floats, held: Ints) -> Floats:
        """Return the pressure of the worst node and of its partner, by partner, subset given and subset taken."""
        use, fleet = self._standing.use, self._standing.fleet
        taken = np.einsum("sk,pkr->psr", taking, fleet.demand[held])
        net = given[None, :, None, :] - taken[:, None, :, :]
        at_worst = ((use[worst] - net) / fleet.room[worst]).max(axis=3)
        theirs = (slice(None), None, None, slice(None))
        at_partner = ((use[partners][theirs] + net) / fleet.room[partners][theirs]).max(axis=3)
        return np.stack((at_worst, at_partner), axis=3)

    def _unwelcome(
        self, worst: int, mine: list[int], giving: Floats, partners: Ints, held: Ints, taking: Floats
    ) -> np.ndarray:
        """Tell which deals put a container where tags or groups forbid it."""
        standing = self._standing
        mine_barred = np.array([~standing.welcome(ct)[partners] for ct in mine], dtype=float)
        theirs_barred = np.array(
            [[not standing.may_have(ct, worst) for ct in row] for row in held.tolist()], dtype=float
        )
        bad_given = giving @ mine_barred > 0
        bad_taken = theirs_barred.reshape(held.shape) @ taking.T > 0
        unwelcome: np.ndarray = bad_given.T[:, :, None] | bad_taken[:, None, :]
        return unwelcome


def subsets(count: int) -> Floats:
    """Return every subset of so many things as a row of zeros and ones; the last row is all of them."""
    bits: Floats = (np.arange(1 << count)[:, None] >> np.arange(count) & 1).astype(np.float64)
    return bits
