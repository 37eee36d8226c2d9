"""A worker that sleeps longer than its lease wakes up to nothing: no node obeys it and no row takes its words."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from lab.panel import ROOT
from tests.durability.fleet import Fleet, until

pytestmark = pytest.mark.lab

# A worker of the panel's own code, but with a short lease and with a stop just before it would start the target's copy.
SLEEPY_WORKER = """
import dataclasses, json, os, signal, sys
from datetime import timedelta
from django.conf import settings
from migrations_app import wiring
from migrations_app.execution import engine, lease
from migrations_app.usecases.advance_migration import advance_migration

lease.LEASE = timedelta(seconds=2)
said = []


class SleepyShell:
    def __init__(self, shell):
        self.shell = shell

    def call(self, endpoint, words, **rest):
        if words[:2] == ("job", "run") and words[6] == "start" and not said:
            said.append("asleep")
            os.kill(os.getpid(), signal.SIGSTOP)
        reply = self.shell.call(endpoint, words, **rest)
        if said:
            said.append([reply.exit_code, reply.error.strip()])
        return reply


outside = wiring.outside()
outside = dataclasses.replace(outside, shell=SleepyShell(outside.shell))
while not said:
    try:
        advance_migration(migration_id={migration}, outside=outside, settings=settings.OVZ)
    except engine.LeaseTaken as late:
        if said:
            said.append(str(late))
print(json.dumps(said))
"""


def test_a_worker_stopped_for_longer_than_its_lease_is_refused(fleet: Fleet) -> None:
    """It sleeps in the moment in which it would start the container; a newer one has done that when it wakes."""
    (container,) = fleet.make_containers(1)
    fleet.panel.kill()
    with fleet.lab.watch() as watching:
        (number,) = fleet.order([(container, "stream")])
        sleepy = _start_sleepy_worker(fleet, number)
        try:
            until(lambda: _is_stopped(sleepy.pid), seconds=60)
            fleet.panel.start_worker()
            fleet.await_end([number], seconds=60)
        finally:
            os.kill(sleepy.pid, signal.SIGCONT)
        told, _ = sleepy.communicate(timeout=30)
    asleep, (exit_code, error), taken = json.loads(told)
    assert (asleep, exit_code) == ("asleep", 75)
    assert error.startswith("fenced")
    assert taken
    assert fleet.outcome(number)["state"] == "done"
    assert watching.report.max_copies_running == 1


def _start_sleepy_worker(fleet: Fleet, migration: int) -> subprocess.Popen[str]:
    code = SLEEPY_WORKER.format(migration=migration)
    command = [sys.executable, str(ROOT / "manage.py"), "shell", "--no-imports", "-c", code]
    return subprocess.Popen(
        fleet.lab.argv_in("panel", command),
        cwd=ROOT,
        env=fleet.panel.environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def _is_stopped(pid: int) -> bool:
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] == "T"
