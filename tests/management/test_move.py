"""`manage.py move --back`: in whose name, and when it must be said."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from migrations_app.models import AuditLine, Container, Migration
from tests.factories import make_container, make_migration, make_node
from tests.fakes.clock import START

pytestmark = pytest.mark.django_db
OLD, NEW = "192.0.2.101", "198.51.100.101"
CHANGES = [
    {"old_addresses": [OLD], "new_addresses": [NEW]},
    {"old_hostname": "ct101.example.net", "new_hostname": "far.example.net"},
]


def moved(**changes: Any) -> Migration:
    home, far = make_node(name="node-home"), make_node(name="node-far")
    container = make_container(node=home, ctid="101", addresses=[OLD])
    usual = {"state": Migration.State.DONE, "point_of_no_return_at": START, "next_tick_at": None}
    first = make_migration(container=container, target=far, **usual | changes)
    Container.objects.filter(pk=container.pk).update(node=far)
    return first


def go_back(*options: str) -> Migration:
    call_command("move", "101", "--back", *options, stdout=StringIO())
    return Migration.objects.latest("pk")


@pytest.fixture
def two_people_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.OVZ, "approval_for", ["addresses"])


@pytest.mark.usefixtures("two_people_are_needed")
@pytest.mark.parametrize("changes", CHANGES)
def test_it_is_ordered_in_the_name_that_was_said(ada: User, changes: dict[str, Any]) -> None:
    moved(**changes)
    assert go_back("--as", "ada").created_by == ada
    assert AuditLine.objects.get(verb="bring_back").actor == ada


@pytest.mark.usefixtures("two_people_are_needed")
@pytest.mark.parametrize("changes", CHANGES)
def test_it_wants_a_name_where_somebody_else_has_to_approve(changes: dict[str, Any]) -> None:
    """Nobody is asked in nobody's name: the trip would wait, and nobody would know."""
    first = moved(**changes)
    with pytest.raises(CommandError, match="--as USER"):
        go_back()
    assert Migration.objects.get() == first


@pytest.mark.usefixtures("two_people_are_needed")
def test_a_way_back_that_changes_nothing_needs_no_name() -> None:
    moved()
    assert go_back().created_by is None


@pytest.mark.usefixtures("one_person_is_enough")
def test_nor_does_one_where_one_person_is_enough() -> None:
    moved(**CHANGES[0])
    assert go_back().created_by is None
