"""Find a node for every stray container: directly if possible, with others moving aside if not."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from migrations_app.placement import bounds, exact, narrowing, relaxation, solver, start
from migrations_app.placement.budget import Budget
from migrations_app.placement.fleet import NOWHERE, ROUNDING, Fleet, Ints
from migrations_app.placement.neighbourhood import Neighbourhood
from migrations_app.placement.relief import Relief
from migrations_app.placement.search import Levelling
from migrations_app.placement.squeezing import Squeeze
from migrations_app.placement.standing import Standing

# A model with more choices than this is not solved in the seconds that there are.
MOST_CHOICES = 9_000
MOST_CHOICES_LEVEL = 40_000
MOST_CHOICES_RELAXED = 150_000
# Shares of what is left of the time.
FOR_DIRECT = 0.35
FOR_RELIEF = 0.5
FOR_SAVING = 0.6


@dataclass(kw_only=True)
class Settlement:
    """Where everything ends. ``peak_bound`` holds for plans that move nothing but the strays.

    ``homeless`` found no place; ``refuted``: it is proven that not all strays can have one.
    Not ``direct``: it is proven that others have to move for it.
    ``bytes_bound`` is what has to move at least, strays and others, where that is known to be more than the strays.
    """

    standing: Standing
    peak_bound: float
    bytes_bound: float = 0.0
    direct: bool = True
    homeless: list[int] = field(default_factory=list)
    refuted: bool = False

    def peak_of(self, strays: Ints) -> float:
        return narrowing.peak_of(self.standing, strays)


def settle(
    fleet: Fleet, strays: Ints, level: float, budget: Budget, chance: np.random.Generator, *, polish: bool
) -> Settlement:
    """Place the strays within ``level``, with the fewest bytes, and of those plans the one with the lowest peak.

    :param polish: spend what is left of the time on a still lower peak.
    """
    base = Standing.at_home(fleet, without=strays)
    bound = bounds.lowest_level(base, strays)
    found = Settlement(standing=base.copy(), peak_bound=bound)
    found.homeless = start.spread(found.standing, strays)
    placed = strays[~np.isin(strays, found.homeless)]
    Levelling(found.standing, placed, chance).run(min(bound, level), budget.at_most(budget.left_seconds * FOR_DIRECT))
    if fits(found.standing, level) and not found.homeless:
        if polish:
            _polish(found, base, strays, budget, chance)
    elif not fits(base, level) or not _settle_directly(found, base, strays, level, budget, chance):
        _make_way(found, strays, level, budget, chance)
    elif polish:
        _polish(found, base, strays, budget, chance)
    return found


def fits(standing: Standing, level: float) -> bool:
    """Tell whether every active node is within the level."""
    fleet = standing.fleet
    within = standing.use <= fleet.room * (level + ROUNDING)
    return bool(within[fleet.active].all())


def _polish(found: Settlement, base: Standing, strays: Ints, budget: Budget, chance: np.random.Generator) -> None:
    """Lower the peak further, with a proof where the fleet is small enough for one."""
    peak = found.peak_of(strays)
    if not len(strays) or peak <= found.peak_bound + ROUNDING:
        return
    choices, has_solver = len(strays) * len(base.fleet.active), solver.is_installed()
    if has_solver and choices <= MOST_CHOICES_RELAXED:
        found.peak_bound = relaxation.lowest_level(base, strays, found.peak_bound, peak)
    if has_solver and choices <= MOST_CHOICES:
        found.standing, found.peak_bound = exact.lowest_peak(
            base, strays, found.standing, found.peak_bound, budget, chance
        )
    elif choices <= MOST_CHOICES_LEVEL:
        found.standing = narrowing.lower_peak(found.standing, strays, found.peak_bound, budget, chance)


def _settle_directly(
    found: Settlement, base: Standing, strays: Ints, level: float, budget: Budget, chance: np.random.Generator
) -> bool:
    """Return whether places were found that the first search did not see; keep in mind a proof that there are none."""
    if solver.is_installed() and len(strays) * len(base.fleet.active) <= MOST_CHOICES_RELAXED:
        found.direct = relaxation.fits_when_cut(base, strays, level)
    if not found.direct:
        return False
    answer = _look_directly(found, base, strays, level, budget.at_most(budget.left_seconds * FOR_DIRECT), chance)
    found.direct = not answer.refuted
    if answer.where is not None:
        found.standing = Standing.of(base.fleet, answer.where)
        found.homeless = []
    return answer.where is not None


def _look_directly(
    found: Settlement, base: Standing, strays: Ints, level: float, budget: Budget, chance: np.random.Generator
) -> solver.Answer:
    """Let the solver and the search look side by side, the solver where it can, the search where all are somewhere."""
    nodes = base.fleet.active.tolist()
    small = solver.is_installed() and len(strays) * len(nodes) <= MOST_CHOICES_LEVEL
    if found.homeless:
        question = solver.Question(standing=base, cts=strays.tolist(), nodes=nodes, level=level)
        return solver.ask(question, budget.left_seconds) if small else solver.Answer(where=None, refuted=False)
    squeeze = Squeeze(found.standing.copy(), strays, chance)
    if small:
        return exact.race(base, strays, squeeze, level, budget)
    return solver.Answer(where=squeeze.where if squeeze.run(level, budget) else None, refuted=False)


def _make_way(found: Settlement, strays: Ints, level: float, budget: Budget, chance: np.random.Generator) -> None:
    fleet = found.standing.fleet
    staying = np.setdiff1d(fleet.strays, strays)
    found.refuted = bounds.lowest_peak_of_all(fleet, staying) > level + ROUNDING
    if found.refuted:
        return
    if found.homeless:
        # Groups are in the way: who would have to go where is nothing that shifts and exchanges find.
        _place_everything(found, strays, level, budget.overtime)
        return
    overfull = found.standing.copy()
    # How good an answer is depends on the time; whether there is one should not.
    relieved = Relief(found.standing, level, chance).run(budget.at_most(budget.left_seconds * FOR_RELIEF))
    if relieved or Relief(found.standing, level, chance).run(budget.overtime):
        _save(found, strays, level, budget, chance)
    elif not _place_everything(found, strays, level, budget.overtime):
        found.standing = overfull


def _save(found: Settlement, strays: Ints, level: float, budget: Budget, chance: np.random.Generator) -> None:
    """Let as little as possible move aside, and prove how little that is where the fleet is small enough."""
    fleet = found.standing.fleet
    if solver.is_installed():
        movable = np.flatnonzero(~fleet.pinned & (found.standing.where != NOWHERE))
        saving = budget.at_most(budget.left_seconds * FOR_SAVING)
        Neighbourhood(found.standing, movable, chance).save_bytes(level, saving)
        _place_everything(found, strays, level, budget)
    Levelling(found.standing, strays, chance).run(found.peak_bound, budget)


def _place_everything(found: Settlement, strays: Ints, level: float, budget: Budget) -> bool:
    """Ask the solver about all containers at once, if they are few; return whether it knows a placement."""
    fleet = found.standing.fleet
    stays = (fleet.home != NOWHERE) & ~fleet.drained[fleet.home]
    movable = np.union1d(np.flatnonzero(stays & ~fleet.pinned), strays)
    if not solver.is_installed() or len(movable) * len(fleet.active) > MOST_CHOICES:
        return False
    weights = fleet.move_bytes.astype(np.float64)
    question = solver.Question(
        standing=Standing.at_home(fleet, without=movable),
        cts=movable.tolist(),
        nodes=fleet.active.tolist(),
        level=level,
        weights=weights,
        stays=fleet.home,
        hint=found.standing.where,
    )
    answer = solver.ask(question, budget.left_seconds)
    found.refuted = answer.refuted
    if answer.where is None:
        return False
    found.bytes_bound = max(found.bytes_bound, answer.least_weight)
    if fits(found.standing, level) and _bytes(fleet, found.standing.where) <= _bytes(fleet, answer.where):
        return True
    found.standing = Standing.of(fleet, answer.where)
    found.homeless = []
    return True


def _bytes(fleet: Fleet, where: Ints) -> int:
    return int(fleet.move_bytes[where != fleet.home].sum())
