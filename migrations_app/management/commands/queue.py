"""Run the queue's cluster for ``work``; not meant to be started by hand."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand
from django_q.cluster import Cluster

import migrations_app.tasks  # noqa: F401  # before the fork: a worker in the place of a killed one serves at once
from migrations_app import wiring


class Command(BaseCommand):
    help = "The django-q2 cluster, as part of `work`: ends when the pipe on its standard input is closed."

    requires_system_checks = []  # `work` has made them

    def handle(self, *args: Any, **options: Any) -> None:
        wiring.outside()  # loaded before the fork too; the panel's key is made at the first start: pages show it
        cluster = Cluster()
        cluster.start()
        threading.Thread(target=_end_with_the_worker_command, daemon=True).start()
        # The parts of a cluster survive each other; without its sentinel the rest is of no use.
        while cluster.sentinel.is_alive():
            time.sleep(0.5)


def _end_with_the_worker_command() -> None:
    sys.stdin.buffer.read()
    os.killpg(os.getpgrp(), signal.SIGKILL)
