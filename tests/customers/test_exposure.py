"""What outsiders may see: never a node, never an error text, never a wrong "finished"."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from django.db import models

from migrations_app.customers import exposure
from migrations_app.customers.exposure import PHRASES
from migrations_app.models import Migration, Node
from migrations_app.strategies import RECIPES
from tests.factories import make_container, make_migration, make_node
from tests.fakes.clock import START

State = Migration.State
SECRET = "vzmigrate exit 7 on hn-secret"


def shown(state: str, *, phrase: str = "copying", **overrides: object) -> exposure.PublicMove:
    number = Node.objects.count()
    container = make_container(node=make_node(name=f"hn-secret-{number}"), hostname="shop.example.net")
    migration = make_migration(
        container=container,
        target=make_node(name=f"hn-secret-{number + 1}"),
        state=state,
        failure="TargetDidNotStart",
        failure_detail=SECRET,
        method_reason=SECRET,
        progress={"stage": SECRET, "bytes_done": 50, "bytes_total": 200},
        **overrides,
    )
    return exposure.move(migration, phrase=phrase)


@pytest.mark.django_db
@pytest.mark.parametrize("state", State.values)
@pytest.mark.parametrize("frozen", [False, True])
def test_it_holds_no_node_no_error_and_no_record(state: str, frozen: bool) -> None:
    move = shown(state, frozen_at=START if frozen else None)
    values = dataclasses.asdict(move)
    assert "secret" not in repr(values)
    assert "exit" not in repr(values)
    assert not any(isinstance(value, models.Model) for value in values.values())


@pytest.mark.django_db
@pytest.mark.parametrize("state", State.values)
def test_it_is_over_only_when_it_is_over(state: str) -> None:
    assert shown(state).is_over is (state in Migration.ENDED_STATES)


@pytest.mark.django_db
def test_it_says_in_words_what_the_step_does() -> None:
    assert shown(State.RUNNING, phrase="copying").sentence == PHRASES["copying"]


@pytest.mark.django_db
def test_a_word_it_does_not_know_is_never_shown() -> None:
    assert shown(State.RUNNING, phrase=SECRET).sentence == PHRASES["preparing"]


@pytest.mark.django_db
def test_it_owns_up_while_the_server_does_not_answer() -> None:
    assert shown(State.RUNNING, frozen_at=START).sentence == PHRASES["switching"]
    assert shown(State.PARKED, frozen_at=START).sentence == exposure.LOOKED_AT_WHILE_AWAY
    assert shown(State.PARKED).sentence == exposure.LOOKED_AT


@pytest.mark.django_db
def test_the_expected_interruption_is_the_forecast_or_else_the_budget() -> None:
    assert shown(State.SCHEDULED, freeze_budget_seconds=4.0).expected_interruption_seconds == 4.0
    assert shown(State.RUNNING, freeze_forecast_seconds=0.7).expected_interruption_seconds == 0.7


@pytest.mark.django_db
def test_the_measured_downtime_comes_when_it_is_over() -> None:
    assert shown(State.RUNNING, freeze_seconds=0.8).measured_downtime_seconds is None
    assert shown(State.DONE, freeze_seconds=0.8).measured_downtime_seconds == 0.8


@pytest.mark.django_db
def test_the_removal_of_an_old_copy_that_hangs_is_no_concern_of_the_owner() -> None:
    assert shown(State.PARKED, finished_at=START + timedelta(hours=1)).phase == "done"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("progress", "percent"),
    [
        ({"bytes_done": 50, "bytes_total": 200}, 25),
        ({"bytes_done": 50}, None),
        ({"bytes_done": 9, "bytes_total": 0}, None),
        ({"bytes_done": 300, "bytes_total": 200}, 100),
        ({"bytes_done": "9", "bytes_total": []}, None),
        ({}, None),
    ],
)
def test_the_share_is_known_or_not_shown(progress: dict[str, object], percent: int | None) -> None:
    assert exposure.move(make_migration(state=State.RUNNING, progress=progress), phrase="copying").percent == percent


@pytest.mark.django_db
def test_a_server_without_a_name_is_called_by_its_number() -> None:
    assert exposure.name_of(make_container(hostname="", ctid="4711")) == "Server 4711"


def test_every_step_has_a_phrase_for_customers() -> None:
    said = {step.name: step.public_phrase for steps in RECIPES.values() for step in steps}
    assert {name: phrase for name, phrase in said.items() if phrase not in PHRASES} == {}
