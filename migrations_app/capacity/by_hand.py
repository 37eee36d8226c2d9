"""A plan that a person edits: checked against the world as it is now, and put into a legal order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from migrations_app.capacity.picture import Picture
from migrations_app.placement import proposal as proposals
from migrations_app.placement.budget import Budget
from migrations_app.placement.checking import against_end
from migrations_app.placement.fleet import Ints
from migrations_app.placement.order import destination, legal_order
from migrations_app.placement.proposal import Found

Plan = Mapping[int, int]  # container key to node key
ORDER_SECONDS = 3.0
CHOSEN = "It was chosen by hand"
NO_MOMENT = "It fits in the end, but there is no order of moves in which it could pass the others."


@dataclass(kw_only=True)
class Checked:
    """``objections`` are sentences by container key; none: the plan may be done, in the order of ``found``."""

    objections: dict[int, list[str]] = field(default_factory=dict)
    found: Found | None = None


def check(seen: Picture, plan: Plan, *, clock: Callable[[], float]) -> Checked:
    """Return everything that speaks against the plan, or what it comes to."""
    checked = Checked()
    where = _where(seen, plan, checked)
    for ct, against in against_end(seen.fleet, where).items():
        checked.objections.setdefault(seen.keys[ct], []).extend(f"{one.sentence}." for one in against)
    if not checked.objections:
        _put_in_order(seen, where, checked, clock)
    return checked


def _where(seen: Picture, plan: Plan, checked: Checked) -> Ints:
    where = seen.fleet.home.copy()
    for ct, node in plan.items():
        if ct not in seen.rows:
            checked.objections[ct] = ["It is not there any more, or its node is not ready."]
        elif ct in seen.held:
            checked.objections[ct] = [seen.held[ct]]
        elif node not in seen.node_rows:
            checked.objections[ct] = ["Its target is not there any more, or not ready."]
        else:
            where[seen.rows[ct]] = seen.node_rows[node]
    return where


def _put_in_order(seen: Picture, where: Ints, checked: Checked, clock: Callable[[], float]) -> None:
    order = legal_order(seen.fleet, where, Budget(clock=clock, until=clock() + ORDER_SECONDS))
    checked.objections = {seen.keys[ct]: [NO_MOMENT] for ct in order.stuck}
    if order.stuck:
        return
    reached = destination(seen.fleet, order)
    checked.found = Found(
        goal="by hand",
        where=reached.where,
        steps=order.steps,
        lower_bound={},
        gap=None,
        optimal=False,
        chosen={step.ct: CHOSEN for step in order.steps},
    )


def answer_of(seen: Picture, found: Found) -> dict[str, object]:
    """Return it as the planner would have told it."""
    return proposals.write(seen.fleet, found, 0.0)
