"""Saying yes to an installation."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from migrations_app.models import AuditLine, Preparation
from migrations_app.usecases.accept_preparation import PreparationRefused, accept_preparation
from tests.factories import make_node
from tests.fakes.clock import START


def make_preparation(**overrides: Any) -> Preparation:
    values = {"need": "rsync", "command": "yum -y install rsync", "detail": "rsync is missing.", "updated_at": START}
    return Preparation.objects.create(node=make_node(), **values | overrides)


def accept(preparation: Preparation, actor: User) -> Preparation:
    accept_preparation(preparation=preparation, actor=actor, now=START)
    preparation.refresh_from_db()
    return preparation


def test_it_lets_the_command_run(ada: User) -> None:
    preparation = accept(make_preparation(), ada)
    assert (preparation.state, preparation.attempt, preparation.next_look_at) == ("accepted", 1, START)


def test_it_writes_one_audit_line_with_the_exact_command(ada: User) -> None:
    preparation = accept(make_preparation(), ada)
    accept(preparation, ada)
    line = AuditLine.objects.get()
    assert (line.verb, line.actor, line.subject) == ("accept_preparation", ada, preparation.node.name)
    assert line.detail == {"need": "rsync", "command": "yum -y install rsync"}


def test_it_tries_a_failed_one_again_as_new_work(ada: User) -> None:
    preparation = accept(make_preparation(state="failed", attempt=3), ada)
    assert (preparation.state, preparation.attempt) == ("accepted", 4)


def test_a_second_yes_changes_nothing(ada: User, boris: User) -> None:
    preparation = accept(make_preparation(), ada)
    Preparation.objects.update(detail="The node is at work.")
    assert accept(preparation, boris).detail == "The node is at work."


def test_it_refuses_what_only_a_person_can_do(ada: User) -> None:
    preparation = make_preparation(need="clock", command="", detail="The clock is 400 s behind.")
    with pytest.raises(PreparationRefused, match="400 s behind"):
        accept(preparation, ada)
    preparation.refresh_from_db()
    assert preparation.state == "offered"


def test_it_refuses_what_is_done(ada: User) -> None:
    with pytest.raises(PreparationRefused, match="done already"):
        accept(make_preparation(state="done"), ada)
