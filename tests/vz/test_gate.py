from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrations_app.vz import gate, ops
from migrations_app.vz.facts import ClockReading, CtStatus, Fact, FactUnreadable, KernelFact
from migrations_app.vz.gate import Fenced, GateBroken, GateError, GateRefused, JobStatus
from migrations_app.vz.names import BadValue
from tests.vz.saying import NODE, Parrot, coded

KEY = "m7-sync_first-a1"


def begun(shell: Parrot, **changes: Any) -> JobStatus:
    words = {"key": KEY, "ctid": "101", "token": 5, "op": ops.Start()} | changes
    return gate.job_run(shell, NODE, **words)


# ask


def test_it_asks_several_facts_in_one_call() -> None:
    said = f"ct_status 0 {coded('CTID 101 exist mounted running')} -\nclock 0 {coded('12.5')} -\n"
    shell = Parrot(said)
    status, clock = gate.ask(shell, NODE, CtStatus("101"), ClockReading())
    assert (status.running, clock) == (True, 12.5)
    assert shell.heard == [("ask", "ct_status,101", "clock")]


def test_it_asks_no_more_than_thirty_at_once() -> None:
    class Counting(Parrot):
        def call(self, endpoint: Any, words: Any, **more: Any) -> Any:
            self.output = f"clock 0 {coded('1')} -\n" * (len(words) - 1)
            return super().call(endpoint, words, **more)

    shell = Counting()
    assert gate.ask(shell, NODE, *[ClockReading()] * 65) == (1.0,) * 65
    assert [len(words) - 1 for words in shell.heard] == [30, 30, 5]


def test_it_waits_as_long_as_the_facts_may_take() -> None:
    shell = Parrot(f"clock 0 {coded('1')} -\n" * 3)
    gate.ask(shell, NODE, *[ClockReading()] * 3)
    gate.answers(shell, NODE, *[ClockReading()] * 3, timeout_seconds=7)
    assert shell.timeouts == [40, 7]


def test_one_unreadable_answer_spoils_no_other() -> None:
    shell = Parrot(f"clock 1 - {coded('date: broken')}\nclock 0 {coded('1')} -\n")
    broken, sound = gate.answers(shell, NODE, ClockReading(), ClockReading())
    assert (broken.exit_code, broken.error, sound.output) == (1, "date: broken", "1")
    with pytest.raises(FactUnreadable, match="date: broken"):
        gate.ask(shell, NODE, ClockReading(), ClockReading())


def test_bytes_that_are_no_text_are_shown_and_nuls_vanish() -> None:
    (answer,) = gate.answers(Parrot(f"clock 0 {coded(b'a' + bytes([255, 0]) + b'b')} -\n"), NODE, ClockReading())
    assert answer.output == "a\\xffb"


@pytest.mark.parametrize(
    "said",
    [
        "",
        "clock 0 -",
        "kernel 0 - -",
        "clock 0 - - -",
        "clock x - -",
        "clock -1 - -",
        "clock 256 - -",
        "clock 0 *** -",
        "clock 0 - YQ",
        "clock 0 - -\nclock 0 - -",
    ],
)
def test_an_answer_of_another_shape_is_a_broken_gate(said: str) -> None:
    with pytest.raises(GateBroken, match="vz1"):
        gate.ask(Parrot(said), NODE, ClockReading())


class _Wild(Fact[str]):
    name = "wild"

    def _understand(self, answer: Any) -> str:
        return ""


@pytest.mark.parametrize("argument", ["a b", "-x\n", "$(id)", "`id`", "a;b", "é", "a'b"])
def test_a_word_the_gate_would_not_take_is_never_sent(argument: str) -> None:
    class Wild(_Wild):
        @property
        def arguments(self) -> tuple[str, ...]:
            return (argument,)

    shell = Parrot()
    with pytest.raises(BadValue, match="request"):
        gate.ask(shell, NODE, Wild())
    assert shell.heard == []


def test_a_request_that_is_too_long_is_never_sent() -> None:
    class Long(_Wild):
        @property
        def arguments(self) -> tuple[str, ...]:
            return ("a" * 200,)

    shell = Parrot()
    with pytest.raises(BadValue, match="4096 bytes"):
        gate.ask(shell, NODE, *[Long()] * 30)
    assert shell.heard == []


# how the gate says no


@pytest.mark.parametrize(
    ("exit_code", "error", "kind", "text"),
    [
        (64, "refused: bad ctid\n", GateRefused, "refused: bad ctid"),
        (75, "fenced: newest 12\n", Fenced, r"\(12\)"),
        (75, "temporary failure\n", GateBroken, "75: temporary failure"),
        (70, "ovzgate: cannot make /var\n", GateBroken, "cannot make /var"),
        (127, "", GateBroken, "no reason given"),
        (255, "\x1b]0;x\x07Connection closed", GateBroken, "255: Connection closed"),
    ],
)
def test_an_exit_code_of_the_gate_becomes_a_named_error(
    exit_code: int, error: str, kind: type[GateError], text: str
) -> None:
    with pytest.raises(kind, match=text) as refusal:
        gate.do(Parrot(exit_code=exit_code, error=error), NODE, ctid="101", token=5, op=ops.Strip())
    assert refusal.value.node == "vz1"
    assert str(refusal.value).startswith("vz1: ")


def test_a_fenced_holder_learns_the_newest_token() -> None:
    with pytest.raises(Fenced) as refusal:
        begun(Parrot(exit_code=75, error="fenced: newest 99\n"))
    assert refusal.value.newest == 99


# hello


def test_it_greets() -> None:
    assert gate.hello(Parrot("ovzgate 1 vz1.example.net\n"), NODE) == "vz1.example.net"


@pytest.mark.parametrize("said", ["", "ovzgate 2 vz1", "Last login: today", "ovzgate 1"])
def test_it_greets_no_other_gate(said: str) -> None:
    with pytest.raises(GateBroken, match="install it again"):
        gate.hello(Parrot(said), NODE)


# do


def test_it_does_a_short_operation() -> None:
    shell = Parrot(f"9 {coded('some')} {coded('locked')}\n")
    result = gate.do(shell, NODE, ctid="101", token=5, op=ops.Fence(migration_id=7, retain_until_epoch=9))
    assert (result.exit_code, result.output, result.error, result.ok) == (9, "some", "locked", False)
    assert shell.heard == [("do", "101", "5", "fence", "7", "9")]


def test_an_operation_that_went_well_is_ok() -> None:
    assert gate.do(Parrot("0 - -\n"), NODE, ctid="101", token=0, op=ops.Thaw()).ok


@pytest.mark.parametrize("said", ["", "0 -", "0 - - -", "nine - -"])
def test_an_operation_without_a_readable_end_is_a_broken_gate(said: str) -> None:
    with pytest.raises(GateBroken):
        gate.do(Parrot(said), NODE, ctid="101", token=5, op=ops.Thaw())


@pytest.mark.parametrize(("ctid", "token"), [("0", 5), ("101;id", 5), ("101", -1), ("101", 2**63), ("101", True)])
def test_it_does_nothing_with_a_bad_container_or_token(ctid: str, token: int) -> None:
    shell = Parrot("0 - -\n")
    with pytest.raises(BadValue):
        gate.do(shell, NODE, ctid=ctid, token=token, op=ops.Thaw())
    assert shell.heard == []


# jobs


def test_it_begins_a_job_or_finds_it_and_says_how_it_stands() -> None:
    shell = Parrot("running\n0 -\n0 -\n-\n0.02 - 0\n")
    assert begun(shell, op=ops.Define(migration_id=7, config_text="A=1\n"), wait_seconds=2).state == "running"
    assert shell.heard == [("job", "run", "2", KEY, "101", "5", "define", "7")]
    assert shell.payloads == [b"A=1\n"]


def test_work_on_the_node_itself_has_number_zero() -> None:
    shell = Parrot("running\n0 -\n0 -\n-\n0.02 - 0\n")
    begun(shell, key="n3-install_ntp-a1", ctid=gate.NODE_ITSELF, op=ops.Install(need="ntp"))
    assert shell.heard == [("job", "run", "0", "n3-install_ntp-a1", "0", "5", "install", "ntp")]


@pytest.mark.parametrize("said", ["", "\n", "maybe"])
def test_a_beginning_without_a_readable_answer_is_a_broken_gate(said: str) -> None:
    with pytest.raises(GateBroken, match=KEY):
        begun(Parrot(said))


@pytest.mark.parametrize("key", ["", "m7", "x7-sync-a1", "m7-../x-a1", "m7-SYNC-a1", "m7-sync-a1 x", "m7-sync-a"])
def test_a_bad_job_key_is_never_sent(key: str) -> None:
    shell = Parrot()
    with pytest.raises(BadValue, match="job key"):
        gate.job_status(shell, NODE, key=key)
    assert shell.heard == []


def test_a_running_job_tells_how_far_it_is() -> None:
    probe = coded("bytes_done=5\nstage=x y")
    said = f"running\n20000 {coded('tail')}\n3 {coded('err')}\n{probe}\n1.50 - 31\n"
    status = gate.job_status(Parrot(said), NODE, key=KEY)
    assert status == JobStatus(
        state="running",
        output_tail="tail",
        output_bytes=20_000,
        error_tail="err",
        error_bytes=3,
        extra={"bytes_done": "5", "stage": "x y"},
        age_seconds=1.5,
        quiet_seconds=31,
    )


def test_a_job_that_ended_tells_how_and_how_long_it_took() -> None:
    status = gate.job_status(Parrot("done 23\n0 -\n0 -\n-\n9.00 4.25 2\n"), NODE, key=KEY)
    assert (status.state, status.exit_code, status.age_seconds, status.took_seconds) == ("done", 23, 9.0, 4.25)


@pytest.mark.parametrize("said", ["absent\n", "absent\n0 -\n0 -\n-\n0 -\n"])
def test_an_absent_job_is_only_absent(said: str) -> None:
    assert gate.job_status(Parrot(said), NODE, key=KEY) == JobStatus(state="absent")


def test_a_lost_job_has_no_exit_code() -> None:
    assert gate.job_status(Parrot("lost\n0 -\n0 -\n-\n9.00 - 3\n"), NODE, key=KEY).exit_code is None


@pytest.mark.parametrize(
    ("wait_seconds", "word"), [(0, None), (-1, None), (0.0001, None), (0.25, "0.25"), (4.9999, "5"), (60, "5")]
)
def test_it_waits_as_the_gate_can(wait_seconds: float, word: str | None) -> None:
    shell = Parrot("absent\n")
    gate.job_status(shell, NODE, key=KEY, wait_seconds=wait_seconds)
    assert shell.heard == [("job", "status", KEY, word) if word else ("job", "status", KEY)]


@pytest.mark.parametrize(
    "said",
    [
        "",
        "done\n0 -\n0 -\n-\n1 1 0\n",
        "done x\n0 -\n0 -\n-\n1 1 0\n",
        "running 0\n0 -\n0 -\n-\n1 - 0\n",
        "running\n",
        "running\n0\n0 -\n-\n1 - 0\n",
        "running\nmany -\n0 -\n-\n1 - 0\n",
        "running\n0 -\n0 -\n***\n1 - 0\n",
        "running\n0 -\n0 -\n-\nnan - 0\n",
        "running\n0 -\n0 -\n-\n1 -\n",
        "asleep\n0 -\n0 -\n-\n1 - 0\n",
    ],
)
def test_a_job_state_that_cannot_be_read_is_a_broken_gate(said: str) -> None:
    with pytest.raises(GateBroken, match=KEY):
        gate.job_status(Parrot(said), NODE, key=KEY)


@pytest.mark.parametrize(("said", "ended"), [("cancelled\n", True), ("absent\n", False), ("done 0\n", False)])
def test_it_cancels_a_job(said: str, ended: bool) -> None:
    shell = Parrot(said)
    assert gate.job_cancel(shell, NODE, key=KEY, ctid="101", token=5) is ended
    assert shell.heard == [("job", "cancel", KEY, "101", "5")]


@pytest.mark.parametrize("said", ["forgotten\n", "absent\n"])
def test_it_forgets_a_job(said: str) -> None:
    shell = Parrot(said)
    gate.job_forget(shell, NODE, key=KEY, ctid="101", token=5)
    assert shell.heard == [("job", "forget", KEY, "101", "5")]


def test_it_lists_jobs() -> None:
    said = "m7-sync_first-a1 done 0\nm7-start-a1 running\n"
    assert gate.job_list(Parrot(said), NODE) == {"m7-sync_first-a1": "done", "m7-start-a1": "running"}
    assert gate.job_list(Parrot(""), NODE) == {}
    with pytest.raises(GateBroken, match="list of jobs"):
        gate.job_list(Parrot("m7-start-a1\n"), NODE)


@given(st.text(), st.text(), st.integers(0, 255))
def test_whatever_answers_only_named_errors_are_raised(output: str, error: str, exit_code: int) -> None:
    shell = Parrot(output, exit_code, error)
    calls = [
        lambda: gate.hello(shell, NODE),
        lambda: gate.ask(shell, NODE, KernelFact()),
        lambda: gate.do(shell, NODE, ctid="101", token=5, op=ops.Thaw()),
        lambda: gate.job_status(shell, NODE, key=KEY),
        lambda: gate.job_cancel(shell, NODE, key=KEY, ctid="101", token=5),
        lambda: gate.job_list(shell, NODE),
    ]
    for call in calls:
        with contextlib.suppress(GateError, FactUnreadable):
            call()
