from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrations_app.vz import vzdump
from tests.vz.captures import log


def test_a_backup_that_went_well_tells_how_it_was_done() -> None:
    read = vzdump.read_dump(log("vzdump_suspend"), ctid="101")
    assert (read.ok, read.reason, read.stage) == (True, "", "finished")
    assert (read.mode, read.frozen_seconds) == ("suspend", 2)
    assert read.archive_path == "/vz/dump/ovzpanel-m7/vzdump-openvz-101-2025_01_01-00_00_00.tgz"
    assert read.archive_bytes_about == 12 * 1024**2


def test_exit_code_zero_is_no_proof() -> None:
    read = vzdump.read_dump(log("vzdump_failed"), ctid="101", exit_code=0)
    assert not read.ok
    assert read.reason == "ERROR: Backup of VM 101 failed - command 'rsync' failed with exit code 11"
    assert read.mode == "suspend"
    assert (read.archive_path, read.archive_bytes_about, read.frozen_seconds) == ("", None, None)


def test_a_backup_half_way_is_not_done() -> None:
    read = vzdump.read_dump(log("vzdump_stop_half_way"), ctid="101")
    assert (read.ok, read.stage, read.mode) == (False, "frozen", "stop")
    assert "does not say that it finished container 101" in read.reason


def test_another_container_s_end_is_not_this_one_s() -> None:
    assert not vzdump.read_dump(log("vzdump_suspend"), ctid="10").ok


def test_an_exit_code_spoils_a_log_that_looks_well() -> None:
    read = vzdump.read_dump(log("vzdump_suspend"), ctid="101", exit_code=255)
    assert not read.ok
    assert read.reason.startswith("it ended with 255: ")


def test_the_copy_of_the_log_on_disk_is_read_too() -> None:
    read = vzdump.read_dump(log("vzdump_log_file"), ctid="101")
    assert (read.ok, read.mode) == (True, "stop")
    assert read.archive_bytes_about == round(1.5 * 1024**3)


@pytest.mark.parametrize(
    ("line", "stage"),
    [
        ("", ""),
        ("INFO: starting first sync a to b", "first_copy"),
        ("INFO: suspend vm", "frozen"),
        ("INFO: starting final sync a to b", "frozen"),
        ("INFO: resume vm", "archiving"),
    ],
)
def test_the_last_line_tells_the_stage(line: str, stage: str) -> None:
    assert vzdump.read_dump(f"INFO: backup mode: suspend\n{line}\n", ctid="101").stage == stage


def test_a_restore_that_went_well() -> None:
    assert vzdump.read_restore(log("vzrestore_well"), exit_code=0) == vzdump.RestoreLog(ok=True, reason="")


@pytest.mark.parametrize(
    ("said", "exit_code", "reason"),
    [
        (log("vzrestore_exists"), 255, "VM already exists"),
        ("unable to restore\n", 0, "unable to restore"),
        ("Unknown option: restore\n", 255, "it ended with 255: Unknown option: restore"),
    ],
)
def test_a_restore_that_failed_says_why(said: str, exit_code: int, reason: str) -> None:
    read = vzdump.read_restore(said, exit_code=exit_code)
    assert not read.ok
    assert reason in read.reason


@given(st.text(), st.integers(0, 255))
def test_whatever_was_printed_only_the_finishing_line_makes_it_ok(text: str, exit_code: int) -> None:
    read = vzdump.read_dump(text, ctid="101", exit_code=exit_code)
    assert not read.ok
    assert len(read.reason) < 700
    vzdump.read_restore(text, exit_code=exit_code)
