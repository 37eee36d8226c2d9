"""The worker: conductor, watchdog and the queue's cluster in one command."""

from __future__ import annotations

import logging
import resource
import signal
import time
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error as DatabaseError
from django.db import close_old_connections, connection
from django.utils import timezone

from migrations_app import wiring
from migrations_app.capacity import rounds
from migrations_app.execution import lease
from migrations_app.execution.lookout import Lookout
from migrations_app.management.cluster import ClusterGroup
from migrations_app.management.watchdog import Watchdog
from migrations_app.schedules import call_again, ring_for_everything_due

log = logging.getLogger(__name__)
LOOK_EVERY_SECONDS = 0.2
GUARD_EVERY_SECONDS = 0.5
DATABASE_AWAY_SECONDS = 1.0
# Sockets of the lookout above all; by default a process may open 1024 and raise that by itself.
FILES_WANTED = 16_384


class Command(BaseCommand):
    # Those that read every page wait for `check`: a worker that was killed should be back at once.
    requires_system_checks = ["ovzpanel"]
    help = "Do the work: ring for what is due, keep the queue alive. Any number may run against one database."

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, _stop)
        _allow_many_files()
        rounds.begin(timezone.now())
        cluster = ClusterGroup()
        cluster.sweep()
        cluster.start()
        call_again(timezone.now())
        self.stdout.write("The worker runs. Ctrl-C stops it.")
        try:
            _conduct(cluster, Watchdog(), Lookout(wiring.knocker(), lease.this_process()))
        except KeyboardInterrupt:
            self.stdout.write("Stopping: running ticks end first.")
        finally:
            cluster.stop()


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _allow_many_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(FILES_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _conduct(cluster: ClusterGroup, watchdog: Watchdog, lookout: Lookout) -> None:
    guarded_at = 0.0
    while True:
        try:
            if time.monotonic() - guarded_at >= GUARD_EVERY_SECONDS:
                guarded_at = time.monotonic()
                _guard(cluster, watchdog)
                lookout.look(timezone.now())
            ring_for_everything_due(timezone.now())
            time.sleep(LOOK_EVERY_SECONDS)
        except DatabaseError as away:
            # The database comes back by itself; the jobs on the nodes go on meanwhile.
            log.warning("the database does not answer: %s", away)
            lookout.rest()
            connection.close()
            time.sleep(DATABASE_AWAY_SECONDS)


def _guard(cluster: ClusterGroup, watchdog: Watchdog) -> None:
    close_old_connections()
    lease.release_of_the_dead(timezone.now())
    if not cluster.is_alive():
        _replace(cluster, "its main process ended")
    elif watchdog.looks_dead(timezone.now(), time.monotonic() - cluster.started_at):
        _replace(cluster, "it served nothing for 15 s")


def _replace(cluster: ClusterGroup, why: str) -> None:
    cluster.replace(why)
    call_again(timezone.now())
