"""Saying whose a container is."""

from __future__ import annotations

from django.contrib.auth.models import User

from migrations_app.models import AuditLine, Customer
from migrations_app.usecases.set_owner import set_owner
from tests.factories import make_container
from tests.fakes.clock import START


def test_it_gives_the_container_to_a_customer(ada: User, shop: Customer) -> None:
    container = make_container()
    set_owner(container=container, customer=shop, actor=ada, now=START)
    container.refresh_from_db()
    assert container.owner == shop
    assert AuditLine.objects.get().detail == {"before": None, "after": shop.name}


def test_it_takes_the_container_from_its_owner(ada: User, shop: Customer) -> None:
    container = make_container(owner=shop)
    set_owner(container=container, customer=None, actor=ada, now=START)
    container.refresh_from_db()
    assert container.owner is None
    line = AuditLine.objects.get()
    assert (line.actor, line.verb, line.detail) == (ada, "set_owner", {"before": shop.name, "after": None})
