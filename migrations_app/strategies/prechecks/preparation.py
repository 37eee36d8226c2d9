"""What the nodes lack that can be installed: the inventory knows it, and the method says how bad it is."""

from __future__ import annotations

from migrations_app.execution.outcome import Objection
from migrations_app.inventory.needs import Need, needs_of
from migrations_app.inventory.reading import NodeReading
from migrations_app.strategies.prechecks.facts import Facts, NodeFacts
from migrations_app.strategies.prechecks.severity import Severity, against_dump


def installed(facts: Facts) -> list[Objection]:
    return [
        _objection(facts, node, need, severity)
        for node in facts.nodes
        for need in _lacking(facts, node)
        if (severity := _severity(facts, node, need)) is not None
    ]


def _lacking(facts: Facts, node: NodeFacts) -> tuple[Need, ...]:
    reading = NodeReading(asked_at=facts.at, tools=node.tools, ntp_client=node.ntp_client)
    return needs_of(reading, largest_container_mib=0, settings=facts.order.settings)


def _severity(facts: Facts, node: NodeFacts, need: Need) -> Severity | None:
    match need.name:
        case "rsync":
            return "blocker"
        case "vzdump" if node.side == "target" and node.tools is not None and node.tools.has("vzrestore"):
            return None  # it is there to read the archive; it need not write one
        case "vzdump":
            return against_dump(facts.order)
        case _:
            return "warning"


def _objection(facts: Facts, node: NodeFacts, need: Need, severity: Severity) -> Objection:
    falling_back = need.name == "vzdump" and facts.order.method != "dump"
    return Objection(
        check_id=f"{need.name}-missing-{node.side}",
        text=f"{node.name}: {need.finding}" + (" Without it nothing can fall back to dump." if falling_back else ""),
        way_out=f"Install it with a yes on {node.name}'s page, or by hand; then retry.",
        command=need.command,
        severity=severity,
    )
