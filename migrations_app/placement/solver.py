"""Exact answers for what is small enough, by OR-Tools' CP-SAT; whoever has not installed it gets none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np

from migrations_app.placement.fleet import NO_GROUP, ROUNDING, Fleet, Floats, Ints
from migrations_app.placement.standing import Standing

if TYPE_CHECKING:
    from ortools.linear_solver.pywraplp import Solver, Variable

NOT_INSTALLED = "OR-Tools is not installed: the search found this, but what only a solver can prove is not proven."
# Measured on 20 nodes: whether there is any placement, one worker with every rule in its relaxation tells in half a
# second, where two with the usual one do not in eight; the cheapest placement the two find sooner.
ANY = (1, 2)
CHEAPEST = (2, 1)
# For a last proof: of one seed the one with fewer rules needs half as long, of another it does not end.
ANY_OTHERWISE = (1, 1)
# Amounts that are no multiple of anything are counted in this many parts of the largest room.
PARTS = 2**30
# Bytes are weighed in parts of the whole, so that their sums stay far below 2**63.
WEIGHT_PARTS = 2**52
STOP_AGAIN_SECONDS = 0.005
# A choice is 0 or 1, told as a float.
HALF = 0.5


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the solver says. ``where`` is None: it has no placement; ``refuted``: there is none.

    ``weight`` and ``least_weight`` are what moving costs in ``where``, and what it costs at least.
    """

    where: Ints | None
    refuted: bool
    weight: float = 0.0
    least_weight: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Question:
    """Place ``cts``, all of them nowhere in ``standing``, on ``nodes`` so that none passes ``level``.

    ``weights`` is what a container costs that does not stay on the node of ``stays``; None: any placement is as good.
    """

    standing: Standing
    cts: Sequence[int]
    nodes: Sequence[int]
    level: float
    weights: Floats | None = None
    stays: Ints | None = None
    hint: Ints | None = None


def is_installed() -> bool:
    return find_spec("ortools") is not None


def ask(question: Question, seconds: float, seed: int = 0) -> Answer:
    """Answer within the time, or say nothing: neither a placement nor a refutation."""
    return _Model(question, seed, ANY if question.weights is None else CHEAPEST).solve(seconds)


class Inquiry:
    """A question answered beside other work: the solver leaves Python's lock to others while it computes."""

    def __init__(self, question: Question, seconds: float, seed: int, effort: tuple[int, int] = ANY) -> None:
        self._model = _Model(question, seed, effort)
        self._answer = Answer(where=None, refuted=False)
        self._thread = Thread(target=self._run, args=(seconds,), daemon=True)
        self._thread.start()

    def _run(self, seconds: float) -> None:
        self._answer = self._model.solve(seconds)

    @property
    def has_settled(self) -> bool:
        """Tell whether it is over and has an answer; time that ran out is none."""
        return not self._thread.is_alive() and (self._answer.where is not None or self._answer.refuted)

    def is_over(self, wait_seconds: float) -> bool:
        """Wait for so long, and tell whether it has ended, with an answer or without."""
        self._thread.join(wait_seconds)
        return not self._thread.is_alive()

    def stop(self) -> Answer:
        """Return what is known by now."""
        while self._thread.is_alive():
            # What has not begun yet cannot be stopped.
            self._model.stop()
            self._thread.join(STOP_AGAIN_SECONDS)
        return self._answer

    def wait(self) -> Answer:
        self._thread.join()
        return self._answer


def ask_both(question: Question, seconds: float, seed: int) -> Answer:
    """Let two who think differently look, one on a core each; the first who knows is enough."""
    inquiries = [Inquiry(question, seconds, seed, effort) for effort in (ANY, ANY_OTHERWISE)]
    under_way = inquiries
    while under_way and not any(one.has_settled for one in inquiries):
        under_way = [one for one in inquiries if not one.is_over(STOP_AGAIN_SECONDS)]
    answers = [one.stop() for one in inquiries]
    return next((one for one in answers if one.refuted or one.where is not None), answers[0])


@dataclass(frozen=True, kw_only=True)
class Cover:
    chosen: Ints
    least_weight: float


def cheapest_cover(amounts: Floats, wanted: Floats, weights: Floats, seconds: float) -> Cover | None:
    """Choose rows whose amounts reach what is wanted in every column, at the least weight; None: not in this time."""
    solver = _solver(ANY, seed=0)
    chosen = [solver.BoolVar("") for _ in weights]
    exact = True
    for column, enough in enumerate(wanted.tolist()):
        unit, whole = whole_unit(amounts[:, column])
        exact = exact and whole
        needed = solver.Constraint(float(np.ceil(enough / unit)), solver.infinity())
        for part, choice in zip(np.floor(amounts[:, column] / unit).tolist(), chosen, strict=True):
            needed.SetCoefficient(choice, part)
    heavy = max(1.0, float(weights.sum()) / WEIGHT_PARTS)
    objective = solver.Objective()
    for weight, choice in zip(weights.tolist(), chosen, strict=True):
        objective.SetCoefficient(choice, float(int(weight / heavy)))
    objective.SetMinimization()
    if _solve(solver, seconds) not in (solver.OPTIMAL, solver.FEASIBLE):
        return None
    rows = np.flatnonzero([choice.solution_value() > HALF for choice in chosen])
    return Cover(chosen=rows, least_weight=objective.BestBound() * heavy if exact else 0.0)


def _solver(effort: tuple[int, int], seed: int) -> Solver:
    # By this way in, because the other one loads pandas first, which takes a second.
    from ortools.linear_solver import pywraplp

    workers, linearization = effort
    solver = pywraplp.Solver.CreateSolver("SAT")
    solver.SetNumThreads(workers)
    solver.SetSolverSpecificParametersAsString(f"linearization_level:{linearization} random_seed:{seed}")
    return solver


def _solve(solver: Solver, seconds: float) -> int:
    solver.SetTimeLimit(max(1, int(seconds * 1000)))
    return int(solver.Solve())


class _Model:
    def __init__(self, question: Question, seed: int, effort: tuple[int, int]) -> None:
        self._question = question
        self._solver = _solver(effort, seed)
        self._chosen: dict[tuple[int, int], Variable] = {}
        self._on_node: dict[int, list[int]] = {node: [] for node in question.nodes}
        self._offer_nodes()
        exact = [self._keep_within_room(column) for column in range(len(self._fleet.resources))]
        self._exact = all(exact)
        self._keep_apart()
        self._weigh()

    @property
    def _fleet(self) -> Fleet:
        return self._question.standing.fleet

    def _offer_nodes(self) -> None:
        question = self._question
        asked = np.zeros(len(self._fleet.node_names), dtype=bool)
        asked[list(question.nodes)] = True
        for ct in question.cts:
            possible = asked & question.standing.welcome(ct) & question.standing.roomy(ct, question.level)
            somewhere = self._solver.Constraint(1.0, 1.0)
            for node in np.flatnonzero(possible).tolist():
                choice = self._solver.BoolVar("")
                somewhere.SetCoefficient(choice, 1.0)
                self._chosen[ct, node] = choice
                self._on_node[node].append(ct)
        if question.hint is not None:
            hints = [float(question.hint[ct] == node) for ct, node in self._chosen]
            self._solver.SetHint(list(self._chosen.values()), hints)

    def _keep_within_room(self, column: int) -> bool:
        """Return whether the rule is exact: amounts that had to be rounded, upwards, refute nothing."""
        question = self._question
        demand = self._fleet.demand[:, column]
        room = self._fleet.room[:, column] * (question.level + ROUNDING) - question.standing.use[:, column]
        unit, exact = whole_unit(demand[list(question.cts)])
        amounts = np.ceil(demand / unit)
        for node, cts in self._on_node.items():
            if cts:
                limit = self._solver.Constraint(-self._solver.infinity(), float(np.floor(room[node] / unit)))
                for ct in cts:
                    limit.SetCoefficient(self._chosen[ct, node], float(amounts[ct]))
        return exact

    def _keep_apart(self) -> None:
        together: dict[tuple[int, int], list[Variable]] = {}
        for (ct, node), choice in self._chosen.items():
            if self._fleet.group[ct] != NO_GROUP:
                together.setdefault((int(self._fleet.group[ct]), node), []).append(choice)
        for choices in together.values():
            if len(choices) > 1:
                at_most_one = self._solver.Constraint(0.0, 1.0)
                for choice in choices:
                    at_most_one.SetCoefficient(choice, 1.0)

    def _weigh(self) -> None:
        question = self._question
        self._unit = 0.0
        if question.weights is None or question.stays is None:
            return
        weights = question.weights[list(question.cts)]
        self._unit = max(1.0, float(weights.sum()) / WEIGHT_PARTS)
        # What stays costs nothing, and what does not its whole weight: count what stays as saved.
        self._whole = 0
        objective = self._solver.Objective()
        for ct, weight in zip(question.cts, weights.tolist(), strict=True):
            self._whole += int(weight / self._unit)
            choice = self._chosen.get((ct, int(question.stays[ct])))
            if choice is not None:
                objective.SetCoefficient(choice, float(int(weight / self._unit)))
        objective.SetMaximization()

    def stop(self) -> None:
        self._solver.InterruptSolve()

    def solve(self, seconds: float) -> Answer:
        if seconds <= 0:
            return Answer(where=None, refuted=False)
        status = _solve(self._solver, seconds)
        if status in (self._solver.OPTIMAL, self._solver.FEASIBLE):
            return self._placed()
        return Answer(where=None, refuted=status == self._solver.INFEASIBLE and self._exact)

    def _placed(self) -> Answer:
        where = self._question.standing.where.copy()
        for (ct, node), choice in self._chosen.items():
            if choice.solution_value() > HALF:
                where[ct] = node
        if not self._unit:
            return Answer(where=where, refuted=False)
        objective = self._solver.Objective()
        weight = (self._whole - objective.Value()) * self._unit
        # Rounding moved each weight by less than a unit.
        least = (self._whole - objective.BestBound()) * self._unit if self._exact else 0.0
        return Answer(where=where, refuted=False, weight=weight, least_weight=max(0.0, least))


def whole_unit(amounts: Floats) -> tuple[float, bool]:
    """Return the largest unit that all amounts are whole multiples of, and whether there is one."""
    largest = float(amounts.max(initial=0.0))
    if largest == 0.0:
        return 1.0, True
    if largest < 2**53 and (amounts == np.floor(amounts)).all():
        return float(np.gcd.reduce(amounts.astype(np.int64))), True
    return largest / PARTS, False
