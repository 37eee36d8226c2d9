"""What is told of a pair: its own check first, then what its classes' checks say together."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from migrations_app.compatibility import causes, likeness, matrix
from migrations_app.compatibility.causes import Cause
from migrations_app.models import Node, PairCheck
from tests.factories import make_node
from tests.fakes.clock import START

OLD_KERNEL = "2.6.32-042stab120.1"


def make_result(source: Node, target: Node, verdict: str, *, at: datetime = START, **overrides: Any) -> PairCheck:
    values: dict[str, Any] = {
        "source": source,
        "target": target,
        "state": PairCheck.State.ENDED,
        "requested_at": at,
        "started_at": at - timedelta(seconds=8),
        "ended_at": at,
        "ctid": "101",
        "source_likeness": likeness.of(source),
        "target_likeness": likeness.of(target),
        "verdict": verdict,
        "summary": f"because {verdict}" if verdict != "possible" else "",
    }
    return PairCheck.objects.create(**values | overrides)


@pytest.fixture
def nodes(db: None) -> list[Node]:
    """Two alike, and two alike of an older kernel."""
    return [
        make_node(name=f"n{number}", kernel=OLD_KERNEL if number > 2 else "2.6.32-042stab145.3")
        for number in (1, 2, 3, 4)
    ]


def word(source: Node, target: Node) -> str:
    return matrix.read().of_pair(source.pk, target.pk).word


def test_nothing_is_known_of_what_nobody_checked(nodes: list[Node]) -> None:
    assert word(nodes[0], nodes[1]) == "never"


def test_a_check_holds_for_the_classes_of_both_nodes_and_one_way_only(nodes: list[Node]) -> None:
    new, also_new, old, also_old = nodes
    make_result(new, old, "impossible")
    told = matrix.read().of_pair(also_new.pk, also_old.pk)
    assert (told.word, told.by_class, told.pair) == ("impossible", True, (new.pk, old.pk))
    assert word(old, new) == "never"


def test_a_pairs_own_result_wins_over_its_classes(nodes: list[Node]) -> None:
    new, also_new, old, also_old = nodes
    make_result(new, old, "impossible", at=START + timedelta(days=1))
    make_result(also_new, also_old, "possible")
    assert (word(also_new, also_old), word(new, old)) == ("possible", "impossible")
    assert word(new, also_old) == "differs"


def test_the_newest_of_a_pairs_results_counts(nodes: list[Node]) -> None:
    make_result(nodes[0], nodes[1], "possible", at=START + timedelta(days=1))
    make_result(nodes[0], nodes[1], "impossible")
    assert word(nodes[0], nodes[1]) == "possible"


def test_what_was_found_before_a_node_changed_counts_no_more(nodes: list[Node]) -> None:
    make_result(nodes[0], nodes[1], "possible")
    Node.objects.filter(pk=nodes[1].pk).update(modules=["vzcpt"])
    assert word(nodes[0], nodes[1]) == "never"


def test_a_node_in_maintenance_is_in_no_matrix(nodes: list[Node]) -> None:
    Node.objects.filter(pk=nodes[1].pk).update(duty=Node.Duty.MAINTENANCE)
    assert nodes[1] not in matrix.read().nodes


def test_nodes_that_all_differ_a_little_are_still_few_classes(db: None) -> None:
    many = [make_node(name=f"n{number}", modules=[f"xt_{number}"]) for number in range(60)]
    assert len(likeness.classes(many)) == 1
    assert len(likeness.classes(many[:30])) == 30
    assert [one.name for one in likeness.classes(many[:30])][24:28] == ["Y", "Z", "AA", "AB"]


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ([], "possible"),
        ([("warning", "nodes")], "possible"),
        ([("blocker", "container")], "unknown"),
        ([("blocker", "doubt")], "unknown"),
        ([("blocker", "doubt"), ("blocker", "nodes")], "impossible"),
    ],
)
def test_only_what_is_about_the_nodes_makes_a_pair_impossible(found: list[tuple[str, Any]], verdict: str) -> None:
    assert causes.verdict_of([Cause(id="x", text="y", severity=one, about=two) for one, two in found]) == verdict


@pytest.mark.parametrize(
    ("check_id", "about"),
    [
        ("kernel-older", "nodes"),
        ("checkpointing-missing", "nodes"),
        ("cpt-caps", "nodes"),
        ("rsync-missing-target", "nodes"),
        ("number-taken", "container"),
        ("mounts", "container"),
        ("memory-short", "container"),
        ("address-in-use", "container"),
        ("fact-unreadable-kernel-target", "doubt"),
    ],
)
def test_it_knows_whom_a_finding_is_about(check_id: str, about: str) -> None:
    assert causes.about_finding(check_id) == about


def test_openvz_7_has_codes_of_its_own() -> None:
    assert causes.of_end(104, "", "", family="vz7") == ()
    (cause,) = causes.of_end(56, "", "", family="vz7")
    assert (cause.about, causes.verdict_of([cause])) == ("nodes", "impossible")


def test_a_yes_with_a_warning_is_not_a_yes() -> None:
    (cause,) = causes.of_end(0, "Warning: can't check, vzcptcheck is too old\n", "", family="legacy")
    assert (cause.id, causes.verdict_of([cause])) == ("check-incomplete", "unknown")


def test_what_the_database_holds_is_read_back_as_it_was() -> None:
    found = [Cause(id="a", text="b", way_out="c", command="d", severity="note", about="doubt")]
    assert list(causes.read(causes.as_rows(found))) == found
