"""Parts of the queue's cluster that die alone: the rest hangs or goes on by itself, and is replaced as a whole."""

from __future__ import annotations

import pytest

from tests.durability.fleet import Fleet, until
from tests.durability.killing import groups, kill, kill_groups, members

pytestmark = pytest.mark.lab

REPLACED_WITHIN_SECONDS = 30.0
SERVED_WITHIN_SECONDS = 10.0


def test_a_cluster_whose_idle_workers_were_killed_serves_again(fleet: Fleet) -> None:
    """One of them waits at the queue holding its lock: those that take their places wait for ever."""
    kill_groups(fleet.panel)
    (group,) = _settled(fleet)
    for pid in _workers(group):
        kill(pid)
    took = until(lambda: groups(fleet.panel) not in ([], [group]), seconds=REPLACED_WITHIN_SECONDS)
    until(lambda: members(group) == {}, seconds=2)
    assert took > 1, "this was no hang"
    _serves(fleet)


@pytest.mark.parametrize("part", ["its main process", "its sentinel"])
def test_a_cluster_whose_head_was_killed_is_replaced(fleet: Fleet, part: str) -> None:
    """What is left of it would go on taking tasks, looked after by nobody."""
    (group,) = _settled(fleet)
    sentinel = next(pid for pid, parent in members(group).items() if parent == group)
    kill(group if part == "its main process" else sentinel)
    until(lambda: groups(fleet.panel) not in ([], [group]), seconds=REPLACED_WITHIN_SECONDS)
    until(lambda: members(group) == {}, seconds=2)
    _serves(fleet)


def test_a_worker_command_started_anew_sweeps_what_the_killed_one_left(fleet: Fleet) -> None:
    """The command and the cluster's main process die at once: nobody is left to end the others."""
    (group,) = _settled(fleet)
    kill(group)
    fleet.panel.kill()
    left = members(group)
    assert left
    fleet.panel.start_worker()
    until(lambda: members(group) == {}, seconds=SERVED_WITHIN_SECONDS)
    _serves(fleet)


def test_a_worker_command_that_is_killed_takes_its_cluster_along(fleet: Fleet) -> None:
    (group,) = _settled(fleet)
    fleet.panel.kill()
    try:
        until(lambda: members(group) == {}, seconds=5)
    finally:
        fleet.panel.start_worker()
    _serves(fleet)


def _settled(fleet: Fleet) -> list[int]:
    """Return the one cluster's group, once it serves."""
    until(lambda: len(groups(fleet.panel)) == 1, seconds=SERVED_WITHIN_SECONDS)
    _serves(fleet)
    return groups(fleet.panel)


def _serves(fleet: Fleet) -> None:
    """Wait until a canary that is sung from now on comes back."""
    sung = "SELECT count(*) FROM django_q_task WHERE func = 'migrations_app.tasks.canary' AND stopped > ?"
    now = fleet.rows("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")[0][0]
    until(lambda: bool(fleet.rows(sung, now)[0][0]), seconds=REPLACED_WITHIN_SECONDS + SERVED_WITHIN_SECONDS)


def _workers(group: int) -> list[int]:
    """Return the two workers of a fresh cluster: its sentinel makes them first."""
    tree = members(group)
    sentinel = next(pid for pid, parent in tree.items() if parent == group)
    return [pid for pid, parent in tree.items() if parent == sentinel][:2]
