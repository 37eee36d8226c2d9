"""The demo's zones, as BIND would read them, and what the panel finds in them."""

from __future__ import annotations

import dns.zone

from lab import demo_names
from lab.demo_fleet import FLEET


def test_every_container_of_the_demo_has_a_name_that_leads_there_and_back() -> None:
    zones = {one.name: dns.zone.from_text(one.text(), one.name) for one in demo_names.zones()}
    reverse = zones.pop(demo_names.REVERSE_ZONE)
    for container in FLEET:
        host, _, domain = container.hostname.partition(".")
        assert [str(one) for one in zones[domain].find_rdataset(host, "A")] == [container.address]
        assert [str(one) for one in reverse.find_rdataset(str(container.ctid), "PTR")] == [f"{container.hostname}."]
