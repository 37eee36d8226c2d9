"""What is configured: layout, bridges, scripts, pieces of the node, addresses."""

from __future__ import annotations

from typing import Any

import pytest

from migrations_app.strategies.prechecks import layout, network
from migrations_app.strategies.prechecks.unread import unread_facts
from migrations_app.vz.facts import Checked
from tests.strategies.prechecks.scene import (
    ADDRESS,
    DOWN,
    SOURCE_MAC,
    STRANGER_MAC,
    config,
    seen,
    severities,
    the_one,
    tools,
    unread,
)

PLOOP = {"config": config(VE_LAYOUT="ploop:expanded")}
READY_FOR_PLOOP = {"ploop": Checked(ok=True)}

LAYOUTS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "simfs": ({}, {}),
    "ploop to a node without": (
        {"source": PLOOP, "method": "dump"},
        {"ploop-missing": "blocker"},
    ),
    "ploop by dump": ({"source": PLOOP, "target": READY_FOR_PLOOP, "method": "dump"}, {}),
    "ploop by stream": ({"source": PLOOP, "target": READY_FOR_PLOOP}, {"ploop-stream": "blocker"}),
    "ploop by whatever fits": (
        {"source": PLOOP, "target": READY_FOR_PLOOP, "method": "auto"},
        {"ploop-stream": "warning"},
    ),
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_layouts(case: str) -> None:
    changes, wanted = LAYOUTS[case]
    assert severities(layout.layout, seen(**changes)) == wanted


NETIF = "ifname=eth0,bridge=vmbr1,mac=00:18:51:AA:BB:CC,host_ifname=veth101.0;ifname=eth1,bridge=lan"


@pytest.mark.parametrize(
    ("there", "missing"),
    [(("vmbr1", "lan"), ""), (("vmbr1",), "lan"), ((), "vmbr1, lan"), (("vmbr10", "lan"), "vmbr1")],
)
def test_every_bridge_of_the_container_must_be_on_the_target(there: tuple[str, ...], missing: str) -> None:
    facts = seen(source={"config": config(NETIF=NETIF)}, target={"bridges": frozenset(there)})
    objections = layout.bridges(facts)
    assert [objection.text.partition(";")[0] for objection in objections] == (
        [f"node-2 has no bridge {missing}"] if missing else []
    )


SCRIPTS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...], dict[str, str]]] = {
    "none": ("stream", (), (), {}),
    "left behind by stream": ("stream", ("mount",), (), {"scripts-left-behind": "blocker"}),
    "maybe left behind by auto": ("auto", ("mount",), (), {"scripts-left-behind": "warning"}),
    "copied by hand before": ("stream", ("mount",), ("mount",), {"scripts": "warning"}),
    "carried by live": ("live", ("mount", "start"), (), {"scripts": "warning"}),
    "carried by dump": ("dump", ("mount",), (), {"scripts": "warning"}),
}


@pytest.mark.parametrize("case", SCRIPTS)
def test_action_scripts(case: str) -> None:
    method, here, there, wanted = SCRIPTS[case]
    facts = seen(source={"scripts": here}, target={"scripts": there}, method=method)
    assert severities(layout.scripts, facts) == wanted


PIECES: dict[str, tuple[dict[str, str], str]] = {
    "nothing": ({"DEVICES": "c:10:200:rw", "CAPABILITY": "NET_ADMIN:on", "PCI": ""}, ""),
    "a network card": ({"NETDEV": "eth1"}, "NETDEV=eth1"),
    "a folder": ({"BINDMOUNT": "/srv/shared"}, "BINDMOUNT=/srv/shared"),
    "a disk": ({"DEVNODES": "net/tun:rw sdb1:rw"}, "DEVNODES=sdb1:rw"),
    "a power": ({"CAPABILITY": "NET_ADMIN:on SYS_MODULE:on"}, "CAPABILITY SYS_MODULE:on"),
}


@pytest.mark.parametrize(("method", "severity"), [("stream", "blocker"), ("live", "warning")])
@pytest.mark.parametrize("case", PIECES)
def test_pieces_of_the_node(case: str, method: str, severity: str) -> None:
    values, named = PIECES[case]
    objections = layout.pieces_of_the_node(seen(source={"config": config(**values)}, method=method))
    assert [objection.severity for objection in objections] == ([severity] if named else [])
    assert all(f": {named}." in objection.text for objection in objections)


KNOWN: dict[str, tuple[dict[str, Any], tuple[str, ...], dict[str, str]]] = {
    "as known": ({}, (ADDRESS,), {}),
    "another since": ({"address_owners": {"192.0.2.77": "101"}}, (ADDRESS,), {"addresses-stale": "blocker"}),
    "one more since": (
        {"address_owners": {ADDRESS: "101", "192.0.2.77": "101"}},
        (ADDRESS,),
        {"addresses-stale": "blocker"},
    ),
    "a neighbour's does not count": ({"address_owners": {ADDRESS: "101", "192.0.2.77": "1010"}}, (ADDRESS,), {}),
    "stopped, so the file counts": ({"state": DOWN, "address_owners": {}}, (ADDRESS,), {}),
    "none at all": ({"config": config(IP_ADDRESS=""), "address_owners": {}}, (), {}),
    "one that no machine can have": (
        {"config": config(IP_ADDRESS="169.254.1.1"), "address_owners": {}},
        ("169.254.1.1",),
        {"addresses-unusable": "blocker"},
    ),
}


@pytest.mark.parametrize("case", KNOWN)
def test_the_addresses_that_are_moved_are_those_it_has(case: str) -> None:
    source, addresses, wanted = KNOWN[case]
    assert severities(network.known_addresses, seen(source=source, addresses=addresses)) == wanted


def test_an_address_in_use_on_the_target_is_told_with_its_owner() -> None:
    objection = the_one(network.free_on_target, seen(target={"address_owners": {ADDRESS: "150"}}))
    assert f"{ADDRESS} by container 150" in objection.text


def test_the_same_number_may_have_the_address_there() -> None:
    assert network.free_on_target(seen(target={"address_owners": {ADDRESS: "101"}})) == []


WIRE: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, str]]] = {
    "the source answers": ({}, {"on_the_wire": {ADDRESS: (SOURCE_MAC,)}}, {}),
    "a stranger answers": ({}, {"on_the_wire": {ADDRESS: (STRANGER_MAC,)}}, {"address-answered-elsewhere": "blocker"}),
    "both answer": (
        {},
        {"on_the_wire": {ADDRESS: (SOURCE_MAC, STRANGER_MAC)}},
        {"address-answered-elsewhere": "blocker"},
    ),
    "the container's own card answers": (
        {"config": config(NETIF=f"ifname=eth0,mac={STRANGER_MAC.upper()}")},
        {"on_the_wire": {ADDRESS: (STRANGER_MAC,)}},
        {},
    ),
    "nobody answers though it runs": ({}, {"on_the_wire": {ADDRESS: ()}}, {"address-silent": "warning"}),
    "nobody answers and it is down": ({"state": DOWN}, {"on_the_wire": {ADDRESS: ()}}, {}),
    "a stranger answers while it is down": (
        {"state": DOWN},
        {"on_the_wire": {ADDRESS: (STRANGER_MAC,)}},
        {"address-answered-elsewhere": "blocker"},
    ),
    "nobody can look": ({}, {"on_the_wire": {ADDRESS: ()}, "tools": tools(without="arping")}, {}),
    "nobody was asked": ({}, {"on_the_wire": {}}, {}),
}


@pytest.mark.parametrize("case", WIRE)
def test_who_answers_on_the_wire(case: str) -> None:
    source, target, wanted = WIRE[case]
    assert severities(network.free_on_the_wire, seen(source=source, target=target)) == wanted


def test_a_target_outside_the_network_is_refused() -> None:
    said = f"no device of this node lies in the network of {ADDRESS}"
    facts = seen(target={"on_the_wire": {}}, unread=(unread("arp_owner", side="target", said=said),))
    assert severities(network.in_reach, facts) == {"address-other-network": "blocker"}


V6 = "2001:db8::101"


def test_what_could_not_be_looked_for_is_said_by_name() -> None:
    said = f"no device of this node lies in the network of {V6}"
    facts = seen(
        addresses=(ADDRESS, V6), unread=(unread(f"arp_owner,{V6}", side="target", said=said, fact_name="arp_owner"),)
    )
    found = the_one(network.not_looked_for, facts)
    assert (found.check_id, found.severity) == ("address-not-checked-target", "warning")
    assert V6 in found.text
    assert said in found.text
    assert network.in_reach(facts) == []
    assert unread_facts(facts) == []


def test_of_many_addresses_those_not_looked_for_are_named() -> None:
    found = the_one(network.not_looked_for, seen(addresses=tuple(f"192.0.2.{number}" for number in range(101, 106))))
    assert "192.0.2.104" in found.text
    assert "192.0.2.103" not in found.text


def test_a_stranger_of_ipv6_is_a_stranger() -> None:
    facts = seen(addresses=(V6,), target={"on_the_wire": {V6: (STRANGER_MAC,)}})
    assert severities(network.free_on_the_wire, facts) == {"address-answered-elsewhere": "blocker"}
    silent = seen(addresses=(V6,), target={"on_the_wire": {V6: ()}})
    assert network.free_on_the_wire(silent) == []


PROGRAMS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "all there": ({}, {}),
    "no iptables, stream": ({"source": {"tools": tools(without="iptables")}}, {"iptables-missing-source": "blocker"}),
    "no iptables, auto": (
        {"target": {"tools": tools(without="iptables")}, "method": "auto"},
        {"iptables-missing-target": "warning"},
    ),
    "no iptables, live": ({"target": {"tools": tools(without="iptables")}, "method": "live"}, {}),
    "no arpsend": (
        {"target": {"tools": tools(without="arpsend")}, "method": "live"},
        {"arpsend-missing-target": "blocker"},
    ),
    "nothing to announce": ({"target": {"tools": tools(without="arpsend iptables")}, "addresses": ()}, {}),
}


@pytest.mark.parametrize("case", PROGRAMS)
def test_programs_of_the_switch(case: str) -> None:
    changes, wanted = PROGRAMS[case]
    assert severities(network.programs, seen(**changes)) == wanted
