"""Be the second person: `python -m lab.agree MIGRATION USER SECONDS` in the panel's place.

Waits until the migration asks for approval, and gives it by the way a person goes, with all its rules.
"""

from __future__ import annotations

import os
import sys
import time

import django

LOOK_SECONDS = 0.2


def main(number: str, name: str, seconds: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ovzpanel.settings")
    django.setup()
    from django.contrib.auth.models import User
    from django.utils import timezone

    from migrations_app.models import Approval, Migration
    from migrations_app.usecases.decide_approval import decide_approval

    asked = Approval.objects.of(Approval.Kind.MIGRATION, int(number)).filter(state=Approval.State.ASKED)
    still = (*Migration.ENDED_STATES, Migration.State.PARKED)
    deadline = time.monotonic() + float(seconds)
    while not (approval := asked.first()):
        if time.monotonic() > deadline or Migration.objects.filter(pk=int(number), state__in=still).exists():
            return  # whoever follows the migration finds out why
        time.sleep(LOOK_SECONDS)
    user = User.objects.get(username=name)
    decide_approval(approval=approval, decision="approve", comment="the proof", actor=user, now=timezone.now())


if __name__ == "__main__":
    main(*sys.argv[1:4])
