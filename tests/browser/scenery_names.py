"""Names on the stage: zones on pretend servers, and a difference in every state a page can show."""

from __future__ import annotations

from django.conf import settings

from migrations_app.models import Container, Publication
from migrations_app.ports.nameserver import NameServerUnreachable, Server
from migrations_app.usecases.advance_names import advance_names
from migrations_app.usecases.publish_names import publish_names
from tests.factories import make_name_server, make_zone
from tests.fakes.nameserver import FakeServer, FakeZone
from tests.fakes.world import FakeWorld
from tests.zones.rig import FORWARD, NEW, OLD, Names, fall_behind, make_names

RESOLVER = ("192.0.2.2", 53)
HOSTILE = '"<img src=x onerror=1> at 192.0.2.101"'


def set_up(world: FakeWorld, container: Container) -> None:
    """Differences 1 to 5: verified; with objections and warnings; void; lagging; to be published."""
    names = make_names(world)
    _elsewhere(world)
    names.publish(names.ask(container=container))
    _with_everything(names, container)
    _void(names)
    names.ask(("192.0.2.10", "192.0.2.210"))
    _lagging(names)
    _troubled_zone()


def work(world: FakeWorld) -> None:
    for row in Publication.objects.due(world.clock()):
        advance_names(publication_id=row.pk, outside=world.outside, settings=settings.OVZ)


def _elsewhere(world: FakeWorld) -> None:
    zone = FakeZone(name="customer.example.")
    zone.put("www.customer.example.", "A", 3600, NEW)
    world.nameservers.add(RESOLVER, FakeServer(zones={zone.name: zone}))
    world.resolvers = (Server(name="resolver", address=RESOLVER[0]),)


def _with_everything(names: Names, container: Container) -> None:
    zone = names.forward
    zone.put(FORWARD, "TXT", 3600, f'"v=spf1 ip4:{NEW} ptr include:_spf.mailer.example -all"', '"v=spf1 -all"')
    zone.put("note.example.net.", "TXT", 3600, HOSTILE.replace(OLD, NEW))
    zone.put("_443._tcp.shop.example.net.", "TLSA", 3600, "3 1 1 " + "ab" * 32)
    zone.put("*.wild.example.net.", "A", 3600, NEW)
    names.ask((NEW, "198.51.100.77"), container=container, names=["www.customer.example"])


def _void(names: Names) -> None:
    row = names.ask(("192.0.2.11", "192.0.2.211"))
    names.forward.put("other-1.example.net.", "A", 3600, "192.0.2.77")
    names.publish(row)


def _lagging(names: Names) -> None:
    row = names.ask(("192.0.2.12", "192.0.2.212"))
    fall_behind(names)
    publish_names(publication=row, digest=row.digest, actor=None, now=names.world.clock())
    names.settle(row, patience=3)


def _troubled_zone() -> None:
    far = make_name_server(name="ns.far.example.org", address="198.51.100.53", second_address="2001:db8::53", port=5353)
    make_zone(name="far.example.org", primary=far, fault=NameServerUnreachable.__name__, fault_detail="No route to it.")
