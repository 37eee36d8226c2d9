"""What the planner has to keep to with a container."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from migrations_app.models import AuditLine, Container
from migrations_app.usecases.set_container_rules import ContainerRulesRefused, set_container_rules
from tests.factories import make_container
from tests.fakes.clock import START

USUAL: dict[str, Any] = {"pinned": False, "pin_reason": "", "requires": [], "apart_group": ""}


def change(container: Container, ada: User, **rules: Any) -> None:
    set_container_rules(container=container, **USUAL | rules, actor=ada, now=START)


def test_it_keeps_them_and_leaves_a_line(ada: User) -> None:
    container = make_container()
    change(container, ada, pinned=True, pin_reason=" Licence. ", requires=["ssd", "gpu"], apart_group="shop-db")
    assert (container.pinned, container.pin_reason) == (True, "Licence.")
    assert (container.requires, container.apart_group) == (["gpu", "ssd"], "shop-db")
    assert AuditLine.objects.get(verb="set_container_rules").detail["pin_reason"] == "Licence."


def test_the_reason_goes_with_the_pin(ada: User) -> None:
    container = make_container(pinned=True, pin_reason="Licence.")
    change(container, ada, pin_reason="Licence.")
    assert (container.pinned, container.pin_reason) == (False, "")


def test_it_names_all_that_is_wrong_and_changes_nothing(ada: User) -> None:
    container = make_container()
    with pytest.raises(ContainerRulesRefused) as refusal:
        change(container, ada, pinned=True, requires=["a b"], apart_group="Two words")
    assert [field for field, _ in refusal.value.objections] == ["pin_reason", "requires", "apart_group"]
    container.refresh_from_db()
    assert not container.pinned
    assert not AuditLine.objects.exists()


@pytest.mark.parametrize("reason", ["x" * 501, "a\0b", "\u202egnp.exe"])
def test_a_reason_is_plain_text(ada: User, reason: str) -> None:
    with pytest.raises(ContainerRulesRefused):
        change(make_container(), ada, pinned=True, pin_reason=reason)
