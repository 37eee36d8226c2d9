"""Wait until a migration is at a step, or has ended: `python -m lab.follow ID STEP SECONDS` in the panel's place.

Prints one JSON object of how it stands then; without a step it waits for the end.
"""

from __future__ import annotations

import json
import os
import sys
import time

import django

LOOK_SECONDS = 0.2


def main(number: str, step: str, seconds: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ovzpanel.settings")
    django.setup()
    from migrations_app.models import Migration, StepRun

    begun = (StepRun.State.RUNNING, StepRun.State.DONE, StepRun.State.SKIPPED)
    still = (*Migration.ENDED_STATES, Migration.State.PARKED)
    deadline = time.monotonic() + float(seconds)
    while time.monotonic() < deadline:
        row = Migration.objects.get(pk=int(number))
        if row.state in still or (step and row.steps.filter(name=step, state__in=begun).exists()):
            break
        time.sleep(LOOK_SECONDS)
    told = {
        name: getattr(row, name) for name in ("state", "failure", "failure_detail", "freeze_seconds", "bytes_moved")
    }
    told |= {"freeze_forecast_seconds": row.freeze_forecast_seconds, "certificate": row.certificate}
    ended = row.finished_at if row.started_at else None
    told["total_seconds"] = (ended - row.started_at).total_seconds() if ended and row.started_at else None
    turned = row.log.filter(text__startswith="Going back.").order_by("at").first()
    told["way_back_seconds"] = (row.finished_at - turned.at).total_seconds() if turned and row.finished_at else None
    told["at"] = [run.name for run in row.steps.filter(state=StepRun.State.RUNNING)]
    told["forwards"] = list(row.forwards.values("kind", "new_connections", "mended"))
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:4])
