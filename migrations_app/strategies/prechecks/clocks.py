"""Do the clocks agree?"""

from __future__ import annotations

from collections.abc import Iterable

from migrations_app.execution.outcome import Objection
from migrations_app.strategies.prechecks.facts import Facts, NodeFacts


def clocks(facts: Facts) -> list[Objection]:
    """A container that moves must not see time jump, and what is kept until a date must not go early."""
    limit = float(facts.order.settings["max_clock_offset_seconds"])
    return [*_off(facts, limit), *_apart(facts, limit)]


def _off(facts: Facts, limit: float) -> Iterable[Objection]:
    for node in facts.nodes:
        offset = node.clock_offset_seconds
        if offset is not None and abs(offset) > limit:
            ahead = "ahead of" if offset > 0 else "behind"
            yield Objection(
                check_id=f"clock-off-{node.side}",
                text=f"{node.name}'s clock is {abs(offset):.1f} s {ahead} the panel's; {limit:g} s are allowed.",
                way_out="Set it once, then retry. If the panel's own clock is the wrong one, set that.",
                command=_set_clock(node),
            )


def _apart(facts: Facts, limit: float) -> Iterable[Objection]:
    here, there = facts.source.clock_offset_seconds, facts.target.clock_offset_seconds
    if here is None or there is None or max(abs(here), abs(there)) > limit:
        return
    if abs(there - here) > limit:
        yield Objection(
            check_id="clocks-apart",
            text=f"The nodes' clocks are {abs(there - here):.1f} s apart; {limit:g} s are allowed. "
            "The container's time would jump by that.",
            way_out=f"Set both: {facts.here} is {here:+.1f} s, {facts.there} {there:+.1f} s off the panel's.",
            command=_set_clock(facts.target),
        )


def _set_clock(node: NodeFacts) -> str:
    if node.ntp_client == "ntpd":
        return "service ntpd stop; ntpd -gq; service ntpd start"
    return "chronyc makestep"
