"""One worker at a time, and a late one neither writes nor is obeyed."""

from __future__ import annotations

import os
import signal
import subprocess
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from migrations_app.execution import lease, recorder
from migrations_app.execution.lease import LeaseLost, LeaseTaken
from migrations_app.models import Migration, StepRun
from migrations_app.schedules import call_again, ring_for_everything_due
from tests.execution.stage import Stage, begun
from tests.factories import make_migration
from tests.fakes.clock import START

pytestmark = pytest.mark.django_db

AT_REST = (Migration.State.PAUSED, Migration.State.DONE, Migration.State.ROLLED_BACK, Migration.State.CANCELLED)


def test_one_worker_holds_it_at_a_time() -> None:
    migration = make_migration()
    with lease.held(migration.pk), pytest.raises(LeaseTaken), lease.held(migration.pk):
        pass


def test_it_is_free_again_afterwards() -> None:
    migration = make_migration()
    with lease.held(migration.pk):
        pass
    migration.refresh_from_db()
    assert (migration.lease_until, migration.lease_holder) == (None, "")


def test_it_is_free_again_after_an_error() -> None:
    migration = make_migration()
    with pytest.raises(ZeroDivisionError), lease.held(migration.pk):
        raise ZeroDivisionError
    with lease.held(migration.pk):
        pass


def test_its_token_rises_every_time() -> None:
    migration = make_migration(lease_token=41)
    tokens = []
    for _ in range(3):
        with lease.held(migration.pk) as held:
            tokens.append(held.token)
    assert tokens == [42, 43, 44]


@pytest.mark.parametrize("state", AT_REST)
def test_it_refuses_a_migration_that_has_nothing_to_do(state: str) -> None:
    migration = make_migration(state=state)
    with pytest.raises(LeaseTaken), lease.held(migration.pk):
        pass


def test_it_refuses_a_migration_that_is_not_there(db: None) -> None:
    with pytest.raises(LeaseTaken), lease.held(4711):
        pass


def test_it_lasts_its_term_and_not_longer() -> None:
    migration = make_migration()
    with lease.held(migration.pk):
        before = _row(migration).lease_until
        assert before is not None
        left = before - timezone.now()
        assert lease.LEASE - timedelta(seconds=2) < left <= lease.LEASE + timedelta(seconds=1)


def test_another_takes_what_has_run_out() -> None:
    migration = make_migration()
    with lease.held(migration.pk) as late:
        _run_out(migration)
        with lease.held(migration.pk) as newest:
            assert newest.token == late.token + 1


def test_a_late_worker_cannot_renew() -> None:
    migration = make_migration()
    with lease.held(migration.pk) as late:
        _run_out(migration)
        with lease.held(migration.pk), pytest.raises(LeaseLost):
            late.renew()


def test_a_late_worker_writes_no_step(stage: Stage) -> None:
    migration = stage.play("one", **begun())
    run = migration.steps.get()
    with lease.held(migration.pk) as late:
        _run_out(migration)
        with lease.held(migration.pk), pytest.raises(LeaseLost):
            recorder.finish(run, late, now=START, evidence={"late": True})
    run.refresh_from_db()
    assert (run.state, run.evidence) == (StepRun.State.PENDING, {})


def test_a_late_worker_gives_back_nothing() -> None:
    """When it ends, the newest worker's lease stays."""
    migration = make_migration()
    late = lease.held(migration.pk)
    late.__enter__()
    _run_out(migration)
    with lease.held(migration.pk) as newest:
        late.__exit__(None, None, None)
        row = _row(migration)
        assert (row.lease_token, row.lease_holder) == (newest.token, lease.this_process())
        assert row.lease_until is not None


def test_that_of_a_dead_process_is_released() -> None:
    migration = make_migration(lease_until=_later(), lease_holder=_name_of_a_dead_process())
    assert lease.release_of_the_dead(timezone.now()) == 1
    with lease.held(migration.pk):
        pass


def test_that_of_a_process_nobody_has_buried_is_released() -> None:
    """A killed worker stays in the list of processes until its parent looks."""
    killed = subprocess.Popen(["sleep", "60"])
    make_migration(lease_until=_later(), lease_holder=_name_of(killed.pid))
    killed.kill()
    os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)
    try:
        assert lease.release_of_the_dead(timezone.now()) == 1
    finally:
        killed.wait()


def test_that_of_a_stopped_process_is_not_released() -> None:
    """It may go on any moment: only its term frees the migration, and its token tells it apart."""
    stopped = subprocess.Popen(["sleep", "60"])
    try:
        stopped.send_signal(signal.SIGSTOP)
        make_migration(lease_until=_later(), lease_holder=_name_of(stopped.pid))
        assert lease.release_of_the_dead(timezone.now()) == 0
    finally:
        stopped.kill()
        stopped.wait()


def test_that_of_another_host_is_not_released() -> None:
    make_migration(lease_until=_later(), lease_holder="elsewhere/0a1b2c3d:4242:99")
    assert lease.release_of_the_dead(timezone.now()) == 0


def test_its_own_is_not_released() -> None:
    migration = make_migration()
    with lease.held(migration.pk):
        assert lease.release_of_the_dead(timezone.now()) == 0


def test_a_released_migration_is_due_at_once() -> None:
    """It may be frozen: nobody waits until the lost ring would be heard again."""
    make_migration(**begun(), lease_until=_later(), lease_holder=_name_of_a_dead_process(), next_tick_at=_later())
    lease.release_of_the_dead(timezone.now())
    assert ring_for_everything_due(timezone.now()) == 1


def test_a_released_migration_that_waits_for_a_person_goes_on_waiting() -> None:
    migration = make_migration(
        state=Migration.State.PARKED,
        lease_until=_later(),
        lease_holder=_name_of_a_dead_process(),
        next_tick_at=None,
    )
    lease.release_of_the_dead(timezone.now())
    assert _row(migration).next_tick_at is None


def test_the_next_token_is_above_all_that_were_given() -> None:
    make_migration(lease_token=2**40, state=Migration.State.DONE)
    newest = Migration.objects.get()
    assert lease.next_token(newest.ctid, START) == 2**40 + 1


def test_the_next_token_rises_with_time_even_when_the_rows_are_lost() -> None:
    assert lease.next_token("101", START) == int(START.timestamp())


def _row(migration: Migration) -> Migration:
    return Migration.objects.get(pk=migration.pk)


def _run_out(migration: Migration) -> None:
    Migration.objects.filter(pk=migration.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def _later() -> datetime:
    return timezone.now() + timedelta(seconds=20)


def _name_of(pid: int) -> str:
    here, _, _ = lease.this_process().rsplit(":", 2)
    with open(f"/proc/{pid}/stat") as stat:
        return f"{here}:{pid}:{stat.read().rpartition(')')[2].split()[19]}"


def _name_of_a_dead_process() -> str:
    process = subprocess.Popen(["sleep", "60"])
    name = _name_of(process.pid)
    process.kill()
    process.wait()
    return name


def test_what_a_killed_queue_had_taken_is_called_again() -> None:
    """It was rung for, its next ring is six seconds away, and nobody is left who heard the first one."""
    make_migration(**begun(), next_tick_at=timezone.now())
    assert ring_for_everything_due(timezone.now()) == 1
    assert ring_for_everything_due(timezone.now()) == 0
    call_again(timezone.now())
    assert ring_for_everything_due(timezone.now()) == 1


def test_what_waits_for_long_is_not_called_early() -> None:
    make_migration(**begun(), next_tick_at=_later())
    call_again(timezone.now())
    assert ring_for_everything_due(timezone.now()) == 0
