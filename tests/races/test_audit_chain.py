"""Many writers, one chain."""

from __future__ import annotations

from functools import partial

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import chain, trail
from migrations_app.models import AuditLine
from tests.fakes.clock import START
from tests.races.starting_line import all_at_once, raised

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


class SecondThoughts(Exception):
    """A use case that failed after it wrote its line."""


def write(actor: User, name: int, count: int) -> None:
    for number in range(count):
        trail.record("try", f"writer {name}", actor=actor, now=START, number=number)


def take_back(actor: User) -> None:
    for number in range(10):
        try:
            with transaction.atomic():
                trail.record("never", "taken back", actor=actor, now=START, number=number)
                raise SecondThoughts
        except SecondThoughts:
            continue


def test_twenty_writers_make_one_unbroken_chain(ada: User) -> None:
    writers = [partial(write, ada, name, 15) for name in range(18)]
    results = all_at_once(*writers, partial(take_back, ada), partial(take_back, ada))
    assert raised(results, AssertionError) == 0
    assert chain.verify() is None
    assert chain.head().number == AuditLine.objects.count() == 18 * 15
    assert not AuditLine.objects.filter(verb="never").exists()


def test_it_is_whole_to_whoever_verifies_while_lines_are_added(ada: User) -> None:
    results = all_at_once(*[partial(write, ada, name, 20) for name in range(4)], *[chain.verify] * 6)
    assert raised(results, AssertionError) == 0
    assert results[4:] == [None] * 6
