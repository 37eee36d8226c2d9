"""Pinning a host key."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from migrations_app.models import AuditLine, Node
from migrations_app.usecases.pin_host_key import HostKeyMoved, pin_host_key
from tests.factories import make_node
from tests.fakes.clock import START
from tests.fakes.work import public_key


def offering_node(**overrides: Any) -> Node:
    return make_node(**{"state": Node.State.KEY_OFFERED, "host_key": ""} | overrides)


def pin(node: Node, shown_key: str, actor: User) -> Node:
    pin_host_key(node=node, shown_key=shown_key, actor=actor, now=START)
    node.refresh_from_db()
    return node


def test_it_pins_the_key_that_was_shown_and_looks_at_once(ada: User) -> None:
    node = offering_node(fault="HostKeyUnreadable")
    pin(node, node.offered_host_key, ada)
    assert (node.state, node.host_key) == (Node.State.KEY_PINNED, node.offered_host_key)
    assert (node.next_scan_at, node.fault) == (START, "")
    line = AuditLine.objects.get()
    assert (line.verb, line.actor, line.detail) == ("pin_host_key", ada, {"host_key": node.host_key})


@pytest.mark.parametrize("shown_key", ["", "ssh-ed25519 AAAA", "ssh-ed25519 AAAA\0", public_key("seen before")])
def test_it_refuses_another_key_than_the_node_offers_now(ada: User, shown_key: str) -> None:
    node = offering_node()
    with pytest.raises(HostKeyMoved, match="does not show"):
        pin(node, shown_key, ada)
    node.refresh_from_db()
    assert (node.state, node.host_key) == (Node.State.KEY_OFFERED, "")
    assert not AuditLine.objects.exists()


def test_it_refuses_when_the_key_changed_since_the_page_was_shown(ada: User) -> None:
    node = offering_node()
    shown_key = node.offered_host_key
    Node.objects.update(offered_host_key=public_key("another"))
    with pytest.raises(HostKeyMoved):
        pin(node, shown_key, ada)


def test_it_never_replaces_a_pinned_key(ada: User) -> None:
    node = make_node(offered_host_key=public_key("new"), host_key=public_key("old"))
    with pytest.raises(HostKeyMoved, match="only that one"):
        pin(node, public_key("new"), ada)
    node.refresh_from_db()
    assert node.host_key == public_key("old")


def test_it_refuses_an_empty_key_where_none_is_offered(ada: User) -> None:
    node = offering_node(offered_host_key="")
    with pytest.raises(HostKeyMoved):
        pin(node, "", ada)


def test_it_says_so_when_the_key_is_pinned_already(ada: User, boris: User) -> None:
    node = offering_node()
    pin(node, node.offered_host_key, ada)
    with pytest.raises(HostKeyMoved, match="already"):
        pin(node, node.offered_host_key, boris)
    assert AuditLine.objects.count() == 1
