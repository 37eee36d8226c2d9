"""The newest token wins, whoever comes first."""

from __future__ import annotations

import threading

import pytest

from tests.gate.rig import Gate, Reply


def test_it_keeps_the_highest_token(gate: Gate) -> None:
    assert gate.do("101 7 strip").rc == 0
    reply = gate("do 101 6 strip")
    assert (reply.exit_code, reply.out, reply.err) == (75, "", "fenced: newest 7\n")
    assert len(gate.calls) == 1


def test_the_same_token_is_the_same_holder(gate: Gate) -> None:
    assert [gate("do 101 7 strip").exit_code for _ in range(3)] == [0, 0, 0]


def test_containers_are_fenced_apart(gate: Gate) -> None:
    gate.do("101 7 strip")
    assert gate.do("102 1 strip").rc == 0


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("9", "10"),
        ("999999999", "1000000000"),
        ("2147483647", "2147483648"),
        ("10000000009", "20000000001"),
        ("9223372036854775807", "9223372036854775808"),
        ("9999999999999999998", "9999999999999999999"),
        ("1000000000000000000", "9999999999999999999"),
        ("0", "1"),
    ],
)
def test_it_compares_long_tokens(gate: Gate, older: str, newer: str) -> None:
    assert gate(f"do 101 {newer} strip").exit_code == 0
    assert gate(f"do 101 {older} strip").exit_code == 75
    assert gate(f"do 101 {newer} strip").exit_code == 0


@pytest.mark.parametrize("token", ["", "-1", "01", "1x", "1.0", "10000000000000000000", "+1"])
def test_it_refuses_a_bad_token(gate: Gate, token: str) -> None:
    assert gate(f"do 101 {token} strip").exit_code == 64


@pytest.mark.parametrize("words", ["start m1-x-a1 101 6 start", "cancel m1-x-a1 101 6", "forget m1-x-a1 101 6"])
def test_jobs_are_fenced_too(gate: Gate, words: str) -> None:
    gate.do("101 7 strip")
    assert gate(f"job {words}").exit_code == 75
    assert not list(gate.state.glob("jobs/*"))


def test_a_failing_operation_still_raises_the_token(gate: Gate) -> None:
    assert gate.do("101 9 retire 1 1").rc == 9
    assert gate("do 101 8 strip").exit_code == 75


def test_racing_callers_never_run_out_of_order(gate: Gate) -> None:
    """Two callers at once: whichever act comes last was made by the newer token."""
    gate.tool("vzctl", 'echo "begin $*" >>@ROOT@/calls\nsleep 0.05\necho "end $*" >>@ROOT@/calls\n')
    replies: list[Reply] = []

    def call(token: int) -> None:
        replies.append(gate(f"do 101 {token} set_onboot {'yes' if token % 2 else 'no'}"))

    for first in (10, 20, 30, 40, 50):
        threads = [threading.Thread(target=call, args=(first + step,)) for step in (1, 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert gate.calls[-1] == "end set 101 --onboot no --save"
    assert {reply.exit_code for reply in replies} <= {0, 75}
    marks = [line.split()[0] for line in gate.calls]
    assert marks == ["begin", "end"] * (len(marks) // 2)


def test_a_damaged_fence_stops_everything(gate: Gate) -> None:
    gate.do("101 7 strip")
    (gate.state / "fence" / "101").write_text("rubbish\n")
    assert gate("do 101 8 strip").exit_code == 70
    assert len(gate.calls) == 1
