"""The cast, the pretend fleet, and a network that is shut.

Ada and Boris are staff, and Boris may approve what others plan; Carla is a customer with a container of her own;
Mallory signs in and has no business here.
"""

from __future__ import annotations

import functools
import ipaddress
import socket
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Permission, User
from django.db import connection
from pytest_django import DjangoDbBlocker

from migrations_app.models import Customer
from tests.factories import make_customer
from tests.fakes.mailer import MailBox
from tests.fakes.world import FakeWorld
from tests.turns import turn

PASSWORD = "correct horse battery staple"


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None, None, None]:
    """Begin with the one that takes longest: several workers share the files, each file stays on one."""
    yield
    items.sort(key=lambda item: item.get_closest_marker("postgres") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Where several workers run, a test marked ``alone`` has the machine to itself, with all that it sets up."""
    if not hasattr(item.config, "workerinput"):
        return (yield)
    with turn(alone=item.get_closest_marker("alone") is not None):
        return (yield)


@functools.cache
def _hashed_password() -> str:
    """Hash it once: the real hasher takes long on purpose, and thousands of tests want a user."""
    return make_password(PASSWORD)


def _user(name: str, email: str, *, is_staff: bool = False) -> User:
    return User.objects.create(username=name, email=email, password=_hashed_password(), is_staff=is_staff)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Let tests that commit sweep their rows away: of the audit trail's triggers the one against that goes."""
    of_table = " ON migrations_app_auditline" if connection.vendor == "postgresql" else ""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER audit_line_kept{of_table}")


@pytest.fixture
def ada(db: None) -> User:
    return _user("ada", "ada@panel.example", is_staff=True)


@pytest.fixture
def boris(db: None) -> User:
    user = _user("boris", "boris@panel.example", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="approve"))
    return user


@pytest.fixture
def carla(db: None) -> User:
    return _user("carla", "carla@shop.example")


@pytest.fixture
def mallory(db: None) -> User:
    return _user("mallory", "mallory@elsewhere.example")


@pytest.fixture
def shop(carla: User) -> Customer:
    """Carla as somebody who may own containers."""
    return make_customer(name="Carla's shop", email=carla.email, user=carla)


@pytest.fixture
def one_person_is_enough(settings: Any) -> None:
    """For tests of what comes after: who has to agree is tried in tests/approvals."""
    settings.OVZ = settings.OVZ | {"approval_for": []}


@pytest.fixture
def world() -> Iterator[FakeWorld]:
    """Two pretend nodes; at the end nothing that must never happen may have happened."""
    fleet = FakeWorld()
    yield fleet
    assert fleet.violations == []


@pytest.fixture
def mailbox() -> MailBox:
    return MailBox()


@pytest.fixture(autouse=True)
def shut_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing leave this machine, the lab apart, which is a network of its own."""
    if request.node.get_closest_marker("lab"):
        return
    connect = socket.socket.connect

    def connect_nearby(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_nearby(address[0]):
            raise AssertionError(f"a test connects to {address!r}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_nearby)


def _is_nearby(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
