"""A panel in a process of its own, over a pretend fleet: pages and engine as they are, only the nodes are played.

Writes the address it serves on as its first line, and ends when its standard input is closed.
"""

from __future__ import annotations

import os
import sys
import threading
import time

import django

PAUSE_BETWEEN_TICKS_SECONDS = 0.1


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ovzpanel.settings")
    django.setup()
    from django.core.management import call_command  # after setup: these need the apps
    from django.utils import timezone

    from tests.browser import scenery
    from tests.fakes.world import FakeWorld

    call_command("migrate", verbosity=0)
    world = FakeWorld()
    world.clock.set(timezone.now())
    scenery.set_up(world, timezone.now())
    threading.Thread(target=work, args=(world,), daemon=True).start()
    serve()
    sys.stdin.read()


def serve() -> None:
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application

    server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler, ipv6=False)
    server.set_app(get_wsgi_application())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_address[1]}\n")
    sys.stdout.flush()


def work(world: object) -> None:
    """Tick whatever is due, for ever; what the conductor and the queue do in a real installation."""
    from django.utils import timezone

    from migrations_app.models import Migration
    from tests.browser import scenery_names
    from tests.moves import tick

    while True:
        world.clock.set(max(world.clock(), timezone.now()))
        for migration in Migration.objects.due(world.clock()):
            tick(world, migration)
        scenery_names.work(world)
        time.sleep(PAUSE_BETWEEN_TICKS_SECONDS)


if __name__ == "__main__":
    main()
