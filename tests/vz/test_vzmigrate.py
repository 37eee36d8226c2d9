from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrations_app.vz import vzmigrate
from migrations_app.vz.vzmigrate import Stage
from tests.vz.captures import log


def test_a_live_move_tells_how_long_the_container_stood_still() -> None:
    read = vzmigrate.read_log(log("vzmigrate_live"))
    assert read.stage == Stage(name="cleaning")
    assert read.suspended_seconds == 1.2
    assert read.timings_seconds == {
        "suspend_and_dump": 0.41,
        "copy_dump": 0.22,
        "second_rsync": 0.19,
        "quota": 0.0,
        "undump_and_resume": 0.38,
    }
    assert (read.errors, read.warnings, read.reason) == ((), (), "")


def test_a_failed_resume_tells_the_kernel_s_reason_first() -> None:
    read = vzmigrate.read_log(log("vzmigrate_resume_failed"), log("vzmigrate_resume_failed.err"))
    assert read.stage == Stage(name="starting", frozen=True)
    assert read.suspended_seconds is None
    assert read.reason == (
        "Error: Restore error, undump failed: Invalid argument; Error: iptables-restore exited with 1; "
        "Error: Failed to undump container"
    )


def test_warnings_do_not_pass_for_errors() -> None:
    read = vzmigrate.read_log(log("vzmigrate_offline_ploop"))
    assert read.stage == Stage(name="copying_rest", frozen=True)
    assert read.errors == ()
    assert read.warnings == (
        "Warning: no vzcptcheck binary on 10.0.0.2",
        "WARNING: ploop tools on 10.0.0.2 is old, please update",
    )


def test_openvz_7_prints_progress_as_errors_and_only_the_failure_counts() -> None:
    read = vzmigrate.read_log(log("vzmigrate_vz7"), log("vzmigrate_vz7.err"))
    assert read.stage == Stage(name="freezing")
    assert read.errors == ("Can't move/copy CT 3d9b -> CT 3d9b, [], [] : Live migration failed",)


@pytest.mark.parametrize(
    ("line", "name", "frozen"),
    [
        ("Locked CT ", "checking", False),
        ("Checking live migration of CT 101 to h", "checking", False),
        ("Starting online migration of CT 101 to h", "preparing", False),
        ("Syncing private", "copying", False),
        ("   Syncing private (2nd pass)", "copying_rest", True),
        ("   Suspending container", "freezing", True),
        ("   Dumping container", "dumping", True),
        ("   Copying dumpfile", "copying_dump", True),
        ("Stopping container", "freezing", True),
        ("Starting container", "starting", True),
        ("Cleanup", "cleaning", False),
        ("Successfully completed", "cleaning", False),
    ],
)
def test_a_line_opens_a_stage(line: str, name: str, frozen: bool) -> None:
    stage = vzmigrate.read_log(line).stage
    assert stage
    assert (stage.name, stage.frozen) == (name, frozen)


@pytest.mark.parametrize("line", ["", "   Trying port 4711", "Error: Failed to sync", "rc=0"])
def test_other_lines_open_none(line: str) -> None:
    assert vzmigrate.read_log(line).stage is None


def test_a_guest_s_text_cannot_pass_for_a_timing() -> None:
    read = vzmigrate.read_log("Total suspended time: soon\nSome thing else:  1.00\nTotal suspended time: 1e9\n")
    assert (read.suspended_seconds, read.timings_seconds) == (None, {})


@pytest.mark.parametrize(
    ("exit_code", "kind", "fall_back"),
    [
        (0, "ok", False),
        (1, "panel", False),
        (2, "retry", False),
        (3, "look_at_both", False),
        (4, "fix", False),
        (6, "retry", False),
        (7, "look_at_both", False),
        (8, "retry", True),
        (9, "conflict", False),
        (10, "panel", False),
        (12, "conflict", False),
        (13, "retry", False),
        (14, "not_live", True),
        (15, "conflict", False),
        (16, "fix", False),
        (17, "not_live", True),
        (18, "not_live", True),
        (19, "panel", False),
        (20, "retry", False),
        (124, "look_at_both", False),
        (127, "look_at_both", False),
        (129, "look_at_both", False),
        (143, "look_at_both", False),
        (255, "look_at_both", False),
    ],
)
def test_an_exit_code_of_openvz_6_has_a_verdict(exit_code: int, kind: str, fall_back: bool) -> None:
    verdict = vzmigrate.verdict(exit_code)
    assert (verdict.kind, verdict.fall_back) == (kind, fall_back)
    assert verdict.sentence


@pytest.mark.parametrize(
    ("exit_code", "kind", "fall_back"),
    [
        (0, "ok", False),
        (104, "ok", False),
        (7, "look_at_both", False),
        (21, "look_at_both", False),
        (25, "look_at_both", False),
        (29, "fix", False),
        (31, "fix", False),
        (36, "fix", False),
        (45, "conflict", False),
        (56, "not_live", True),
        (73, "look_at_both", False),
        (137, "look_at_both", False),
    ],
)
def test_openvz_7_has_codes_of_its_own(exit_code: int, kind: str, fall_back: bool) -> None:
    verdict = vzmigrate.verdict(exit_code, family="vz7")
    assert (verdict.kind, verdict.fall_back) == (kind, fall_back)


@given(st.integers())
def test_nothing_unknown_is_retried_or_replaced(exit_code: int) -> None:
    verdict = vzmigrate.verdict(exit_code)
    if not 0 <= exit_code <= 20:
        assert (verdict.kind, verdict.fall_back) == ("look_at_both", False)


@given(st.text(), st.text())
def test_whatever_was_printed_a_log_is_read(output: str, error: str) -> None:
    read = vzmigrate.read_log(output, error)
    assert len(read.reason) < 1_300


def test_a_flood_of_output_is_read_soon_and_bounded() -> None:
    read = vzmigrate.read_log("Error: x\n" * 100_000 + "Syncing private\n", "Error: " + "y" * 5_000_000)
    assert read.stage == Stage(name="copying")
    assert all(len(error) <= 400 for error in read.errors)
