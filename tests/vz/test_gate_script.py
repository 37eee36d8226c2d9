"""The speller against the gate script itself: every word it can say is one the gate knows."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from migrations_app.vz import facts, gate, ops
from migrations_app.vz.facts import Fact, FactUnreadable
from migrations_app.vz.gate import Fenced, GateRefused
from migrations_app.vz.ops import JobOp, Op
from tests.gate.rig import Gate
from tests.vz.saying import NODE, ToGate
from tests.vz.test_facts_hostile import QUESTIONS
from tests.vz.test_ops import SPELLED

KEY = "m7-start-a1"


@pytest.fixture
def shell(tmp_path: Path) -> ToGate:
    node = Gate(tmp_path)
    (node.conf / "101.conf").write_text('VE_LAYOUT="simfs"\nHOSTNAME="shop"\nIP_ADDRESS="10.0.0.9"\n')
    (tmp_path / "private" / "101").mkdir()
    return ToGate(gate=node)


def test_the_gate_greets(shell: ToGate) -> None:
    assert gate.hello(shell, NODE)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_the_gate_knows_every_question(shell: ToGate, question: Fact[Any]) -> None:
    (answer,) = gate.answers(shell, NODE, question)
    assert 0 <= answer.exit_code <= 255


@pytest.mark.parametrize("op", [op for op, _ in SPELLED if isinstance(op, Op)], ids=lambda op: " ".join(op.words[:3]))
def test_the_gate_knows_every_short_operation(shell: ToGate, op: Op) -> None:
    gate.do(shell, NODE, ctid="101", token=9, op=ops.SetOnboot(onboot=True))
    # The words are checked before the fence: an older token makes sure that nothing happens.
    with pytest.raises(Fenced) as refusal:
        gate.do(shell, NODE, ctid="101", token=8, op=op)
    assert refusal.value.newest == 9


@pytest.mark.parametrize(
    "op", [op for op, _ in SPELLED if isinstance(op, JobOp)], ids=lambda op: " ".join(op.words[:3])
)
def test_the_gate_knows_every_long_operation(shell: ToGate, op: JobOp) -> None:
    node_itself = isinstance(op, ops.Install)
    ctid, key = (gate.NODE_ITSELF, "n3-install_ntp-a1") if node_itself else ("101", KEY)
    fences = shell.gate.state / "fence" if shell.gate else Path()
    fences.mkdir(parents=True)
    (fences / ctid).write_text("9\n")
    with pytest.raises(Fenced):
        gate.job_run(shell, NODE, key=key, ctid=ctid, token=8, op=op)


def test_what_the_gate_tells_of_this_machine_can_be_read(shell: ToGate) -> None:
    kernel, cpu, memory, disk, clock = gate.ask(
        shell, NODE, facts.KernelFact(), facts.Cpu(), facts.Memory(), facts.Disk(), facts.ClockReading()
    )
    assert kernel.release
    assert kernel.is_openvz  # the stand-in has a /proc/vz
    assert cpu.count >= 1
    assert memory.total_kib > memory.available_kib > 0
    assert disk.private.total_kib >= disk.private.free_kib > 0
    assert clock == pytest.approx(time.time(), abs=5)


def test_what_the_gate_tells_of_a_container_can_be_read(shell: ToGate) -> None:
    config, files, lock, size, state = gate.ask(
        shell,
        NODE,
        facts.CtConfig("101"),
        facts.CtConfigFiles("101"),
        facts.CtLock("101"),
        facts.CtSize("101"),
        facts.CtStatus("101"),
    )
    assert (config.hostname, config.addresses) == ("shop", ("10.0.0.9",))
    assert files == {"conf"}
    assert not lock.held
    assert size.files == 1
    assert (state.exists, state.running) == (True, False)


def test_the_gate_tells_what_is_left_of_a_container(shell: ToGate) -> None:
    (left,) = gate.ask(shell, NODE, facts.CtLeftovers("101"))
    assert {"conf", "private"} <= {leftover.kind for leftover in left}


def test_a_container_the_node_does_not_have_has_no_configuration(shell: ToGate) -> None:
    with pytest.raises(FactUnreadable, match="ct_config,999"):
        gate.ask(shell, NODE, facts.CtConfig("999"))


def test_a_job_is_started_once_found_again_and_forgotten(shell: ToGate) -> None:
    words: dict[str, Any] = {"key": KEY, "ctid": "101", "token": 5}
    assert gate.job_status(shell, NODE, key=KEY).state == "absent"
    assert gate.job_run(shell, NODE, op=ops.Start(), **words).state in ("running", "done")
    status = gate.job_run(shell, NODE, op=ops.Start(), wait_seconds=5, **words)
    assert status.took_seconds == gate.job_status(shell, NODE, key=KEY).took_seconds
    assert (status.state, status.exit_code) == ("done", 0)
    assert "Container start" in status.output_tail
    assert status.took_seconds is not None
    assert gate.job_list(shell, NODE) == {KEY: "done"}
    assert not gate.job_cancel(shell, NODE, **words)
    gate.job_forget(shell, NODE, **words)
    assert gate.job_list(shell, NODE) == {}


def test_the_gate_refuses_what_is_no_job_of_that_container(shell: ToGate) -> None:
    gate.job_run(shell, NODE, key=KEY, ctid="101", token=5, op=ops.Start(), wait_seconds=5)
    with pytest.raises(GateRefused, match="another container"):
        gate.job_cancel(shell, NODE, key=KEY, ctid="102", token=5)


def test_fence_and_reserve_leave_their_record(shell: ToGate) -> None:
    (before,) = gate.ask(shell, NODE, facts.FenceState("101"))
    assert (before.newest_token, before.retained_for, before.incoming_for) == (None, None, None)
    reserved = gate.do(shell, NODE, ctid="102", token=6, op=ops.Reserve(migration_id=7))
    fenced = gate.do(shell, NODE, ctid="101", token=5, op=ops.Fence(migration_id=7, retain_until_epoch=2_000_000_000))
    assert (reserved.exit_code, fenced.exit_code) == (0, 0), (reserved, fenced)
    arriving, leaving = gate.ask(shell, NODE, facts.FenceState("102"), facts.FenceState("101"))
    assert (arriving.newest_token, arriving.incoming_for) == (6, 7)
    assert (leaving.newest_token, leaving.retained_for, leaving.retained_until_epoch) == (5, 7, 2_000_000_000)
    (traces,) = gate.ask(shell, NODE, facts.Work(7))
    assert set(traces.marks) == {"incoming/102", "retained/101"}
