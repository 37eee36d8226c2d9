"""Are the nodes of one kind, and do their tools tell the truth?"""

from __future__ import annotations

from collections.abc import Iterable

from migrations_app.execution.outcome import Objection
from migrations_app.inventory.faults import OLDEST_VZCTL
from migrations_app.strategies.prechecks.facts import Facts, NodeFacts
from migrations_app.strategies.prechecks.severity import against_live, instead_of_live
from migrations_app.vz.facts import Tools


def kernels(facts: Facts) -> list[Objection]:
    """Both nodes must run OpenVZ, of one line and one architecture; live never moves to an older kernel."""
    found = [_no_openvz(node) for node in facts.nodes if node.kernel is not None and not node.kernel.is_openvz]
    return found or [*_kinds(facts), *_older(facts)]


def _no_openvz(node: NodeFacts) -> Objection:
    release = node.kernel.release if node.kernel else ""
    return Objection(
        check_id=f"not-openvz-{node.side}",
        text=f"{node.name} runs the kernel {release}, which is not OpenVZ's.",
        way_out="Boot the node into its OpenVZ kernel, or choose another node.",
    )


def _kinds(facts: Facts) -> Iterable[Objection]:
    here, there = facts.source.kernel, facts.target.kernel
    if here is None or there is None:
        return
    if here.machine != there.machine:
        yield Objection(
            check_id="architecture-differs",
            text=f"{facts.here} is {here.machine}, {facts.there} is {there.machine}: the container's "
            "programs would not run there.",
            way_out=f"Choose a node that is {here.machine}.",
        )
    if here.family != there.family:
        yield Objection(
            check_id="family-differs",
            text=f"{facts.here} runs {_family(here.family)} ({here.release}), {facts.there} runs "
            f"{_family(there.family)} ({there.release}): neither line's tools move a container to the other.",
            way_out="Choose a node of the same line.",
        )


def _family(family: str) -> str:
    return {"legacy": "OpenVZ 6 or older", "vz7": "OpenVZ 7"}.get(family, "an OpenVZ of unknown line")


def _older(facts: Facts) -> Iterable[Objection]:
    here, there = facts.source.kernel, facts.target.kernel
    severity = against_live(facts.order) or "note"
    if here is not None and there is not None and there.is_older_than(here):
        yield Objection(
            check_id="kernel-older",
            text=f"{facts.there}'s kernel {there.release} is older than {facts.here}'s {here.release}; "
            "saved processes are carried to the same or a newer kernel only.",
            way_out=instead_of_live(facts.order) if severity != "note" else "Nothing: the container starts anew there.",
            severity=severity,
        )


def service(facts: Facts) -> list[Objection]:
    return [
        Objection(
            check_id=f"service-down-{node.side}",
            text=f"The vz service does not run on {node.name}.",
            way_out="Start it, then retry.",
            command="/etc/init.d/vz start",
        )
        for node in facts.nodes
        if node.service_runs is False
    ]


def vzctl(facts: Facts) -> list[Objection]:
    wanted = ".".join(map(str, OLDEST_VZCTL))
    return [
        Objection(
            check_id=f"vzctl-version-{node.side}",
            text=f"{node.name} has {_version(node.tools)}; {wanted} is the oldest that notices a failed copy.",
            way_out="Update vzctl on the node.",
            command="yum -y update vzctl",
        )
        for node in facts.nodes
        if node.tools is not None and not node.tools.is_at_least("vzctl", *OLDEST_VZCTL)
    ]


def _version(tools: Tools) -> str:
    return f"vzctl {tools.versions['vzctl']}" if tools.has("vzctl") else "no vzctl"


def looking_on_the_wire(facts: Facts) -> list[Objection]:
    tools = facts.target.tools
    if tools is None or tools.has("arping") or not facts.order.addresses:
        return []
    return [
        Objection(
            check_id="arping-missing-target",
            text=f"{facts.there} has no arping, so nobody can tell whether another machine uses the container's "
            "address.",
            way_out="Install it, then retry. The package is called iputils, on Debian iputils-arping.",
            command="yum -y install iputils || apt-get -y install iputils-arping",
            severity="warning",
        )
    ]
