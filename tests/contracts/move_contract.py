"""What the operations of a move do on a node, whichever node it is."""

from __future__ import annotations

from typing import Any

import pytest

from migrations_app.vz import facts, ops, rsync
from migrations_app.vz.facts import FactUnreadable
from migrations_app.vz.gate import JobStatus
from migrations_app.vz.ops.long import Pass
from tests.contracts.stage import Stage

FAR_AWAY = 99_999_999_999


class MoveContract:
    """Mixed into a test class whose fixture ``stage`` says where it is played."""

    # Trust

    def test_trust_opens_the_way_and_closes_it(self, stage: Stage) -> None:
        guest, migration = stage.guest(), stage.migration()
        assert not stage.ask(stage.source, facts.SshTo(stage.target.address, migration)).ok
        stage.befriend(guest.ctid, migration)
        assert stage.ask(stage.source, facts.SshTo(stage.target.address, migration)).ok
        assert stage.ask(stage.target, facts.Work(migration)).authorized_lines == 1
        first = stage.done(stage.source, guest.ctid, ops.TrustMake(migration_id=migration))
        assert stage.done(stage.source, guest.ctid, ops.TrustMake(migration_id=migration)) == first
        for node in (stage.source, stage.target, stage.source):
            stage.done(node, guest.ctid, ops.TrustDrop(migration_id=migration))
        assert not stage.ask(stage.source, facts.SshTo(stage.target.address, migration)).ok
        assert stage.ask(stage.target, facts.Work(migration)).authorized_lines == 0

    def test_a_work_area_belongs_to_one_container(self, stage: Stage) -> None:
        guest, other, migration = stage.guest(), stage.guest(), stage.migration()
        stage.done(stage.source, guest.ctid, ops.TrustMake(migration_id=migration))
        assert stage.do(stage.source, other.ctid, ops.TrustMake(migration_id=migration)).exit_code == 9
        assert stage.do(stage.source, other.ctid, ops.TrustDrop(migration_id=migration)).exit_code == 9

    def test_nothing_goes_to_a_node_without_trust(self, stage: Stage) -> None:
        guest, migration = stage.guest(), stage.migration()
        check = ops.VzmigrateCheck(destination=stage.target.address, migration_id=migration, live=False)
        assert stage.job(stage.source, guest.ctid, f"m{migration}-check-a1", check).exit_code == 4

    # The place on the target

    def test_a_reservation_is_one_migrations_own(self, stage: Stage) -> None:
        guest, migration = stage.guest(), stage.migration()
        for _ in range(2):
            stage.done(stage.target, guest.ctid, ops.Reserve(migration_id=migration))
        assert stage.ask(stage.target, facts.FenceState(guest.ctid)).incoming_for == migration
        stranger = stage.migration()
        assert stage.do(stage.target, guest.ctid, ops.Reserve(migration_id=stranger)).exit_code == 9
        assert stage.do(stage.target, guest.ctid, ops.ClearIncoming(migration_id=stranger)).exit_code == 9
        assert stage.do(stage.target, guest.ctid, ops.AcceptIncoming(migration_id=stranger)).exit_code == 9
        for _ in range(2):
            stage.done(stage.target, guest.ctid, ops.ClearIncoming(migration_id=migration))
        assert stage.ask(stage.target, facts.FenceState(guest.ctid)).incoming_for is None

    def test_a_container_that_lives_here_is_never_reserved_or_cleared(self, stage: Stage) -> None:
        guest, migration = stage.guest(), stage.migration()
        assert stage.do(stage.source, guest.ctid, ops.Reserve(migration_id=migration)).exit_code == 9
        stage.done(stage.source, guest.ctid, ops.ClearIncoming(migration_id=migration))
        assert stage.ask(stage.source, facts.CtStatus(guest.ctid)).running

    def test_accepting_twice_is_accepting(self, stage: Stage) -> None:
        guest, migration = stage.guest(), stage.migration()
        stage.prepare(guest.ctid, migration)
        for _ in range(2):
            stage.done(stage.target, guest.ctid, ops.AcceptIncoming(migration_id=migration))
        stage.done(stage.target, guest.ctid, ops.ClearIncoming(migration_id=migration))
        assert stage.ask(stage.target, facts.CtStatus(guest.ctid)).exists

    def test_a_defined_container_has_no_address_and_stays_down(self, stage: Stage) -> None:
        guest, migration = stage.guest(), stage.migration()
        text = stage.ask(stage.source, facts.CtConfig(guest.ctid)).text
        define = ops.Define(migration_id=migration, config_text=text)
        assert stage.job(stage.target, guest.ctid, f"m{migration}-define-a1", define).exit_code == 9
        stage.prepare(guest.ctid, stage.migration())
        state, config = (stage.ask(stage.target, fact(guest.ctid)) for fact in (facts.CtStatus, facts.CtConfig))
        assert (state.exists, state.running) == (True, False)
        assert (config.addresses, config.onboot) == ((), False)

    # The way by stream

    def test_a_stream_carries_the_container_over(self, stage: Stage) -> None:
        guest, migration = stage.guest(), stage.migration()
        stage.prepare(guest.ctid, migration)
        self._pass(stage, guest.ctid, migration, "first")
        self._pass(stage, guest.ctid, migration, "checksum")
        stage.done(stage.source, guest.ctid, ops.Freeze(addresses=(guest.address,)))
        stage.ran(stage.source, guest.ctid, f"m{migration}-stop-a1", ops.Stop(timeout_seconds=60))
        assert not stage.ask(stage.source, facts.CtStatus(guest.ctid)).running
        self._pass(stage, guest.ctid, migration, "final")
        verify = self._pass(stage, guest.ctid, migration, "verify")
        assert rsync.read_differences(verify.output_tail) == ()
        assert (rsync.read_stats(verify.output_tail).files or 0) > 0
        host = ops.SetAddresses(addresses=(guest.address,), host_name="moved.example.net")
        stage.done(stage.target, guest.ctid, host)
        stage.ran(stage.target, guest.ctid, f"m{migration}-start-a1", ops.Start())
        stage.done(stage.source, guest.ctid, ops.Unfreeze(addresses=(guest.address,)))
        config = stage.ask(stage.target, facts.CtConfig(guest.ctid))
        assert (config.addresses, config.hostname) == ((guest.address,), "moved.example.net")
        assert stage.ask(stage.target, facts.CtStatus(guest.ctid)).running
        stage.done(stage.target, guest.ctid, ops.Announce(address=guest.address, count=1))

    def test_a_difference_is_listed(self, stage: Stage) -> None:
        guest, migration = stage.guest(), stage.migration()
        stage.prepare(guest.ctid, migration)
        verify = self._pass(stage, guest.ctid, migration, "verify")
        assert rsync.read_differences(verify.output_tail) != ()

    def test_a_pass_needs_a_place_to_go(self, stage: Stage) -> None:
        guest, migration = stage.guest(), stage.migration()
        stage.befriend(guest.ctid, migration)
        sync = ops.Sync(destination=stage.target.address, migration_id=migration, sync_pass="first")
        assert stage.job(stage.source, guest.ctid, f"m{migration}-first-a1", sync).exit_code not in (0, None)

    def test_a_rehearsal_leaves_no_trace(self, stage: Stage) -> None:
        guest, migration = stage.guest(), stage.migration()
        stage.prepare(guest.ctid, migration)
        self._pass(stage, guest.ctid, migration, "first")
        rehearsal = str(1_900_000_000 + int(guest.ctid))
        words: dict[str, Any] = {"migration_id": migration, "rehearsal_ctid": rehearsal}
        stage.ran(stage.target, guest.ctid, f"m{migration}-rehearse_start-a1", ops.RehearseStart(**words))
        assert stage.ask(stage.target, facts.CtStatus(rehearsal)).running
        assert stage.ask(stage.target, facts.CtConfig(rehearsal)).addresses == ()
        assert stage.ask(stage.source, facts.CtStatus(guest.ctid)).running
        assert stage.do(stage.target, guest.ctid, ops.RehearsalDrop(**words)).exit_code == 32
        for attempt in (1, 2):
            key = f"m{migration}-rehearse_stop-a{attempt}"
            stage.ran(stage.target, guest.ctid, key, ops.RehearseStop(**words))
        stage.done(stage.target, guest.ctid, ops.RehearsalDrop(**words))
        assert not stage.ask(stage.target, facts.CtStatus(rehearsal)).exists
        assert stage.ask(stage.target, facts.CtStatus(guest.ctid)).exists

    # The way by dump

    def test_a_dump_carries_the_container_over(self, stage: Stage) -> None:
        guest, migration = stage.guest(), stage.migration()
        stage.done(stage.target, guest.ctid, ops.Reserve(migration_id=migration))
        stage.befriend(guest.ctid, migration)
        push = ops.PushArchive(destination=stage.target.address, migration_id=migration)
        stage.start(stage.source, guest.ctid, f"m{migration}-dump-a1", ops.Vzdump(migration_id=migration))
        stage.ran(stage.source, guest.ctid, f"m{migration}-push-a1", push)
        dumped = stage.ran(stage.source, guest.ctid, f"m{migration}-dump-a1", ops.Vzdump(migration_id=migration))
        (archive,) = [line[8:] for line in dumped.output_tail.splitlines() if line.startswith("archive=")]
        digest = facts.Digest(migration, archive)
        assert stage.ask(stage.source, digest) == stage.ask(stage.target, digest)
        stage.ran(stage.target, guest.ctid, f"m{migration}-restore-a1", ops.Restore(migration_id=migration))
        # What was restored still claims the address; starting it now would put it beside the original.
        assert stage.ask(stage.target, facts.CtConfig(guest.ctid)).addresses == (guest.address,)
        stage.done(stage.target, guest.ctid, ops.Strip())
        config = stage.ask(stage.target, facts.CtConfig(guest.ctid))
        assert (config.addresses, config.onboot) == ((), False)
        assert stage.ask(stage.source, facts.CtStatus(guest.ctid)).running

    def test_there_is_nothing_to_restore_without_an_archive(self, stage: Stage) -> None:
        guest, migration = stage.guest(), stage.migration()
        restore = ops.Restore(migration_id=migration)
        assert stage.job(stage.target, guest.ctid, f"m{migration}-early-a1", restore).exit_code == 9
        stage.done(stage.target, guest.ctid, ops.Reserve(migration_id=migration))
        assert stage.job(stage.target, guest.ctid, f"m{migration}-restore-a1", restore).exit_code == 2

    # The old copy

    def test_a_fence_holds_and_comes_off_without_trace(self, stage: Stage) -> None:
        guest, migration = stage.guest(), stage.migration()
        fence = ops.Fence(migration_id=migration, retain_until_epoch=FAR_AWAY)
        before = stage.ask(stage.source, facts.CtConfig(guest.ctid)).text
        assert stage.do(stage.source, guest.ctid, fence).exit_code == 32
        stage.ran(stage.source, guest.ctid, f"m{migration}-stop-a1", ops.Stop(timeout_seconds=60))
        for _ in range(2):
            stage.done(stage.source, guest.ctid, fence)
        record = stage.ask(stage.source, facts.FenceState(guest.ctid))
        assert (record.retained_for, record.retained_until_epoch) == (migration, FAR_AWAY)
        with pytest.raises(FactUnreadable):
            stage.ask(stage.source, facts.CtConfig(guest.ctid))
        assert stage.job(stage.source, guest.ctid, f"m{migration}-start-a1", ops.Start()).exit_code == 105
        retire = ops.Retire(migration_id=migration, now_epoch=FAR_AWAY - 1)
        assert stage.do(stage.source, guest.ctid, retire).exit_code == 1
        for _ in range(2):
            stage.done(stage.source, guest.ctid, ops.Unfence(migration_id=migration))
        assert stage.ask(stage.source, facts.CtConfig(guest.ctid)).text == before
        stage.ran(stage.source, guest.ctid, f"m{migration}-start-a2", ops.Start())

    def test_another_migration_cannot_take_the_fence_off(self, stage: Stage) -> None:
        guest, migration, stranger = stage.guest(), stage.migration(), stage.migration()
        stage.ran(stage.source, guest.ctid, f"m{migration}-stop-a1", ops.Stop(timeout_seconds=60))
        stage.done(stage.source, guest.ctid, ops.Fence(migration_id=migration, retain_until_epoch=FAR_AWAY))
        assert stage.do(stage.source, guest.ctid, ops.Unfence(migration_id=stranger)).exit_code == 9
        retire = ops.Retire(migration_id=stranger, now_epoch=FAR_AWAY)
        assert stage.do(stage.source, guest.ctid, retire).exit_code == 9
        fence = ops.Fence(migration_id=stranger, retain_until_epoch=FAR_AWAY)
        assert stage.do(stage.source, guest.ctid, fence).exit_code == 9

    def test_an_old_copy_makes_room_for_its_container_and_is_kept_as_long(self, stage: Stage) -> None:
        guest, migration, back = stage.guest(), stage.migration(), stage.migration()
        stage.ran(stage.source, guest.ctid, f"m{migration}-stop-a1", ops.Stop(timeout_seconds=60))
        stage.done(stage.source, guest.ctid, ops.Fence(migration_id=migration, retain_until_epoch=FAR_AWAY))
        for _ in range(2):
            stage.done(stage.source, guest.ctid, ops.Reserve(migration_id=back))
        record = stage.ask(stage.source, facts.FenceState(guest.ctid))
        assert (record.incoming_for, record.retained_for) == (back, None)
        assert not stage.ask(stage.source, facts.CtStatus(guest.ctid)).exists
        for migration_id, wanted in ((migration, 1), (back, 9)):
            retire = ops.Retire(migration_id=migration_id, now_epoch=FAR_AWAY)
            assert stage.do(stage.source, guest.ctid, retire).exit_code == wanted
        assert stage.do(stage.source, guest.ctid, ops.Unfence(migration_id=migration)).exit_code == 9
        stage.done(stage.source, guest.ctid, ops.ClearIncoming(migration_id=back))
        assert stage.do(stage.source, guest.ctid, ops.Unfence(migration_id=migration)).exit_code == 9
        stage.done(stage.source, guest.ctid, ops.Reserve(migration_id=stage.migration()))

    # The container and its address

    def test_start_and_stop_say_what_they_found(self, stage: Stage) -> None:
        guest, migration = stage.guest(), stage.migration()
        assert stage.job(stage.source, guest.ctid, f"m{migration}-start-a1", ops.Start()).exit_code == 32
        for attempt in (1, 2):
            key = f"m{migration}-stop-a{attempt}"
            stage.ran(stage.source, guest.ctid, key, ops.Stop(timeout_seconds=60))
        assert stage.job(stage.target, "999999", f"m{migration}-none-a1", ops.Start()).exit_code == 14

    def test_a_frozen_address_is_frozen_for_one_container(self, stage: Stage) -> None:
        guest, other = stage.guest(), stage.guest()
        for _ in range(2):
            stage.done(stage.source, guest.ctid, ops.Freeze(addresses=(guest.address,)))
        assert stage.do(stage.source, other.ctid, ops.Freeze(addresses=(guest.address,))).exit_code == 9
        assert stage.do(stage.source, other.ctid, ops.Unfreeze(addresses=(guest.address,))).exit_code == 9
        assert stage.done(stage.source, guest.ctid, ops.Drained(address=guest.address)).strip() == "0"
        for _ in range(2):
            stage.done(stage.source, guest.ctid, ops.Unfreeze(addresses=(guest.address,)))

    def test_there_is_no_lock_to_clear(self, stage: Stage) -> None:
        guest = stage.guest()
        stage.done(stage.source, guest.ctid, ops.ClearStaleLock())

    def test_the_way_between_the_nodes_is_measured(self, stage: Stage) -> None:
        guest, migration = stage.guest(), stage.migration()
        stage.befriend(guest.ctid, migration)
        op = ops.Measure(destination=stage.target.address, migration_id=migration)
        measured = stage.ran(stage.source, guest.ctid, f"m{migration}-measure-a1", op)
        assert measured.output_tail.startswith("bytes=16777216\nseconds=")

    def test_nothing_of_a_migration_outlives_it(self, stage: Stage) -> None:
        guest, migration = stage.guest(), stage.migration()
        stage.ran(stage.source, guest.ctid, f"m{migration}-backup-a1", ops.Backup(migration_id=migration))
        stage.befriend(guest.ctid, migration)
        for node in (stage.source, stage.target, stage.source):
            stage.done(node, guest.ctid, ops.ForgetWork(migration_id=migration))
        left = stage.ask(stage.source, facts.Work(migration))
        assert (left.files, left.archives, left.authorized_lines, left.jobs) == ({}, {}, 0, ())

    @staticmethod
    def _pass(stage: Stage, ctid: str, migration: int, kind: Pass) -> JobStatus:
        op = ops.Sync(destination=stage.target.address, migration_id=migration, sync_pass=kind)
        return stage.ran(stage.source, ctid, f"m{migration}-{kind}-a1", op)


class LiveContract:
    """Only where nodes can checkpoint."""

    def test_a_live_move_leaves_the_old_configuration_aside(self, stage: Stage) -> None:
        guest, migration = stage.guest(), stage.migration()
        stage.befriend(guest.ctid, migration)
        check = ops.VzmigrateCheck(destination=stage.target.address, migration_id=migration, live=True)
        move = ops.Vzmigrate(destination=stage.target.address, migration_id=migration, live=True)
        stage.ran(stage.source, guest.ctid, f"m{migration}-check-a1", check)
        stage.ran(stage.source, guest.ctid, f"m{migration}-move-a1", move)
        here, there = (stage.ask(node, facts.CtStatus(guest.ctid)) for node in (stage.source, stage.target))
        assert (here.exists, here.running, there.exists, there.running) == (False, False, True, True)
        assert stage.ask(stage.source, facts.CtConfigFiles(guest.ctid)) == {"conf.migrated"}
        assert stage.ask(stage.target, facts.CtConfig(guest.ctid)).addresses == (guest.address,)
        fence = ops.Fence(migration_id=migration, retain_until_epoch=FAR_AWAY)
        for _ in range(2):
            stage.done(stage.source, guest.ctid, fence)
        assert stage.ask(stage.source, facts.FenceState(guest.ctid)).retained_for == migration
