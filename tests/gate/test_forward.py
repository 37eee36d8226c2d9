"""An old address is passed on to where its container lives now, and taken down again without a trace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gate.rig import Gate
from tests.gate.wires import CLIENT, NEW, NEW_NODE, OLD, OLD_NODE, Wires


@pytest.fixture
def wires() -> Iterator[Wires]:
    made = Wires()
    try:
        made.build()
        yield made
    finally:
        made.end()


@pytest.fixture
def old(wires: Wires, tmp_path: Path) -> Gate:
    return _gate(wires, tmp_path, "old")


@pytest.fixture
def new(wires: Wires, tmp_path: Path) -> Gate:
    return _gate(wires, tmp_path, "new")


def _gate(wires: Wires, folder: Path, place: str) -> Gate:
    (folder / place).mkdir()
    gate = Gate(folder / place, inside=wires.inside(place))
    gate.container(101, conf=f'IP_ADDRESS="{OLD}"\nONBOOT="no"\n')
    return gate


def state(gate: Gate) -> dict[str, str]:
    pairs = (line.partition("=") for line in gate.ask(f"forward_state,{OLD}").out.splitlines())
    return {key: value for key, _, value in pairs}


def traces(wires: Wires, place: str) -> str:
    """Return everything that forwarding could have left, as the kernel tells it."""
    shown = [wires.run(place, "ip", *words.split()) for words in ("-br link", "route", "rule", "neighbour show proxy")]
    tables = [wires.run(place, "iptables", "-t", table, "-S") for table in ("mangle", "nat", "filter")]
    rules = [line for table in tables for line in table.splitlines() if OLD in line or "14789" in line]
    return "\n".join([*(line for text in shown for line in text.splitlines() if "ovzf" in line or OLD in line), *rules])


@pytest.fixture
def kind(new: Gate) -> str:
    """Return the best tunnel that this kernel can make; the others are the same but for their header."""
    kinds = new.do("101 1 tunnel_kinds").out.split()
    assert kinds, "this kernel makes no tunnel of any kind the gate knows"
    return kinds[0]


def test_a_tunnel_keeps_the_callers_address(wires: Wires, old: Gate, new: Gate, kind: str) -> None:
    wires.give_container(OLD)
    assert wires.ask(OLD) == ""
    assert new.do(f"101 1 forward_in 7 {kind} {OLD} {OLD_NODE}").rc == 0
    done = old.do(f"101 1 forward_out 7 {kind} {OLD} {NEW} {NEW_NODE}")
    assert done.rc == 0, done.err
    assert wires.ask(OLD) == CLIENT
    assert wires.ask(NEW) == CLIENT


def test_rewriting_works_without_a_tunnel_and_hides_the_caller(wires: Wires, old: Gate) -> None:
    done = old.do(f"101 1 forward_out 7 nat {OLD} {NEW} {NEW_NODE}")
    assert done.rc == 0, done.err
    assert wires.ask(OLD) == OLD_NODE


def test_it_counts_who_still_comes(wires: Wires, old: Gate) -> None:
    old.do(f"101 1 forward_out 7 nat {OLD} {NEW} {NEW_NODE}")
    assert state(old)["new_connections"] == "0"
    for _ in range(3):
        wires.ask(OLD)
    told = state(old)
    assert (told["in_force"], told["new_connections"], told["from"]) == ("yes", "3", CLIENT)


def test_counting_goes_on_when_the_rules_are_written_anew(wires: Wires, old: Gate) -> None:
    old.do(f"101 1 forward_out 7 nat {OLD} {NEW} {NEW_NODE}")
    wires.ask(OLD)
    old.do(f"101 1 forward_out 7 nat {OLD} {NEW} {NEW_NODE}")
    wires.ask(OLD)
    assert state(old)["new_connections"] == "2"


def test_it_counts_what_an_open_connection_sends(wires: Wires, old: Gate) -> None:
    """One that was opened before and never closed is still somebody who would be cut off."""
    old.do(f"101 1 forward_out 7 nat {OLD} {NEW} {NEW_NODE}")
    assert state(old)["packets"] == "0"
    wires.ask(OLD)
    before = state(old)
    assert int(before["packets"]) > int(before["new_connections"]) == 1
    old.do(f"101 1 forward_out 7 nat {OLD} {NEW} {NEW_NODE}")
    assert int(state(old)["packets"]) >= int(before["packets"])


@pytest.mark.parametrize(
    "harm", ["iptables -t mangle -F", "iptables -F ovz-passing", f"ip route flush {OLD}", "ip link del DEVICE"]
)
def test_it_notices_what_is_lost_and_puts_it_back(wires: Wires, old: Gate, new: Gate, kind: str, harm: str) -> None:
    wires.give_container(OLD)
    new.do(f"101 1 forward_in 7 {kind} {OLD} {OLD_NODE}")
    again = f"101 1 forward_out 7 {kind} {OLD} {NEW} {NEW_NODE}"
    old.do(again)
    wires.run("old", *harm.replace("DEVICE", device(wires)).split())
    assert state(old)["in_force"] == "no"
    assert old.do(again).rc == 0
    assert state(old)["in_force"] == "yes"
    assert wires.ask(OLD) == CLIENT


def test_what_can_be_made_does_not_depend_on_what_stands(wires: Wires, new: Gate, kind: str) -> None:
    """VXLAN numbers are one per node: the way home is another tunnel while the way out still stands."""
    before = new.do("101 1 tunnel_kinds").out
    assert new.do(f"101 1 forward_in 7 {kind} {OLD} {OLD_NODE}").rc == 0
    assert new.do("101 1 tunnel_kinds").out == before


def shut(wires: Wires, place: str) -> None:
    """Have the node pass on what it was told to by name and nothing else, as a firewall of one's own does."""
    wires.run(place, "iptables", "-P", "FORWARD", "DROP")
    wires.run(place, "iptables", "-A", "FORWARD", "-j", "REJECT")


def test_a_firewall_that_lets_nothing_through_lets_what_is_rewritten_pass(wires: Wires, old: Gate) -> None:
    shut(wires, "old")
    old.do(f"101 1 forward_out 7 nat {OLD} {NEW} {NEW_NODE}")
    assert wires.ask(OLD) == OLD_NODE
    old.do(f"101 1 forward_end 7 {OLD}")
    assert wires.run("old", "iptables", "-S", "ovz-passing") == "-N ovz-passing"


def test_firewalls_that_let_nothing_through_let_the_tunnel_pass(wires: Wires, old: Gate, new: Gate, kind: str) -> None:
    wires.give_container(OLD)
    shut(wires, "old")
    shut(wires, "new")
    new.do(f"101 1 forward_in 7 {kind} {OLD} {OLD_NODE}")
    old.do(f"101 1 forward_out 7 {kind} {OLD} {NEW} {NEW_NODE}")
    assert wires.ask(OLD) == CLIENT
    assert wires.ask(NEW) == ""


def test_the_freeze_holds_back_what_would_pass(wires: Wires, old: Gate) -> None:
    """Whichever of the two was there first, and wherever somebody has moved them since."""
    again = f"101 1 forward_out 7 nat {OLD} {NEW} {NEW_NODE}"
    shut(wires, "old")
    old.do(again)
    for move in ("-N other", "-I FORWARD 1 -j other", "-D FORWARD -j ovz-passing", "-I FORWARD 1 -j ovz-passing"):
        old.do(f"101 1 freeze {OLD} {NEW}")
        wires.run("old", "iptables", *move.split())
        old.do(again)
        assert wires.ask(OLD) == "", move
        old.do(f"101 1 unfreeze {OLD} {NEW}")
        assert wires.ask(OLD) == OLD_NODE, move
        assert wires.run("old", "iptables", "-S", "FORWARD").count("ovz-passing") == 1


def device(wires: Wires) -> str:
    shown = wires.run("old", "ip", "-br", "link")
    return next(word.partition("@")[0] for word in shown.split() if word.startswith("ovzf"))


def test_it_leaves_nothing_behind(wires: Wires, old: Gate, new: Gate, kind: str) -> None:
    wires.give_container(OLD)
    before = [traces(wires, "old"), traces(wires, "new")]
    new.do(f"101 1 forward_in 7 {kind} {OLD} {OLD_NODE}")
    old.do(f"101 1 forward_out 7 {kind} {OLD} {NEW} {NEW_NODE}")
    assert traces(wires, "old") != before[0]
    for gate in (old, new):
        for _ in range(2):
            assert gate.do(f"101 1 forward_end 7 {OLD}").rc == 0
    assert [traces(wires, "old"), traces(wires, "new")] == before


def test_it_takes_nobody_elses_address(old: Gate) -> None:
    stranger = old.do(f"101 1 forward_out 7 nat 192.0.2.77 {NEW} {NEW_NODE}")
    assert (stranger.rc, "no address of container 101" in stranger.err) == (9, True)
    old.do(f"101 1 forward_out 7 nat {OLD} {NEW} {NEW_NODE}")
    old.container(102, conf=f'IP_ADDRESS="{OLD}"\n')
    assert old.do(f"102 1 forward_out 8 nat {OLD} {NEW} {NEW_NODE}").rc == 9
    assert old.do(f"102 1 forward_end 8 {OLD}").rc == 9


def test_it_does_not_take_an_address_that_a_container_uses(old: Gate) -> None:
    (old.root / "kernel/proc/vz/veip").write_text(f"Version: 2.5\n{OLD:>39} {101:>10}\n")
    assert old.do(f"101 1 forward_out 7 nat {OLD} {NEW} {NEW_NODE}").rc == 32


def test_it_forwards_to_peers_only(old: Gate) -> None:
    old.configure(peers="192.0.2.0/24")
    assert old.do(f"101 1 forward_out 7 nat {OLD} {NEW} {NEW_NODE}").rc == 1


def test_only_the_peer_may_send_into_the_tunnel(wires: Wires, old: Gate, new: Gate, kind: str) -> None:
    if kind != "vxlan":
        pytest.skip("only vxlan takes packets from anybody")
    new.do(f"101 1 forward_in 7 {kind} {OLD} {OLD_NODE}")
    rules = wires.run("new", "iptables", "-S", "ovz-tunnel").splitlines()
    assert rules[1:] == [
        f"-A ovz-tunnel -s {OLD_NODE}/32 -p udp -m udp --dport 14789 -j RETURN",
        "-A ovz-tunnel -p udp -m udp --dport 14789 -j DROP",
    ]


def test_nothing_is_wished_of_an_unknown_address(old: Gate) -> None:
    assert state(old) == {"wished": "no"}
