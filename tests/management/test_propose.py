"""The terminal's door: files in, files out, exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.placement.fleets import make_container, make_fleet, make_node


@pytest.fixture
def fleet_file(tmp_path: Path) -> Path:
    nodes = [make_node("n0"), make_node("n1"), make_node("n2", drained=True)]
    cts = [make_container("a", "n0", 60), make_container("c", "n2", 30)]
    path = tmp_path / "fleet.json"
    path.write_text(json.dumps(make_fleet(nodes, cts)))
    return path


def _propose(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        call_command("propose", *words)
    return int(end.value.code or 0)


def test_it_prints_json(fleet_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _propose("--fleet", str(fleet_file)) == 0
    assert json.loads(capsys.readouterr().out)["plan"] == {"c": "n1"}


def test_it_writes_a_file_and_tells_a_person(fleet_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = fleet_file.with_name("proposal.json")
    assert _propose("--fleet", str(fleet_file), "--out", str(out), "--seconds", "1") == 0
    assert json.loads(out.read_text())["format"] == "proposal/1"
    assert "c -> n1: n2 is to be empty" in capsys.readouterr().out


def test_it_ends_with_1_when_the_goal_cannot_be_met(fleet_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _propose("--fleet", str(fleet_file), "--goal", "evacuate:n0,n1") == 1
    assert json.loads(capsys.readouterr().out)["status"] == "impossible"


def test_it_shows_the_first_of_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [make_node("n0"), make_node("n1", drained=True)]
    cts = [make_container(f"c{n}", "n1", 5) for n in range(12)] + [
        make_container(f"p{n}", "n1", 1, pinned=True) for n in range(12)
    ]
    path = tmp_path / "fleet.json"
    path.write_text(json.dumps(make_fleet(nodes, cts)))
    assert _propose("--fleet", str(path), "--out", str(tmp_path / "out.json")) == 1
    told = capsys.readouterr().out
    assert "... and 2 more\n" in told
    assert "... and 2 more that cannot" in told


BAD = {
    "no such goal": ["--goal", "tidy"],
    "no such file": ["--fleet", "/nowhere/fleet.json"],
    "nowhere to write": ["--out", "/nowhere/proposal.json"],
}


@pytest.mark.parametrize("case", BAD)
def test_it_ends_with_2_and_one_line(case: str, fleet_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _propose("--fleet", str(fleet_file), *BAD[case]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
