"""Segments and pools: what is registered, what is refused, and what the trail says."""

from __future__ import annotations

from typing import Any

import pytest

from migrations_app.models import AuditLine, Node, Pool, Segment
from migrations_app.usecases.add_pool import PoolRefused, add_pool
from migrations_app.usecases.add_segment import SegmentRefused, add_segment
from migrations_app.usecases.remove_pool import remove_pool
from migrations_app.usecases.remove_segment import remove_segment
from tests.factories import make_node, make_segment
from tests.fakes.clock import START

pytestmark = pytest.mark.django_db


@pytest.fixture
def node() -> Node:
    return make_node(name="node-a")


@pytest.fixture
def segment(node: Node) -> Segment:
    return make_segment(name="rack 1", networks=["192.0.2.0/24", "2001:db8::/64"], nodes=[node])


def refused_segment(**values: Any) -> list[tuple[str, str]]:
    said = {"name": "rack 9", "networks": ["203.0.113.0/24"], "nodes": [], "actor": None, "now": START}
    before = list(Segment.objects.values())
    with pytest.raises(SegmentRefused) as refusal:
        add_segment(**said | values)
    assert list(Segment.objects.values()) == before
    return refusal.value.objections


def refused_pool(segment: Segment, span: str, **values: Any) -> list[tuple[str, str]]:
    before = list(Pool.objects.values())
    with pytest.raises(PoolRefused) as refusal:
        add_pool(segment=segment, span=span, actor=None, now=START, **values)
    assert list(Pool.objects.values()) == before
    return refusal.value.objections


def test_a_segment_is_registered_and_changed(node: Node) -> None:
    row = add_segment(name=" rack 2 ", networks=["198.51.100.0/24"], nodes=[node], actor=None, now=START)
    assert (row.name, row.networks, list(row.nodes.all())) == ("rack 2", ["198.51.100.0/24"], [node])
    add_segment(name="rack 3", networks=["198.51.100.0/25"], nodes=[], actor=None, now=START, segment=row)
    row = Segment.objects.get()
    assert (row.name, row.networks, list(row.nodes.all())) == ("rack 3", ["198.51.100.0/25"], [])
    verbs = list(AuditLine.objects.order_by("number").values_list("verb", flat=True))
    assert verbs == ["add_segment", "change_segment"]
    assert AuditLine.objects.get(verb="change_segment").detail["before"]["nodes"] == ["node-a"]


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"name": " "}, "name", "Give it a name"),
        ({"name": "n" * 64}, "name", "63"),
        ({"name": "rack 1"}, "name", "already"),
        ({"networks": []}, "networks", "1 to 64"),
        ({"networks": ["203.0.113.0/24"] * 65}, "networks", "these are 65"),
        ({"networks": ["203.0.113.5/24"]}, "networks", "write 203.0.113.0/24"),
        ({"networks": ["0.0.0.0/0"]}, "networks", "too large"),
        ({"networks": ["203.0.113.0/24", "203.0.113.128/25"]}, "networks", "203.0.113.128/25 overlaps 203.0.113.0/24"),
        ({"networks": ["192.0.2.128/25"]}, "networks", "overlaps 192.0.2.0/24 of segment rack 1"),
        ({"networks": ["2001:db8::/32"]}, "networks", "overlaps 2001:db8::/64 of segment rack 1"),
    ],
)
def test_a_segment_is_refused(segment: Segment, values: dict[str, Any], field: str, words: str) -> None:
    objections = refused_segment(**values)
    assert objections[0][0] == field
    assert words in objections[0][1]


def test_a_pool_is_never_left_without_its_network_or_node(segment: Segment, node: Node) -> None:
    add_pool(segment=segment, span="192.0.2.200-192.0.2.210", node=node, actor=None, now=START)
    said = refused_segment(segment=segment, networks=["192.0.2.0/25"])
    assert [field for field, _ in said] == ["networks", "nodes"]
    assert "192.0.2.200 to 192.0.2.210 would lie outside" in said[0][1]


def test_a_pool_is_added_with_what_it_never_gives(segment: Segment) -> None:
    lines = ["192.0.2.65 gateway", "", "  192.0.2.66   the old mail server "]
    pool = add_pool(segment=segment, span="192.0.2.64/26", left_out=lines, actor=None, now=START)
    assert (pool.first, pool.last) == ("192.0.2.64", "192.0.2.127")
    assert pool.left_out == [["192.0.2.65", "gateway"], ["192.0.2.66", "the old mail server"]]
    assert AuditLine.objects.get().subject == "192.0.2.64 to 192.0.2.127"


@pytest.mark.parametrize(
    ("span", "field", "words"),
    [
        ("198.51.100.1-198.51.100.9", "span", "not within one network of segment rack 1: 192.0.2.0/24, 2001:db8::/64"),
        ("192.0.1.250-192.0.2.10", "span", "not within one network"),
        ("192.0.2.10-192.0.2.30", "span", "overlaps the pool 192.0.2.20 to 192.0.2.40"),
        ("192.0.2.20-192.0.2.21", "span", "overlaps the pool"),
        ("192.0.2.1-2001:db8::1", "span", "one family"),
        ("fe80::1%eth0", "span", "without a zone"),
        ("0.0.0.0/0", "span", "too large"),
        ("2001:db8::1/64", "span", "write 2001:db8::/64"),
    ],
)
def test_a_pool_is_refused(segment: Segment, span: str, field: str, words: str) -> None:
    add_pool(segment=segment, span="192.0.2.20-192.0.2.40", actor=None, now=START)
    objections = refused_pool(segment, span)
    assert objections[0][0] == field
    assert words in objections[0][1]


def test_all_it_objects_to_comes_at_once(segment: Segment) -> None:
    stranger = make_node(name="stranger")
    said = refused_pool(segment, "203.0.113.0/24", node=stranger, left_out=["gateway", "192.0.2.1 x"])
    assert [field for field, _ in said] == ["left_out", "left_out", "node", "span"]


def test_too_much_left_out_is_refused_and_bounded(segment: Segment) -> None:
    lines = [f"2001:db8::{number:x}" for number in range(1, 1003)]
    said = refused_pool(segment, "2001:db8::/64", left_out=lines)
    assert "1002 are too many" in said[-1][1]


def test_removing_twice_is_one_line(segment: Segment) -> None:
    pool = add_pool(segment=segment, span="192.0.2.20", actor=None, now=START)
    for _ in range(2):
        remove_pool(pool=pool, actor=None, now=START)
    for _ in range(2):
        remove_segment(segment=segment, actor=None, now=START)
    verbs = list(AuditLine.objects.order_by("number").values_list("verb", flat=True))
    assert verbs == ["add_pool", "remove_pool", "remove_segment"]
