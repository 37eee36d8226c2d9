"""The old copy: cannot start, is kept, and goes only by the node's own record."""

from __future__ import annotations

import time

import pytest

from tests.gate.rig import Gate

LATER = 9_999_999_999


def _values(gate: Gate) -> dict[str, str]:
    return dict(line.split("=", 1) for line in gate.ask("fence_state,101").out.splitlines())


def test_a_fenced_copy_has_no_configuration_to_start_from(gate: Gate) -> None:
    gate.container(101)
    assert gate.do(f"101 1 fence 7 {LATER}").rc == 0
    text = (gate.conf / "101.conf.ovz-m7").read_text()
    assert 'ONBOOT="no"' in text
    assert 'DISABLED="yes"' in text
    assert not (gate.conf / "101.conf").exists()
    assert (gate.root / "private/101/data").exists()
    found = _values(gate)
    assert (found["retained_migration"], found["retained_until"], found["retained_state"]) == ("7", str(LATER), "kept")
    assert gate.job("m7-start_ct-a1", "101 1 start")[0] == "done 105"


def test_fencing_twice_changes_nothing(gate: Gate) -> None:
    gate.container(101)
    gate.do(f"101 1 fence 7 {LATER}")
    before = _values(gate)
    assert gate.do(f"101 1 fence 7 {LATER}").rc == 0
    assert _values(gate) == before


def test_fencing_finishes_what_a_killed_call_began(gate: Gate) -> None:
    gate.container(101)
    gate.tool("vzctl", 'case $2 in status) echo "CTID 101 exist unmounted down" ;; *) exit 9 ;; esac\n')
    assert gate.do(f"101 1 fence 7 {LATER}").rc == 9
    assert _values(gate)["retained_state"] == "fencing"
    gate.tool("vzctl", 'case $2 in status) echo "CTID 101 exist unmounted down" ;; esac\n')
    assert gate.do(f"101 1 fence 7 {LATER}").rc == 0
    assert (gate.conf / "101.conf.ovz-m7").exists()
    assert _values(gate)["retained_state"] == "kept"


def test_it_does_not_fence_what_runs_or_arrives(gate: Gate) -> None:
    gate.container(101, running=True)
    assert gate.do(f"101 1 fence 7 {LATER}").rc == 32
    gate.do("102 1 reserve 7")
    assert gate.do(f"102 1 fence 7 {LATER}").rc == 9
    assert (gate.conf / "101.conf").exists()


def test_it_takes_over_what_vzmigrate_renamed(gate: Gate) -> None:
    gate.container(101)
    (gate.conf / "101.conf").rename(gate.conf / "101.conf.migrated")
    assert gate.do("101 1 fence 7 1").rc == 0
    assert gate.do("101 1 unfence 7").rc == 0
    assert (gate.conf / "101.conf.migrated").exists()


def test_unfencing_is_the_exact_inverse(gate: Gate) -> None:
    gate.container(101, conf='HOSTNAME="ct101"\n# ONBOOT left out on purpose\n')
    before = (gate.conf / "101.conf").read_bytes()
    gate.do(f"101 1 fence 7 {LATER}")
    assert gate.do("101 1 unfence 8").rc == 9
    assert gate.do("101 1 unfence 7").rc == 0
    assert (gate.conf / "101.conf").read_bytes() == before
    assert [path.name for path in gate.conf.iterdir()] == ["101.conf"]
    assert gate.do("101 1 unfence 7").rc == 0


def test_it_does_not_retire_before_the_date_whatever_time_it_is_told(gate: Gate) -> None:
    gate.container(101)
    release = int(time.time()) + 3600
    gate.do(f"101 1 fence 7 {release}")
    for now in (1, release - 1, release, release + 1, 99_999_999_999):
        assert gate.do(f"101 1 retire 7 {now}").rc == 1, now
    assert (gate.root / "private/101/data").exists()


def test_the_nodes_own_least_retention_counts(gate: Gate) -> None:
    gate.configure(least_retention_seconds=3600)
    gate.container(101)
    gate.do("101 1 fence 7 1")
    assert int(_values(gate)["retained_until"]) >= time.time() + 3500
    assert gate.do(f"101 1 retire 7 {LATER}").rc == 1


def test_it_retires_after_the_date(gate: Gate) -> None:
    area = gate.container(101)
    gate.do(f"101 1 fence 7 {int(time.time())}")
    assert gate.do(f"101 1 retire 7 {int(time.time())}").rc == 0
    deadline = time.monotonic() + 5
    while list(gate.root.glob("private/101*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not area.exists()
    assert not list(gate.root.glob("private/*"))
    assert not list(gate.conf.iterdir())
    assert _values(gate)["retained_state"] == "retired"
    assert gate.do(f"101 1 retire 7 {int(time.time())}").rc == 0


@pytest.mark.parametrize("words", ["retire 8 9999999999", "unfence 8"])
def test_another_migrations_copy_is_out_of_reach(gate: Gate, words: str) -> None:
    gate.container(101)
    gate.do("101 1 fence 7 1")
    assert gate.do(f"101 1 {words}").rc == 9
    assert (gate.root / "private/101/data").exists()


def test_nothing_is_retired_that_was_not_fenced(gate: Gate) -> None:
    gate.container(101)
    assert gate.do(f"101 1 retire 7 {LATER}").rc == 9
    assert (gate.root / "private/101/data").exists()


@pytest.mark.parametrize("trouble", ["running", "config", "arriving", "unknown", "tool"])
def test_it_does_not_retire_what_may_be_in_use(gate: Gate, trouble: str) -> None:
    gate.container(101)
    gate.do("101 1 fence 7 1")
    match trouble:
        case "running":
            (gate.root / "ctl/101").write_text("running\n")
        case "config":
            (gate.conf / "101.conf").write_text('HOSTNAME="back"\n')
        case "arriving":
            (gate.state / "incoming").mkdir()
            (gate.state / "incoming/101").write_text("migration=9\n")
        case "unknown":
            gate.tool("vzctl", "exit 5\n")
        case _:
            gate.tool("pgrep", "echo 1\n")
            gate.tool("tr", 'printf "vzdump --suspend 101 "\n')
    assert gate.do(f"101 1 retire 7 {LATER}").rc in {9, 32}
    assert (gate.root / "private/101/data").exists()


def test_a_second_migration_cannot_bury_the_first_ones_copy(gate: Gate) -> None:
    gate.container(101)
    gate.do(f"101 1 fence 7 {LATER}")
    (gate.conf / "101.conf").write_text('HOSTNAME="again"\n')
    assert gate.do("101 1 fence 8 1").rc == 9
    assert _values(gate)["retained_migration"] == "7"
