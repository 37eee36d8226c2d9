"""The names of the demo's containers: a zone for each customer, and the one that leads back from addresses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from lab.demo_fleet import FLEET, DemoContainer
from lab.handle import Lab
from lab.names import LabZone, name_servers
from lab.panel import Panel

REVERSE_ZONE = "2.0.192.in-addr.arpa"
LABELS_OF_A_ZONE = 3
# What a customer's zone says besides the addresses of its containers.
MORE = {
    "bakery.example.com": (
        "@ 3600 IN MX 10 mail",
        '@ 3600 IN TXT "v=spf1 ip4:192.0.2.102 -all"',
        "www 3600 IN CNAME shop",
        "@ 3600 IN A 192.0.2.101",
    ),
    "harbour-it.example.net": (
        "* 3600 IN A 192.0.2.105",
        '@ 3600 IN TXT "v=spf1 ip4:192.0.2.104/30 include:bakery.example.com ~all"',
        "_http._tcp 3600 IN SRV 0 0 80 www",
    ),
}


def zones() -> tuple[LabZone, ...]:
    by_zone: dict[str, list[DemoContainer]] = defaultdict(list)
    for container in FLEET:
        by_zone[".".join(container.hostname.split(".")[-LABELS_OF_A_ZONE:])].append(container)
    forward = (LabZone(name=name, lines=[*_hosts(held), *MORE.get(name, ())]) for name, held in by_zone.items())
    reverse = [f"{container.ctid} 3600 IN PTR {container.hostname}." for container in FLEET]
    return (*forward, LabZone(name=REVERSE_ZONE, lines=reverse))


def _hosts(containers: list[DemoContainer]) -> list[str]:
    return [f"{container.hostname.split('.', maxsplit=1)[0]} 3600 IN A {container.address}" for container in containers]


@contextmanager
def served(lab: Lab, panel: Panel) -> Iterator[None]:
    """Serve them, and make them the panel's."""
    with name_servers(lab, zones()) as servers:
        panel.run_module("lab.enlist_names", input=servers.told())
        yield
