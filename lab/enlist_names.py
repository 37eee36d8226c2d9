"""Make the lab's name servers and zones the panel's, by the ways a person goes.

Runs in the panel's place, with its settings in the environment; what there is comes as JSON on standard input.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import django


def main(told: dict[str, Any]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ovzpanel.settings")
    django.setup()
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.utils import timezone

    from lab.names import ALGORITHM, KEY_NAME
    from migrations_app.models import Zone
    from migrations_app.usecases.register_name_server import register_name_server
    from migrations_app.usecases.register_update_key import register_update_key
    from migrations_app.usecases.register_zone import register_zone

    ada, now = User.objects.get(username="ada"), timezone.now()
    primary, secondary = (
        register_name_server(name=f"{name}.lab.example", address=told[name], actor=ada, now=now)
        for name in ("ns1", "ns2")
    )
    key = register_update_key(
        name=KEY_NAME, algorithm=ALGORITHM, secret=told["secret"], actor=ada, now=now, settings=settings.OVZ
    )
    for zone in told["zones"]:
        register_zone(
            name=zone,
            provider=Zone.Provider.RFC2136,
            primary=primary,
            secondaries=[secondary],
            key=key,
            actor=ada,
            now=now,
        )


if __name__ == "__main__":
    main(json.load(sys.stdin))
