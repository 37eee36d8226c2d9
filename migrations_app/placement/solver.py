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
    from ortools.sat.python.cp_model import CpModel, CpSolver, IntVar

NOT_INSTALLED = "OR-Tools is not installed: the search found this, but what only a solver can prove is not proven."
# Measured on 20 nodes: whether there is any placement, one worker with every rule in its relaxation tells in half a
# second, where two with the usual one do not in eight; the cheapest placement the two find sooner.
ANY = (1, 2)
CHEAPEST = (2, 1)
# Amounts that are no multiple of anything are counted in this many parts of the largest room.
PARTS = 2**30
# Bytes are weighed in parts of the whole, so that their sums stay far below 2**63.
WEIGHT_PARTS = 2**52
STOP_AGAIN_SECONDS = 0.005


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
    return _Model(question).solve(seconds, seed)


class Inquiry:
    """A question answered beside other work: the solver leaves Python's lock to others while it computes."""

    def __init__(self, question: Question, seconds: float, seed: int) -> None:
        self._model = _Model(question)
        self._answer = Answer(where=None, refuted=False)
        self._thread = Thread(target=self._run, args=(seconds, seed), daemon=True)
        self._thread.start()

    def _run(self, seconds: float, seed: int) -> None:
        self._answer = self._model.solve(seconds, seed)

    @property
    def has_settled(self) -> bool:
        """Tell whether it is over and has an answer; time that ran out is none."""
        return not self._thread.is_alive() and (self._answer.where is not None or self._answer.refuted)

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


@dataclass(frozen=True, kw_only=True)
class Cover:
    chosen: Ints
    least_weight: float


def cheapest_cover(amounts: Floats, wanted: Floats, weights: Floats, seconds: float) -> Cover | None:
    """Choose rows whose amounts reach what is wanted in every column, at the least weight; None: not in this time."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    chosen = [model.new_bool_var("") for _ in weights]
    exact = True
    for column, enough in enumerate(wanted.tolist()):
        unit, whole = whole_unit(amounts[:, column])
        parts = np.floor(amounts[:, column] / unit).astype(np.int64)
        exact = exact and whole
        needed = int(np.ceil(enough / unit))
        model.add(sum(part * choice for part, choice in zip(parts.tolist(), chosen, strict=True)) >= needed)
    heavy = max(1.0, float(weights.sum()) / WEIGHT_PARTS)
    model.minimize(sum(int(weight / heavy) * choice for weight, choice in zip(weights.tolist(), chosen, strict=True)))
    solver = _solver(ANY, seconds)
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    rows = np.flatnonzero([solver.boolean_value(choice) for choice in chosen])
    return Cover(chosen=rows, least_weight=solver.best_objective_bound * heavy if exact else 0.0)


def _solver(effort: tuple[int, int], seconds: float) -> CpSolver:
    from ortools.sat.python import cp_model

    solver = cp_model.CpSolver()
    solver.parameters.num_workers, solver.parameters.linearization_level = effort
    solver.parameters.max_time_in_seconds = seconds
    return solver


class _Model:
    def __init__(self, question: Question) -> None:
        # Loading it takes longer than placing a small fleet without it.
        from ortools.sat.python import cp_model

        self._question = question
        self._solver: CpSolver | None = None
        self._model: CpModel = cp_model.CpModel()
        self._chosen: dict[tuple[int, int], IntVar] = {}
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
            choices = []
            for node in np.flatnonzero(possible).tolist():
                choice = self._model.new_bool_var("")
                choices.append(choice)
                self._chosen[ct, node] = choice
                self._on_node[node].append(ct)
                if question.hint is not None:
                    self._model.add_hint(choice, bool(question.hint[ct] == node))
            self._model.add_exactly_one(choices)

    def _keep_within_room(self, column: int) -> bool:
        """Return whether the rule is exact: amounts that had to be rounded, upwards, refute nothing."""
        question = self._question
        demand = self._fleet.demand[:, column]
        room = self._fleet.room[:, column] * (question.level + ROUNDING) - question.standing.use[:, column]
        unit, exact = whole_unit(demand[list(question.cts)])
        amounts = np.ceil(demand / unit).astype(np.int64)
        for node, cts in self._on_node.items():
            if cts:
                load = sum(int(amounts[ct]) * self._chosen[ct, node] for ct in cts)
                self._model.add(load <= int(np.floor(room[node] / unit)))
        return exact

    def _keep_apart(self) -> None:
        together: dict[tuple[int, int], list[IntVar]] = {}
        for (ct, node), choice in self._chosen.items():
            if self._fleet.group[ct] != NO_GROUP:
                together.setdefault((int(self._fleet.group[ct]), node), []).append(choice)
        for choices in together.values():
            if len(choices) > 1:
                self._model.add_at_most_one(choices)

    def _weigh(self) -> None:
        question = self._question
        self._unit = 0.0
        if question.weights is None or question.stays is None:
            return
        weights = question.weights[list(question.cts)]
        self._unit = max(1.0, float(weights.sum()) / WEIGHT_PARTS)
        # What stays costs nothing, and what does not its whole weight: count what stays as saved.
        self._whole = 0
        saved = []
        for ct, weight in zip(question.cts, weights.tolist(), strict=True):
            self._whole += int(weight / self._unit)
            choice = self._chosen.get((ct, int(question.stays[ct])))
            if choice is not None:
                saved.append(int(weight / self._unit) * choice)
        self._model.maximize(sum(saved))

    def stop(self) -> None:
        if self._solver is not None:
            self._solver.stop_search()

    def solve(self, seconds: float, seed: int) -> Answer:
        from ortools.sat.python import cp_model

        if seconds <= 0:
            return Answer(where=None, refuted=False)
        self._solver = solver = _solver(CHEAPEST if self._unit else ANY, seconds)
        solver.parameters.random_seed = seed
        status = solver.solve(self._model)
        if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return self._placed(solver)
        return Answer(where=None, refuted=status == cp_model.INFEASIBLE and self._exact)

    def _placed(self, solver: CpSolver) -> Answer:
        where = self._question.standing.where.copy()
        for (ct, node), choice in self._chosen.items():
            if solver.boolean_value(choice):
                where[ct] = node
        if not self._unit:
            return Answer(where=where, refuted=False)
        weight = (self._whole - solver.objective_value) * self._unit
        # Rounding moved each weight by less than a unit.
        least = (self._whole - solver.best_objective_bound) * self._unit if self._exact else 0.0
        return Answer(where=where, refuted=False, weight=weight, least_weight=max(0.0, least))


def whole_unit(amounts: Floats) -> tuple[float, bool]:
    """Return the largest unit that all amounts are whole multiples of, and whether there is one."""
    largest = float(amounts.max(initial=0.0))
    if largest == 0.0:
        return 1.0, True
    if largest < 2**53 and (amounts == np.floor(amounts)).all():
        return float(np.gcd.reduce(amounts.astype(np.int64))), True
    return largest / PARTS, False
