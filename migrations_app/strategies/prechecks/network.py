"""Are the container's addresses free where it goes, and would they be heard there?"""

from __future__ import annotations

import re
from collections.abc import Iterable

from migrations_app.execution.outcome import Objection
from migrations_app.strategies.prechecks.facts import Facts, Unread
from migrations_app.strategies.prechecks.gather import is_usable, wire_addresses

_NETIF_MAC = re.compile(r"(?:^|[,;])mac=((?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2})", re.ASCII)


def known_addresses(facts: Facts) -> list[Objection]:
    """What is moved is what the inventory knew when the migration was last looked at; reality must agree."""
    order, actual = facts.order, _actual_addresses(facts)
    own = frozenset(order.addresses)
    if actual is None or actual in (own, own | frozenset(order.passed_on)):
        return list(_unusable(facts))
    return [
        Objection(
            check_id="addresses-stale",
            text=f"{order.ctid} has {_listed(actual)} on {facts.here}; the panel knows {_listed(order.addresses)}.",
            way_out=f"Scan {facts.here} again, then retry.",
        )
    ]


def _actual_addresses(facts: Facts) -> frozenset[str] | None:
    """What the kernel routes to it while it runs, which may differ from the file; else what the file says."""
    source = facts.source
    if source.config is None or source.state is None or not source.state.exists:
        return None
    routed = frozenset(a for a, ctid in (source.address_owners or {}).items() if ctid == facts.order.ctid)
    return routed or frozenset(source.config.addresses)


def _unusable(facts: Facts) -> Iterable[Objection]:
    bad = [address for address in facts.order.addresses if not is_usable(address)]
    if bad:
        yield Objection(
            check_id="addresses-unusable",
            text=f"{_listed(bad)} cannot be the address of one machine (loopback, link-local, multicast or the like).",
            way_out=f"Take it off the container on {facts.here}, scan, then retry.",
            command=f"vzctl set {facts.ctid} --ipdel {bad[0]} --save",
        )


def free_on_target(facts: Facts) -> list[Objection]:
    owners = facts.target.address_owners or {}
    taken = {
        a: owners[a]
        for a in facts.order.addresses_there
        if owners.get(a, facts.order.target_ctid) != facts.order.target_ctid
    }
    if not taken:
        return []
    said = ", ".join(f"{address} by container {ctid}" for address, ctid in taken.items())
    return [
        Objection(
            check_id="address-in-use",
            text=f"On {facts.there} the container's addresses are in use: {said}.",
            way_out="Give one of the two another address, or choose another node.",
            command=f"vzlist -a -o ctid,hostname,ip {' '.join(sorted(set(taken.values())))}",
        )
    ]


def free_on_the_wire(facts: Facts) -> list[Objection]:
    """While the container runs, its own node answers for it: nobody else may, whoever that is."""
    if facts.source.macs is None:
        return []
    # A new address is nobody's yet, not even the container's own node's; unless it comes home and is still passed on.
    strange = facts.order.new_addresses and not facts.order.passed_on
    ours = frozenset() if strange else frozenset(facts.source.macs) | _own_macs(facts)
    strangers = {
        address: sorted(set(macs) - ours) for address, macs in facts.target.on_the_wire.items() if set(macs) - ours
    }
    if not strangers:
        return list(_silent(facts))
    said = "; ".join(f"{address} is answered by {', '.join(macs)}" for address, macs in strangers.items())
    return [
        Objection(
            check_id="address-answered-elsewhere",
            text=f"Seen from {facts.there}, {said}: a machine that is not {facts.here}."
            if not facts.order.new_addresses
            else f"Seen from {facts.there}, {said}: the address is in use.",
            way_out="Find that machine (the switch knows the port of a hardware address) and take the address off it.",
            command=f"arping -c 2 {next(iter(strangers))}",
        )
    ]


def _own_macs(facts: Facts) -> frozenset[str]:
    """A container with a network card of its own answers for itself."""
    netif = facts.source.config.values.get("NETIF", "") if facts.source.config else ""
    return frozenset(mac.lower() for mac in _NETIF_MAC.findall(netif))


def _silent(facts: Facts) -> Iterable[Objection]:
    silent = [address for address, macs in facts.target.on_the_wire.items() if not macs and ":" not in address]
    arping = facts.target.tools is not None and facts.target.tools.has("arping")
    if silent and facts.runs and arping and not facts.order.new_addresses:
        yield Objection(
            check_id="address-silent",
            text=f"{facts.ctid} runs, but seen from {facts.there} nobody answers for {_listed(silent)}: "
            "the nodes may not share a network segment, and nobody would find the address at its new place.",
            way_out="Make sure that the address is routed to the target, too; a kept address needs one segment.",
            severity="warning",
        )


def in_reach(facts: Facts) -> list[Objection]:
    """The gate says so when no device of the target lies in the address's network."""
    outside = [
        unread
        for unread in facts.unread
        if unread.fact == "arp_owner" and "no device of this node" in unread.refusal.seen and not is_about_ipv6(unread)
    ]
    if not outside:
        return []
    return [
        Objection(
            check_id="address-other-network",
            text=f"{facts.there} has no device in the network of {_listed(facts.order.addresses_there)}: nobody "
            "would find it there.",
            way_out="Choose a node in the same network segment, or give the container a new address there.",
        )
    ]


def not_looked_for(facts: Facts) -> list[Objection]:
    """IPv6 is often routed to each node, and not every node can ask its neighbours: said by name, and no obstacle."""
    reasons = {unread.refusal.asked_about: unread.refusal.seen for unread in facts.unread if is_about_ipv6(unread)}
    asked = wire_addresses(facts.order)
    left = [address for address in facts.order.addresses_there if is_usable(address) and address not in asked]
    reasons |= {address: f"{len(asked)} are asked for at most" for address in left}
    if not reasons:
        return []
    said = "; ".join(f"{address} ({reason})" for address, reason in reasons.items())
    return [
        Objection(
            check_id="address-not-checked-target",
            text=f"Not checked on the wire from {facts.there}: {said}.",
            way_out="Look yourself whether another machine there has the address.",
            command=f"ping -6 -c 2 {next(iter(reasons))}; ip -6 neighbour show {next(iter(reasons))}",
            severity="warning",
        )
    ]


def is_about_ipv6(unread: Unread) -> bool:
    return unread.fact == "arp_owner" and ":" in unread.refusal.asked_about


def programs(facts: Facts) -> list[Objection]:
    """What holds connections back and what tells the segment of the new place must be there before it is needed."""
    if not facts.order.addresses:
        return []
    return [*_holding_back(facts), *_telling(facts)]


def _holding_back(facts: Facts) -> Iterable[Objection]:
    for node in facts.nodes:
        if facts.order.method != "live" and node.tools is not None and not node.tools.has("iptables"):
            yield Objection(
                check_id=f"iptables-missing-{node.side}",
                text=f"{node.name} has no iptables, so new connections cannot be held back during the switch.",
                way_out="Install it, then retry; a live move needs none.",
                command="yum -y install iptables || apt-get -y install iptables",
                severity="warning" if facts.order.method == "auto" else "blocker",
            )


def _telling(facts: Facts) -> Iterable[Objection]:
    tools = facts.target.tools
    if tools is not None and not tools.has("arpsend"):
        yield Objection(
            check_id="arpsend-missing-target",
            text=f"{facts.there} has no arpsend, so the segment would not learn where the address lives now.",
            way_out="It belongs to vzctl; install that again.",
            command="yum -y reinstall vzctl",
        )


def _listed(addresses: Iterable[str]) -> str:
    return ", ".join(sorted(addresses)) or "no address"
