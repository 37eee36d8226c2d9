"""Is everything reachable and sane?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django_q.models import Task

from migrations_app import wiring
from migrations_app.adapters.ssh_key import PanelKeyUnreadable
from migrations_app.usecases.examine import Checkup, examine_database, examine_installation


class Command(BaseCommand):
    help = "Say what is reachable and sane, one line each; exit 1 on a fault."

    def handle(self, *args: Any, **options: Any) -> None:
        faults = 0
        for checkup in _checkups():
            faults += not checkup.ok
            self.stdout.write(f"{'ok   ' if checkup.ok else 'FAULT'} {checkup.subject}: {checkup.found}")
        if faults:
            raise CommandError(f"faults: {faults}")


def _checkups() -> Iterator[Checkup]:
    database = examine_database()
    yield database
    if not database.ok:
        return
    try:
        outside = wiring.outside()
    except PanelKeyUnreadable as refusal:
        yield Checkup(subject="key file", found=str(refusal), ok=False)
        return
    yield from examine_installation(
        outside=outside,
        settings=settings.OVZ,
        mail_server=(settings.EMAIL_HOST, settings.EMAIL_PORT),
        served_at=_queue_served_at(),
    )


def _queue_served_at() -> datetime | None:
    served_at: datetime | None = Task.objects.order_by("-stopped").values_list("stopped", flat=True).first()
    return served_at
