"""Asking for a look at a node."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User

from migrations_app.models import AuditLine
from migrations_app.usecases.request_scan import request_scan
from tests.factories import make_node
from tests.fakes.clock import START


def test_it_makes_the_node_due(ada: User) -> None:
    node = make_node(next_scan_at=START + timedelta(minutes=5))
    request_scan(node=node, actor=ada, now=START)
    assert node.next_scan_at == START
    node.refresh_from_db()
    assert node.next_scan_at == START


def test_it_writes_one_audit_line(ada: User) -> None:
    node = make_node()
    request_scan(node=node, actor=ada, now=START)
    line = AuditLine.objects.get()
    assert (line.actor, line.verb, line.subject) == (ada, "request_scan", node.name)
