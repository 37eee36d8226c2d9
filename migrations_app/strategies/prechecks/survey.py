"""Ask both nodes, then every rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from migrations_app.execution.outcome import Objection
from migrations_app.execution.step import StepContext
from migrations_app.strategies.prechecks import (
    clocks,
    container,
    kind,
    layout,
    live,
    network,
    number,
    preparation,
    room,
)
from migrations_app.strategies.prechecks.facts import Facts
from migrations_app.strategies.prechecks.gather import gather, gather_again
from migrations_app.strategies.prechecks.promised import still_free
from migrations_app.strategies.prechecks.unread import unread_facts

Rule = Callable[[Facts], list[Objection]]

RULES: Sequence[Rule] = (
    container.is_there,
    container.lock,
    container.other_tools,
    container.old_business,
    number.number_is_free,
    number.name_is_free,
    kind.kernels,
    kind.service,
    kind.vzctl,
    kind.looking_on_the_wire,
    preparation.installed,
    clocks.clocks,
    layout.layout,
    layout.bridges,
    layout.scripts,
    layout.pieces_of_the_node,
    network.known_addresses,
    network.free_on_target,
    network.free_on_the_wire,
    network.in_reach,
    network.not_looked_for,
    network.programs,
    room.on_disk,
    room.own_filesystem,
    room.in_memory,
    room.what_fits,
    live.checkpointing,
    live.tools,
    live.kernels_agree,
    live.mounts,
    live.modules,
    live.dump_folder,
    unread_facts,
)
# What a day of copying may have changed, and what would be found out only while the container answers nobody.
RULES_BEFORE_FREEZE: Sequence[Rule] = (
    container.lock,
    container.other_tools,
    number.mark_is_ours,
    kind.service,
    clocks.clocks,
    network.free_on_target,
    network.free_on_the_wire,
    room.reserve_is_left,
)
_ORDER = {"blocker": 0, "warning": 1, "note": 2}


def survey(ctx: StepContext) -> tuple[Objection, ...]:
    """Return all objections of all rules, blockers first."""
    return judge(gather(ctx), RULES, beside=still_free(ctx.order))


def second_look(ctx: StepContext) -> tuple[Objection, ...]:
    """Return what stands against the freeze now: blockers only, nobody reads the rest at that moment."""
    found = judge(gather_again(ctx), RULES_BEFORE_FREEZE, beside=still_free(ctx.order))
    return tuple(objection for objection in found if objection.severity == "blocker")


def judge(facts: Facts, rules: Iterable[Rule], *, beside: Sequence[Objection] = ()) -> tuple[Objection, ...]:
    found = [*beside, *(objection for rule in rules for objection in rule(facts))]
    return tuple(sorted(found, key=lambda objection: _ORDER[objection.severity]))
