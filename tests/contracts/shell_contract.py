"""What every shell with a gate behind it keeps to: words, tokens, jobs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migrations_app.ports.shell import HostKeyChanged, NodeUnreachable
from migrations_app.vz import facts, gate, ops
from migrations_app.vz.facts import FactUnreadable
from migrations_app.vz.gate import Fenced
from tests.contracts.stage import Stage

NODE_FACTS = (
    *(facts.KernelFact(), facts.ToolVersions(), facts.ServiceRunning(), facts.Cpu(), facts.Memory(), facts.Disk()),
    *(facts.NodeConfig(), facts.ClockReading(), facts.NtpClient(), facts.NetDev(), facts.Links(), facts.Veip()),
    *(facts.Macs(), facts.Bridges(), facts.Modules(), facts.HostKey(), facts.Ploop(), facts.Checkpointing()),
    *(facts.ContainerList(), facts.ContainerListPlain(), facts.Names(), facts.Beancounters(), facts.Vestat()),
)


class ShellContract:
    """Mixed into a test class whose fixture ``stage`` says where it is played."""

    def test_it_greets(self, stage: Stage) -> None:
        assert gate.hello(stage.shell, stage.source)

    def test_it_shows_the_host_key_that_was_pinned(self, stage: Stage) -> None:
        offered = stage.shell.offered_host_key(stage.source.address, stage.source.port)
        assert offered == stage.source.host_key

    def test_it_refuses_another_host_key(self, stage: Stage) -> None:
        with pytest.raises(HostKeyChanged):
            stage.shell.call(replace(stage.source, host_key=stage.target.host_key), ("hello",))

    def test_it_cannot_reach_a_closed_port(self, stage: Stage) -> None:
        with pytest.raises(NodeUnreachable):
            stage.shell.call(replace(stage.source, port=2), ("hello",))
        with pytest.raises(NodeUnreachable):
            stage.shell.offered_host_key(stage.source.address, 2)

    @pytest.mark.parametrize(
        "words",
        [("id",), ("hello", "there"), ("ask",), ("ask", "passwd"), ("do", "101", "1", "sh"), ("do", "1", "1", "strip")],
    )
    def test_its_gate_refuses_what_it_does_not_know(self, stage: Stage, words: tuple[str, ...]) -> None:
        reply = stage.shell.call(stage.source, words)
        assert (reply.exit_code, reply.output) == (64, "")
        assert reply.error.startswith("refused: ")

    @pytest.mark.parametrize("fact", NODE_FACTS, ids=lambda fact: fact.name)
    def test_it_answers_facts_of_the_node(self, stage: Stage, fact: facts.Fact[object]) -> None:
        stage.ask(stage.source, fact)

    def test_it_answers_facts_of_a_running_container(self, stage: Stage) -> None:
        guest = stage.guest()
        state = stage.ask(stage.source, facts.CtStatus(guest.ctid))
        config = stage.ask(stage.source, facts.CtConfig(guest.ctid))
        assert (state.exists, state.mounted, state.running, state.suspended) == (True, True, True, False)
        assert config.addresses == (guest.address,)
        assert stage.ask(stage.source, facts.Veip())[guest.address] == guest.ctid
        assert 80 in stage.ask(stage.source, facts.CtListen(guest.ctid))
        assert stage.ask(stage.source, facts.CtConfigFiles(guest.ctid)) == {"conf"}
        assert stage.ask(stage.source, facts.CtSize(guest.ctid)).files > 0
        assert stage.ask(stage.source, facts.CtChurn(guest.ctid)).window_seconds > 0
        assert not stage.ask(stage.source, facts.CtLock(guest.ctid)).held
        assert stage.ask(stage.source, facts.CtJobs(guest.ctid)) == ()
        assert stage.ask(stage.source, facts.CtMounts(guest.ctid))
        listed = {one.ctid: one for one in stage.ask(stage.source, facts.ContainerList())}
        assert listed[guest.ctid].status == "running"
        assert listed[guest.ctid].addresses == (guest.address,)
        # After the list: lab nodes write their kernel's counters anew when it is asked for.
        assert stage.ask(stage.source, facts.CtResources(guest.ctid))["physpages"].held > 0

    def test_it_answers_facts_of_no_container(self, stage: Stage) -> None:
        state = stage.ask(stage.source, facts.CtStatus("999999"))
        assert (state.exists, state.running) == (False, False)
        assert stage.ask(stage.source, facts.CtConfigFiles("999999")) == frozenset()
        assert stage.ask(stage.source, facts.CtLeftovers("999999")) == ()
        for fact in (facts.CtConfig("999999"), facts.CtSize("999999"), facts.Digest(999_999, "none.tgz")):
            with pytest.raises(FactUnreadable):
                stage.ask(stage.source, fact)

    def test_it_obeys_the_newest_token_only(self, stage: Stage) -> None:
        guest = stage.guest()
        assert stage.do(stage.source, guest.ctid, ops.SetOnboot(onboot=True), token=5).ok
        assert stage.do(stage.source, guest.ctid, ops.SetOnboot(onboot=True), token=5).ok
        with pytest.raises(Fenced) as fenced:
            stage.do(stage.source, guest.ctid, ops.SetOnboot(onboot=False), token=4)
        assert fenced.value.newest == 5
        assert stage.ask(stage.source, facts.CtConfig(guest.ctid)).onboot is True
        assert stage.ask(stage.source, facts.FenceState(guest.ctid)).newest_token == 5
        for act in (gate.job_cancel, gate.job_forget):
            with pytest.raises(Fenced):
                act(stage.shell, stage.source, key="m1-nothing-a1", ctid=guest.ctid, token=4)

    def test_it_starts_a_job_once(self, stage: Stage) -> None:
        guest, migration = stage.guest(), stage.migration()
        key = f"m{migration}-backup-a1"
        assert stage.status(stage.source, key).state == "absent"
        assert stage.start(stage.source, guest.ctid, key, ops.Backup(migration_id=migration)).state != "absent"
        status = stage.job(stage.source, guest.ctid, key, ops.Backup(migration_id=migration))
        assert (status.state, status.exit_code) == ("done", 0)
        assert status.took_seconds is not None
        assert f"saved={guest.ctid}.conf" in status.output_tail
        assert gate.job_list(stage.shell, stage.source)[key] == "done"
        again = stage.job(stage.source, guest.ctid, key, ops.Backup(migration_id=migration))
        assert (again.state, again.took_seconds) == ("done", status.took_seconds)

    def test_it_forgets_a_job_that_has_ended(self, stage: Stage) -> None:
        guest, migration = stage.guest(), stage.migration()
        key = f"m{migration}-backup-a1"
        stage.ran(stage.source, guest.ctid, key, ops.Backup(migration_id=migration))
        for _ in range(2):
            gate.job_forget(stage.shell, stage.source, key=key, ctid=guest.ctid, token=1)
        assert stage.status(stage.source, key).state == "absent"

    def test_it_cancels_nothing_that_is_not_there(self, stage: Stage) -> None:
        nobodys = "999999"  # a number in use may have seen a newer token
        assert gate.job_cancel(stage.shell, stage.source, key="m1-nothing-a1", ctid=nobodys, token=9) is False
