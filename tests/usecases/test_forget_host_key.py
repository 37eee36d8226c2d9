"""Letting go of a pinned host key."""

from __future__ import annotations

from io import StringIO

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from migrations_app.models import AuditLine, Node
from migrations_app.usecases.forget_host_key import forget_host_key
from migrations_app.usecases.pin_host_key import pin_host_key
from migrations_app.usecases.scan_node import scan_node
from tests.factories import make_node
from tests.fakes.clock import START
from tests.fakes.work import public_key
from tests.fakes.world import FakeWorld


def test_a_node_installed_anew_comes_back_after_a_person_compared_its_key(world: FakeWorld, ada: User) -> None:
    fake = world.node("node-1")
    node = make_node(fake=fake)
    fake.host_key = public_key("installed anew")
    forget_host_key(node=node, actor=ada, now=START)
    scan_node(node_id=node.pk, outside=world.outside, settings=settings.OVZ)
    node.refresh_from_db()
    assert (node.state, node.host_key, node.offered_host_key) == (Node.State.KEY_OFFERED, "", fake.host_key)
    pin_host_key(node=node, shown_key=fake.host_key, actor=ada, now=START)
    scan_node(node_id=node.pk, outside=world.outside, settings=settings.OVZ)
    node.refresh_from_db()
    assert (node.state, node.host_key) == (Node.State.READY, fake.host_key)


def test_it_writes_one_audit_line_with_the_key_it_let_go(ada: User) -> None:
    node = make_node()
    forgotten = node.host_key
    forget_host_key(node=node, actor=ada, now=START)
    line = AuditLine.objects.get()
    assert (line.verb, line.actor, line.detail) == ("forget_host_key", ada, {"host_key": forgotten})


@pytest.mark.django_db
def test_the_command_finds_the_node_by_name() -> None:
    node = make_node(name="node-a")
    call_command("forget_host_key", "node-a", stdout=StringIO())
    node.refresh_from_db()
    assert (node.host_key, node.state) == ("", Node.State.NEW)
    with pytest.raises(CommandError, match="No such node"):
        call_command("forget_host_key", "node-b")
