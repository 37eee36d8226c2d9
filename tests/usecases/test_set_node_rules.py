"""What the planner has to keep to on a node."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from migrations_app.models import AuditLine, Node
from migrations_app.usecases.set_node_rules import NodeRulesRefused, set_node_rules
from tests.factories import make_node
from tests.fakes.clock import START

USUAL: dict[str, Any] = {
    "cpu_limit_percent": None,
    "memory_limit_percent": None,
    "disk_limit_percent": None,
    "cpu_overcommit": 1.0,
    "tags": [],
}


def change(node: Node, ada: User, **rules: Any) -> None:
    set_node_rules(node=node, **USUAL | rules, actor=ada, now=START)


def test_it_keeps_them_and_leaves_a_line(ada: User) -> None:
    node = make_node(name="node-1")
    change(node, ada, memory_limit_percent=80, cpu_overcommit=4, tags=["ssd", "rack-2", "ssd"])
    assert (node.cpu_limit_percent, node.memory_limit_percent, node.cpu_overcommit) == (None, 80, 4.0)
    assert node.tags == ["rack-2", "ssd"]
    line = AuditLine.objects.get(verb="set_node_rules")
    assert (line.subject, line.detail["memory_limit_percent"]) == ("node-1", 80)


def test_it_names_all_that_is_wrong_and_changes_nothing(ada: User) -> None:
    node = make_node()
    wrong = {"cpu_limit_percent": 0, "memory_limit_percent": 101, "disk_limit_percent": 85, "cpu_overcommit": 0.1}
    with pytest.raises(NodeRulesRefused) as refusal:
        change(node, ada, **wrong, tags=["Two words", "<b>"])
    fields = ["cpu_limit_percent", "memory_limit_percent", "cpu_overcommit", "tags", "tags"]
    assert [field for field, _ in refusal.value.objections] == fields
    node.refresh_from_db()
    assert node.disk_limit_percent is None
    assert not AuditLine.objects.exists()


@pytest.mark.parametrize("factor", [float("nan"), float("inf"), -1.0, 65.0])
def test_an_overcommit_that_is_no_factor_is_refused(ada: User, factor: float) -> None:
    with pytest.raises(NodeRulesRefused, match=r"0\.5 to 64"):
        change(make_node(), ada, cpu_overcommit=factor)


@pytest.mark.parametrize("tag", ["", "a b", "SSD", "ä", "-a", "a-", "a\n", "a" * 41, "a/b", "\u202ea", "\u0661"])
def test_a_tag_is_one_plain_word(ada: User, tag: str) -> None:
    with pytest.raises(NodeRulesRefused):
        change(make_node(), ada, tags=[tag])


def test_there_are_not_too_many_tags(ada: User) -> None:
    change(make_node(), ada, tags=[f"t{number}" for number in range(20)])
    with pytest.raises(NodeRulesRefused, match="21 words are too many"):
        change(make_node(), ada, tags=[f"t{number}" for number in range(21)])
