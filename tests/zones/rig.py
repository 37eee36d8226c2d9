"""A small hosting company's names, on pretend servers: a forward and a reverse zone, a primary and a secondary."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings

from migrations_app.execution.outside import Outside
from migrations_app.models import Publication, Zone
from migrations_app.ports.nameserver import Key
from migrations_app.usecases.advance_names import advance_names
from migrations_app.usecases.plan_names import plan_names
from migrations_app.usecases.publish_names import publish_names
from migrations_app.usecases.read_zone import read_zone
from tests.factories import make_name_server, make_update_key, make_zone
from tests.fakes.nameserver import FakeNameServers, FakeServer, FakeZone
from tests.fakes.world import FakeWorld

KEY = Key(name="panel.", algorithm="hmac-sha256", secret=base64.b64encode(b"thirty-two octets, all of them..").decode())
NS1, NS2 = ("192.0.2.53", 53), ("192.0.2.54", 53)
FORWARD, REVERSE = "example.net.", "2.0.192.in-addr.arpa."
OLD, NEW = "192.0.2.101", "192.0.2.201"
MOST_STRETCHES = 60


def forward_zone(ttl: int) -> FakeZone:
    zone = FakeZone(name=FORWARD)
    zone.put(FORWARD, "NS", ttl, "ns1.example.net.", "ns2.example.net.")
    zone.put(FORWARD, "MX", ttl, "10 shop.example.net.")
    zone.put(FORWARD, "TXT", ttl, '"v=spf1 ip4:192.0.2.101 -all"', '"site=abc"')
    zone.put("ns1.example.net.", "A", ttl, "192.0.2.53")
    zone.put("ns2.example.net.", "A", ttl, "192.0.2.54")
    zone.put("shop.example.net.", "A", ttl, OLD)
    zone.put("www.example.net.", "CNAME", ttl, "shop.example.net.")
    zone.put("pool.example.net.", "A", 300, OLD, "192.0.2.102")
    for number in range(10):
        zone.put(f"other-{number}.example.net.", "A", ttl, f"192.0.2.{number + 10}")
    return zone


def reverse_zone(ttl: int) -> FakeZone:
    zone = FakeZone(name=REVERSE)
    zone.put(REVERSE, "NS", ttl, "ns1.example.net.", "ns2.example.net.")
    zone.put("101.2.0.192.in-addr.arpa.", "PTR", ttl, "shop.example.net.")
    return zone


@dataclass
class Names:
    """The servers, the rows that know them, and the panel's worker in one hand."""

    world: FakeWorld
    primary: FakeServer
    secondary: FakeServer
    zones: dict[str, Zone]

    @property
    def servers(self) -> FakeNameServers:
        return self.world.nameservers

    @property
    def outside(self) -> Outside:
        return self.world.outside

    @property
    def forward(self) -> FakeZone:
        return self.primary.zones[FORWARD]

    @property
    def reverse(self) -> FakeZone:
        return self.primary.zones[REVERSE]

    def values(self, name: str, type: str) -> tuple[str, ...]:
        zone = self.primary.zone_of(name)
        found = zone.get(name, type) if zone else None
        return found.values if found else ()

    def read(self) -> None:
        for zone in self.zones.values():
            read_zone(zone_id=zone.pk, outside=self.outside, settings=settings.OVZ)
        self.world.clock.advance(1)

    def ask(self, *pairs: tuple[str, str], **more: Any) -> Publication:
        """Ask for a difference, and have it worked out."""
        asked: dict[str, Any] = {"ttl_seconds": 60, "actor": None, "now": self.world.clock()} | more
        self.world.clock.advance(1)
        return self.settle(plan_names(pairs=pairs or ((OLD, NEW),), **asked))

    def publish(self, row: Publication, **more: Any) -> Publication:
        publish_names(publication=row, digest=row.digest, actor=None, now=self.world.clock(), **more)
        return self.settle(row)

    def settle(self, row: Publication, *, patience: int = MOST_STRETCHES) -> Publication:
        """Carry it forward as the worker does, until nothing more is due or patience ends."""
        for _ in range(patience):
            row.refresh_from_db()
            if not row.is_busy:
                break
            if row.next_look_at and row.next_look_at > self.world.clock():
                self.world.clock.set(row.next_look_at)
            advance_names(publication_id=row.pk, outside=self.outside, settings=settings.OVZ)
        row.refresh_from_db()
        return row


def make_names(world: FakeWorld, *, ttl_seconds: int = 3600) -> Names:
    zones = {FORWARD: forward_zone(ttl_seconds), REVERSE: reverse_zone(ttl_seconds)}
    primary = world.nameservers.add(NS1, FakeServer(zones=zones, keys={KEY.name: KEY}))
    secondary = world.nameservers.add(NS2, FakeServer(zones=zones))
    key = make_update_key(key=KEY)
    ns1 = make_name_server()
    ns2 = make_name_server(name="ns2.example.net", address=NS2[0])
    rows = {
        name: make_zone(name=name.rstrip("."), primary=ns1, key=key, secondaries=[ns2]) for name in (FORWARD, REVERSE)
    }
    return Names(world=world, primary=primary, secondary=secondary, zones=rows)


def fall_behind(names: Names) -> None:
    """From now on the secondary keeps what it has."""
    names.secondary.zones = {
        name: replace(zone, rrsets=dict(zone.rrsets)) for name, zone in names.primary.zones.items()
    }
