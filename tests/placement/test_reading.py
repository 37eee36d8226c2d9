"""Bad fleets are refused with one message that names the field."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from migrations_app.placement import reading
from migrations_app.placement.goals import GoalRefused, read_goal
from migrations_app.placement.reading import FleetUnreadable, read_fleet, understand
from tests.placement.fleets import make_container, make_fleet, make_node

Spoil = Callable[[dict[str, Any]], object]


def _fleet() -> dict[str, Any]:
    nodes = [make_node("n0"), make_node("n1")]
    return make_fleet(nodes, [make_container("a", "n0", 10, group="g"), make_container("b", "n1", 20, group="g")])


def _set(table: str, field: str, value: object) -> Spoil:
    return lambda fleet: fleet[table][1].update({field: value})


def _drop(table: str, field: str) -> Spoil:
    return lambda fleet: fleet[table][1].pop(field)


def _top(**fields: object) -> Spoil:
    return lambda fleet: fleet.update(fields)


SPOILT: dict[str, tuple[Spoil, str]] = {
    "no format": (lambda fleet: fleet.pop("format"), "format: is missing"),
    "format of tomorrow": (_top(format="fleet/2"), 'format: must be "fleet/1" or "planner-bench/1", not "fleet/2"'),
    "format is a list": (_top(format=[]), "format: must be"),
    "unknown mode": (_top(mode="tidy"), 'mode: must be "evacuate" or "rebalance", not "tidy"'),
    "level too high": (_top(level=1.5), "level: must be a number of at most 1, not 1.5"),
    "level zero": (_top(level=0), "level: must be a number above 0, not 0"),
    "level is a word": (_top(level="high"), 'level: must be a number of at least 0, not "high"'),
    "no resources": (_top(resources=[]), "resources: must be a list of 1 to 16 names, not a list"),
    "resource twice": (_top(resources=["mem", "mem"]), 'resources[1]: must be a name of its own, not "mem"'),
    "resource named as a field": (_top(resources=["pinned"]), "resources[0]: must be a name of its own"),
    "resource is a number": (_top(resources=[5]), "resources[0]: must be 1 to 200 printable characters, not 5"),
    "no limit": (_top(limits={"cpu": 1, "mem": 1}), "limits.disk: is missing"),
    "limit above one": (_top(limits={"cpu": 2, "mem": 1, "disk": 1}), "limits.cpu: must be a number of at most 1"),
    "limits is a list": (_top(limits=[1]), "limits: must be an object, not a list"),
    "nodes is an object": (_top(nodes={}), "nodes: must be a list, not an object"),
    "container is a number": (_top(containers=[7]), "containers[0]: must be an object, not 7"),
    "node without a name": (_drop("nodes", "name"), "nodes[1].name: is missing"),
    "node without memory": (_drop("nodes", "mem"), "nodes[1].mem: is missing"),
    "node without tags": (_drop("nodes", "tags"), "nodes[1].tags: is missing"),
    "node without speed": (_drop("nodes", "nic_bps"), "nodes[1].nic_bps: is missing"),
    "node without room": (_set("nodes", "disk", 0), "nodes[1].disk: must be a number above 0, not 0"),
    "node endless": (_set("nodes", "cpu", float("inf")), "nodes[1].cpu: must be a number of at least 0, not Infinity"),
    "drained perhaps": (_set("nodes", "drained", 1), "nodes[1].drained: must be true or false, not 1"),
    "tags is a word": (_set("nodes", "tags", "vz7"), 'nodes[1].tags: must be a list of words, not "vz7"'),
    "tag is null": (_set("nodes", "tags", [None]), "nodes[1].tags[0]: must be 1 to 200 printable characters, not null"),
    "two nodes of one name": (_set("nodes", "name", "n0"), "nodes[1].name: 'n0' is the name of nodes[0] already"),
    "no move_bytes": (_drop("containers", "move_bytes"), "containers[1].move_bytes: is missing"),
    "no pinned": (_drop("containers", "pinned"), "containers[1].pinned: is missing"),
    "no group": (_drop("containers", "group"), "containers[1].group: is missing"),
    "not a number": (
        _set("containers", "mem", float("nan")),
        "containers[1].mem: must be a number of at least 0, not NaN",
    ),
    "negative": (_set("containers", "cpu", -1), "containers[1].cpu: must be a number of at least 0, not -1"),
    "huge": (_set("containers", "disk", 1e300), "containers[1].disk: must be a number of at most 1e+12, not 1e+300"),
    "huge whole": (_set("containers", "move_bytes", 10**40), "containers[1].move_bytes: must be a number of at most"),
    "true for a number": (
        _set("containers", "cpu", True),
        "containers[1].cpu: must be a number of at least 0, not true",
    ),
    "words for a number": (
        _set("containers", "mem", "12"),
        'containers[1].mem: must be a number of at least 0, not "12"',
    ),
    "null for a number": (
        _set("containers", "mem", None),
        "containers[1].mem: must be a number of at least 0, not null",
    ),
    "unknown node": (_set("containers", "node", "n9"), 'containers[1].node: must be the name of a node, not "n9"'),
    "node is a list": (
        _set("containers", "node", ["n0"]),
        "containers[1].node: must be the name of a node, not a list",
    ),
    "two of one name": (
        _set("containers", "name", "a"),
        "containers[1].name: 'a' is the name of containers[0] already",
    ),
    "name with a line feed": (_set("containers", "name", "a\nb"), "containers[1].name: must be 1 to 200 printable"),
    "half a character": (_set("containers", "name", "\ud800"), "containers[1].name: must be 1 to 200 printable"),
    "no name": (_set("containers", "name", ""), "containers[1].name: must be 1 to 200 printable"),
    "endless name": (_set("containers", "name", "x" * 500), "containers[1].name: must be 1 to 200 printable"),
    "group on one node": (
        _set("containers", "node", "n0"),
        "containers[1].group: 'g' is on n0 already, by containers[0]",
    ),
    "group is a number": (_set("containers", "group", 3), "containers[1].group: must be 1 to 200 printable"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_it_names_the_field(case: str) -> None:
    spoil, message = SPOILT[case]
    fleet = _fleet()
    spoil(fleet)
    with pytest.raises(FleetUnreadable) as refusal:
        understand(fleet)
    assert str(refusal.value).startswith(message)
    assert "\n" not in str(refusal.value)


NONSENSE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is not JSON"),
    "words": (b"hello", "is not JSON"),
    "a list": (b"[]", "the file: must be an object, not a list"),
    "half a file": (b'{"format": "fleet/1", "nodes": [', "is not JSON"),
    "UTF-16": ('{"format": "fleet/1"}'.encode("utf-16"), "is not UTF-8 at byte 0"),
    "Latin-1": (b'{"format": "fl\xe9et"}', "is not UTF-8 at byte 14"),
    "deep": (b'{"a":' * 200_000, "is nested too deeply"),
    "a number of 9000 digits": (b'{"level": ' + b"9" * 9000 + b"}", "is not JSON: Exceeds the limit"),
    "a field twice": (b'{"mode": "evacuate", "mode": "rebalance"}', "'mode': the same object has this field twice"),
}


@pytest.mark.parametrize("case", NONSENSE)
def test_it_refuses_nonsense(case: str, tmp_path: Path) -> None:
    content, message = NONSENSE[case]
    path = tmp_path / "fleet.json"
    path.write_bytes(content)
    with pytest.raises(FleetUnreadable) as refusal:
        read_fleet(path)
    assert message in str(refusal.value)
    assert len(str(refusal.value)) < 400


def test_it_refuses_a_hundred_megabytes_at_once(tmp_path: Path) -> None:
    path = tmp_path / "fleet.json"
    with path.open("wb") as file:
        file.truncate(100 * 2**20)
    began = time.process_time()
    with pytest.raises(FleetUnreadable, match="is longer than 64 MiB"):
        read_fleet(path)
    assert time.process_time() - began < 2


def test_it_says_what_the_system_says(tmp_path: Path) -> None:
    with pytest.raises(FleetUnreadable, match="No such file"):
        read_fleet(tmp_path / "missing.json")
    with pytest.raises(FleetUnreadable, match="Is a directory"):
        read_fleet(tmp_path)


def test_it_reads_both_formats_and_ignores_what_it_does_not_know(tmp_path: Path) -> None:
    path = tmp_path / "fleet.json"
    path.write_text(json.dumps({**_fleet(), "format": "planner-bench/1", "meta": {"seed": 1}}))
    fleet = read_fleet(path)
    assert fleet.names == ("a", "b")
    assert fleet.room == pytest.approx(100)


def test_a_level_may_be_null() -> None:
    assert understand({**_fleet(), "level": None}).level is None


GOALS = {
    "tidy": "say evacuate:NODE",
    "fill:n0": "say evacuate:NODE",
    "evacuate:n9": "the fleet has no node 'n9'",
    "place:": "the fleet has no container ''",
    "place:z": "the fleet has no container 'z'",
    "rebalance:1.01": "the level must be above 0 and at most 1, not '1.01'",
    "rebalance:nan": "the level must be above 0 and at most 1, not 'nan'",
    "rebalance:much": "the level must be above 0 and at most 1, not 'much'",
}


@pytest.mark.parametrize("text", GOALS)
def test_it_refuses_a_goal(text: str) -> None:
    with pytest.raises(GoalRefused) as refusal:
        read_goal(text, understand(_fleet()))
    assert GOALS[text] in str(refusal.value)


def test_goals_are_understood() -> None:
    fleet = understand(_fleet())
    assert read_goal("evacuate:n0,n1", fleet)[1].drained.all()
    assert read_goal("rebalance:0.8", fleet)[0].level == 0.8
    assert read_goal("rebalance", understand({**_fleet(), "level": 0.7}))[0].level == 0.7
    assert read_goal("place:b", fleet)[0].ct == 1
    assert read_goal(None, fleet)[0].kind == "evacuate"


def test_only_the_container_to_be_placed_may_stand_nowhere() -> None:
    fleet = _fleet()
    fleet["containers"][1]["node"] = None
    assert read_goal("place:b", understand(fleet))[0].ct == 1
    with pytest.raises(FleetUnreadable, match=r"containers\[1\]\.node: must be the name of a node; null is for"):
        read_goal("place:a", understand(fleet))


def test_a_long_file_is_not_read_to_its_end() -> None:
    assert reading.MOST_FILE_BYTES <= 100 * 2**20
