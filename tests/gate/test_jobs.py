"""Detached jobs: started once, adopted, told apart, ended."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.gate.rig import Gate, decoded

KEY = "m1-start_ct-a1"


def _slow_start(gate: Gate, seconds: float = 30) -> None:
    gate.container(101)
    (gate.root / "start_seconds").write_text(f"{seconds}\n")


def _state(gate: Gate, key: str = KEY, wait: str = "0") -> str:
    return gate(f"job status {key} {wait}").lines[0]


def _session(gate: Gate, key: str = KEY) -> int:
    file = gate.state / "jobs" / key / "session"
    deadline = time.monotonic() + 5
    while not (file.exists() and file.read_text().strip()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return int(file.read_text())


def _alive(session: int) -> list[str]:
    """Return the session's processes that still run; a zombie nobody has collected yet does not."""
    table = subprocess.run(
        ["ps", "-o", "stat=", "-s", str(session)], capture_output=True, text=True, check=False
    ).stdout
    return [state for state in table.split() if not state.startswith("Z")]


def test_a_second_start_adopts_the_first(gate: Gate) -> None:
    _slow_start(gate, 0.3)
    assert gate(f"job start {KEY} 101 1 start").out == "started\n"
    assert gate(f"job start {KEY} 101 1 start").out == "adopted\n"
    assert _state(gate, wait="5") == "done 0"
    assert gate(f"job start {KEY} 101 1 start").out == "adopted\n"
    assert [call for call in gate.calls if " start " in call] == ["vzctl start 101"]


def test_one_call_starts_a_job_and_tells_how_it_ended(gate: Gate) -> None:
    _slow_start(gate, 0.3)
    first = gate(f"job run 5 {KEY} 101 1 start").lines
    assert first[0] == "done 0"
    assert decoded(first[1].split()[1]) == "Container start in progress...\n"
    assert gate(f"job run 0 {KEY} 101 1 start").lines[:4] == first[:4]
    assert [call for call in gate.calls if " start " in call] == ["vzctl start 101"]


@pytest.mark.alone
def test_waiting_for_what_was_started_holds_nobody_up(gate: Gate) -> None:
    _slow_start(gate, 2)
    waiting = threading.Thread(target=lambda: gate(f"job run 5 {KEY} 101 1 start"))
    waiting.start()
    _session(gate)
    began = time.monotonic()
    assert gate.do("101 1 set_onboot no").rc == 0
    assert time.monotonic() - began < 1.5
    waiting.join()


@pytest.mark.parametrize(
    "words", ["", "0", "6 {key} 101 1 start", "x {key} 101 1 start", "0 {key} 101 1", "{key} 101 1 start"]
)
def test_a_run_without_all_its_words_starts_nothing(gate: Gate, words: str) -> None:
    gate.container(101)
    assert gate(f"job run {words.format(key=KEY)}".strip()).exit_code == 64
    assert gate(f"job status {KEY}").out == "absent\n"


def test_of_many_starters_one_wins(gate: Gate) -> None:
    gate.container(101)
    outs: list[str] = []
    threads = [threading.Thread(target=lambda: outs.append(gate(f"job start {KEY} 101 1 start").out)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outs) == ["adopted\n"] * 7 + ["started\n"]
    assert _state(gate, wait="5") == "done 0"
    assert len([call for call in gate.calls if " start " in call]) == 1


def test_status_tells_absent_running_and_done(gate: Gate) -> None:
    assert gate(f"job status {KEY}").out == "absent\n"
    _slow_start(gate, 0.5)
    gate(f"job start {KEY} 101 1 start")
    assert _state(gate) == "running"
    lines = gate(f"job status {KEY} 5").lines
    assert lines[0] == "done 0"
    assert decoded(lines[1].split()[1]) == "Container start in progress...\n"
    assert lines[1].split()[0] == str(len("Container start in progress...\n"))
    assert lines[2:4] == ["0 -", "-"]
    age, took, quiet = (float(word) for word in lines[4].split())
    assert 0.5 <= took <= age < 5
    assert quiet <= 1


@pytest.mark.alone
def test_waiting_ends_with_the_job(gate: Gate) -> None:
    _slow_start(gate, 0.6)
    gate(f"job start {KEY} 101 1 start")
    began = time.monotonic()
    assert _state(gate, wait="5") == "done 0"
    assert time.monotonic() - began < 2


@pytest.mark.alone
def test_waiting_ends_with_the_time(gate: Gate) -> None:
    _slow_start(gate)
    gate(f"job start {KEY} 101 1 start")
    began = time.monotonic()
    assert _state(gate, wait="0.5") == "running"
    assert 0.5 <= time.monotonic() - began < 2


def test_a_failure_is_reported_with_its_code(gate: Gate) -> None:
    assert gate.job(KEY, "101 1 start")[0] == "done 14"


def test_a_killed_runner_is_lost_at_once(gate: Gate) -> None:
    _slow_start(gate)
    gate(f"job start {KEY} 101 1 start")
    session = _session(gate)
    os.kill(session, signal.SIGKILL)
    assert _state(gate, wait="1") == "lost"
    assert gate("job list").out == f"{KEY} lost\n"


def test_the_tool_of_a_killed_runner_ends_before_its_successor_starts(gate: Gate) -> None:
    _slow_start(gate)
    gate(f"job start {KEY} 101 1 start")
    session = _session(gate)
    time.sleep(0.2)
    os.kill(session, signal.SIGKILL)
    assert _alive(session)
    assert gate("job start m1-start_ct-a2 101 1 start").out == "started\n"
    assert not _alive(session)


def test_a_killed_runner_of_vzmigrate_is_running_until_vzmigrate_ends(gate: Gate) -> None:
    gate.container(101, running=True)
    gate.tool("vzmigrate", "case $1 in --help) exit 0 ;; esac\nsleep 1\ntouch @ROOT@/whole\n")
    gate("job start m1-migrate-a1 101 1 vzmigrate 192.0.2.12 1 live 0")
    session = _session(gate, "m1-migrate-a1")
    time.sleep(0.3)
    os.kill(session, signal.SIGKILL)
    assert _state(gate, "m1-migrate-a1") == "running"
    assert _state(gate, "m1-migrate-a1", "5") == "lost"
    assert (gate.root / "whole").exists()


def test_cancel_ends_the_work(gate: Gate) -> None:
    _slow_start(gate)
    gate(f"job start {KEY} 101 1 start")
    session = _session(gate)
    time.sleep(0.2)
    assert gate(f"job cancel {KEY} 101 1").out == "cancelled\n"
    assert not _alive(session)
    assert _state(gate) == "done 143"


def test_cancel_ends_even_what_ignores_it(gate: Gate) -> None:
    gate.container(101)
    gate.tool("vzctl", "trap '' TERM\nsleep 60 & wait; sleep 60\n")
    gate(f"job start {KEY} 101 1 start")
    session = _session(gate)
    time.sleep(0.2)
    assert gate(f"job cancel {KEY} 101 1").out == "cancelled\n"
    time.sleep(0.2)
    assert not _alive(session)
    assert _state(gate) == "done 143"


def test_cancel_leaves_what_is_over_alone(gate: Gate) -> None:
    gate.container(101)
    gate.job(KEY, "101 1 start")
    assert gate(f"job cancel {KEY} 101 1").out == "done 0\n"
    assert gate("job cancel m9-x-a1 101 1").out == "absent\n"


def test_a_job_cannot_be_ended_in_another_containers_name(gate: Gate) -> None:
    _slow_start(gate)
    gate(f"job start {KEY} 101 1 start")
    assert gate(f"job cancel {KEY} 102 99").exit_code == 64
    assert gate(f"job forget {KEY} 102 99").exit_code == 64
    assert _state(gate) == "running"


def test_forget_removes_what_is_over_only(gate: Gate) -> None:
    _slow_start(gate, 0.5)
    gate(f"job start {KEY} 101 1 start")
    assert gate(f"job forget {KEY} 101 1").exit_code == 64
    assert _state(gate, wait="5") == "done 0"
    assert gate(f"job forget {KEY} 101 1").out == "forgotten\n"
    assert _state(gate) == "absent"
    assert gate(f"job forget {KEY} 101 1").out == "absent\n"


@pytest.mark.alone
def test_starting_holds_no_pipe_open(gate: Gate) -> None:
    """What ssh would wait for: the ends of the channel close although the job goes on."""
    _slow_start(gate, 5)
    began = time.monotonic()
    assert gate(f"job start {KEY} 101 1 start", timeout=4).out == "started\n"
    assert time.monotonic() - began < 2
    assert _state(gate) == "running"


def test_a_job_outlives_its_caller_and_hang_up(gate: Gate) -> None:
    _slow_start(gate, 0.6)
    script = f"SSH_ORIGINAL_COMMAND='job start {KEY} 101 1 start' {gate.door}; kill -HUP 0; sleep 9"
    subprocess.run(["setsid", "sh", "-c", script], check=False, capture_output=True, timeout=10)
    assert _state(gate, wait="5") == "done 0"


def test_output_is_cut_to_its_tail(gate: Gate) -> None:
    gate.container(101)
    gate.tool("vzctl", "head -c 3000000 /dev/zero | tr '\\0' a\necho end\n")
    assert gate.job(KEY, "101 1 start")[1] == "a" * (16384 - 4) + "end\n"
    assert gate(f"job status {KEY}").lines[1].split()[0] == "3000004"


def test_only_define_reads_what_is_sent(gate: Gate) -> None:
    gate.container(101)
    gate.tool("vzctl", "cat\n")
    gate(f"job start {KEY} 101 1 start", stdin=b"secret")
    assert gate(f"job status {KEY} 5").lines[1] == "0 -"


def test_a_payload_above_its_limit_is_refused(gate: Gate) -> None:
    gate.do("101 1 reserve 1")
    assert gate("job start m1-define-a1 101 1 define 1", stdin=b"#" * 65537).exit_code == 64
    assert gate("job status m1-define-a1").out == "absent\n"


def test_leftovers_of_a_killed_start_do_not_hinder(gate: Gate) -> None:
    gate.container(101)
    Path(gate.state / "jobs" / ".new.77").mkdir(parents=True)
    assert gate.job(KEY, "101 1 start")[0] == "done 0"
    assert gate("job list").out == f"{KEY} done 0\n"
