"""Taking a node into the fleet."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from migrations_app.models import AuditLine, Node
from migrations_app.usecases.add_node import NodeRefused, add_node
from tests.fakes.clock import START


def add(actor: User, *, name: str = "node-1", address: str = "192.0.2.11", port: int = 22) -> Node:
    return add_node(name=name, address=address, port=port, actor=actor, now=START)


def test_it_adds_a_node_and_asks_for_its_host_key_at_once(ada: User) -> None:
    node = add(ada)
    assert (node.state, node.next_scan_at, node.host_key) == (Node.State.NEW, START, "")
    line = AuditLine.objects.get()
    assert (line.actor, line.verb, line.subject) == (ada, "add_node", "node-1")


def test_it_writes_name_and_address_in_one_form(ada: User) -> None:
    assert add(ada, name=" Node-1 ").name == "node-1"
    assert add(ada, name="node-2", address="2001:DB8:0::1").address == "2001:db8::1"


@pytest.mark.parametrize(
    "name",
    ["", " ", "-node", "node 1", "node_1", "node\n1", "node\x00", "nöde", "n\u202eode", "a" * 64, "a..b", "192.0.2.1",
     "<script>", "$(id)", "../node", "🙂"],
)  # fmt: skip
def test_it_refuses_a_bad_name(ada: User, name: str) -> None:
    with pytest.raises(NodeRefused) as refusal:
        add(ada, name=name)
    assert refusal.value.field == "name"
    assert not Node.objects.exists()
    assert not AuditLine.objects.exists()


@pytest.mark.parametrize(
    "address",
    ["", "127.0.0.1", "127.8.8.8", "::1", "169.254.169.254", "fe80::1", "fe80::1%eth0", "0.0.0.0", "224.0.0.1",
     "255.255.255.255", "010.0.0.1", "1.2.3", "::ffff:192.0.2.1", "192.0.2.1/24", "localhost", "LOCALHOST",
     "db.localhost", "hn1.example.net", "a..b",
     "host name", "host;reboot", "-oProxyCommand=x", "root@host", "192.0.2.1:22",
     "http://host/", "a" * 254, "host\nBcc: x"],
)  # fmt: skip
def test_it_refuses_a_bad_address(ada: User, address: str) -> None:
    with pytest.raises(NodeRefused) as refusal:
        add(ada, address=address)
    assert refusal.value.field == "address"
    assert not Node.objects.exists()


@pytest.mark.parametrize("port", [0, -1, 65_536, 10**9])
def test_it_refuses_a_bad_port(ada: User, port: int) -> None:
    with pytest.raises(NodeRefused) as refusal:
        add(ada, port=port)
    assert refusal.value.field == "port"


def test_it_refuses_a_name_or_an_address_that_another_node_has(ada: User) -> None:
    add(ada)
    with pytest.raises(NodeRefused, match="another node"):
        add(ada, name="NODE-1", address="192.0.2.12")
    with pytest.raises(NodeRefused, match="node-1 already"):
        add(ada, name="node-2")
    assert add(ada, name="node-2", port=2222).port == 2222


def test_it_refuses_the_slower_of_two_at_once(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    add(ada)
    monkeypatch.setattr("migrations_app.usecases.add_node._refuse_a_second", lambda *seen_nothing: None)
    with pytest.raises(NodeRefused, match="this moment"):
        add(ada)
    assert AuditLine.objects.count() == 1
