"""What every name server keeps to, the pretend one included."""

from __future__ import annotations

import base64
import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from migrations_app.ports.nameserver import (
    Key,
    NameServer,
    NameServerError,
    NameServerRefused,
    NotAuthoritative,
    PrerequisiteFailed,
    Requirement,
    RRset,
    Server,
    Update,
    UpdateKeyUnknown,
    UpdateSecretDiffers,
    Way,
)
from migrations_app.zones import propagation, publish
from migrations_app.zones.build import build
from migrations_app.zones.plan import Plan
from migrations_app.zones.publish import Conflict, Settled
from migrations_app.zones.rfc2136 import NameServerProvider
from migrations_app.zones.swap import checked_swaps
from migrations_app.zones.world import World, ZoneView
from tests.nameservers.ground import KEY, REVERSE, ZONE

WRITERS = 20
_numbers = itertools.count(1)


def a(name: str, *values: str, ttl: int = 300) -> RRset:
    return RRset(name=name, type="A", ttl=ttl, values=values)


def fresh_name() -> str:
    return f"t{next(_numbers)}.{ZONE}"


class NameServerContract:
    """Mixed into a test class whose fixtures ``net`` and ``server`` hold the zones of tests/nameservers/ground.py."""

    def put(self, net: NameServer, server: Server, *puts: RRset, requires: tuple[Requirement, ...] = ()) -> None:
        net.update(server, Update(zone=ZONE, requires=requires, puts=puts), key=KEY)

    def held(self, net: NameServer, server: Server, name: str, type: str = "A") -> RRset | None:
        return net.ask(server, name, type, way=Way.TCP).find(name, type)

    def serial(self, net: NameServer, server: Server) -> int:
        return publish.serial_of(self.soa(net, server))

    def soa(self, net: NameServer, server: Server) -> RRset:
        found = self.held(net, server, ZONE, "SOA")
        assert found is not None
        return found

    def provider(self, net: NameServer, server: Server) -> NameServerProvider:
        return NameServerProvider(nameserver=net, server=server, key=KEY)

    def plan(self, net: NameServer, server: Server, old: str = "192.0.2.101", new: str = "192.0.2.201") -> Plan:
        transfers = {zone: net.transfer(server, zone, key=KEY) for zone in (ZONE, REVERSE)}
        views = [
            ZoneView(name=zone, server="ns1", serial=found.serial, rrsets=found.rrsets)
            for zone, found in transfers.items()
        ]
        return build(World(zones=views), checked_swaps([(old, new)]), ttl_seconds=60)

    # Asking

    @pytest.mark.parametrize("way", list(Way))
    def test_it_answers_for_its_zone(self, net: NameServer, server: Server, way: Way) -> None:
        answer = net.ask(server, f"ns1.{ZONE}", "A", way=way)
        assert (answer.rcode, answer.authoritative) == ("NOERROR", True)
        assert answer.find(f"ns1.{ZONE}", "A") == a(f"ns1.{ZONE}", "192.0.2.53", ttl=3600)

    def test_it_says_what_is_not_there_and_for_how_long_that_may_be_kept(self, net: NameServer, server: Server) -> None:
        answer = net.ask(server, f"nobody.{ZONE}", "A")
        assert (answer.rcode, answer.answer) == ("NXDOMAIN", ())
        assert [one.type for one in answer.authority] == ["SOA"]

    def test_it_refuses_what_is_not_its_own(self, net: NameServer, server: Server) -> None:
        with pytest.raises(NameServerRefused, match="REFUSED"):
            net.ask(server, "www.elsewhere.org.", "A")

    def test_it_gives_the_whole_zone(self, net: NameServer, server: Server) -> None:
        found = net.transfer(server, ZONE, key=KEY)
        held = {(one.name, one.type): one.values for one in found.rrsets}
        assert held[ZONE, "TXT"] == ('"site=abc"', '"v=spf1 ip4:192.0.2.101 -all"')
        assert held["*.wild.example.net.", "A"] == ("192.0.2.101",)
        assert held["ns.inner.example.net.", "A"] == ("192.0.2.101",)
        assert found.serial == self.serial(net, server)

    # Changing

    def test_it_changes_what_is_as_required(self, net: NameServer, server: Server) -> None:
        name, before = fresh_name(), self.serial(net, server)
        self.put(net, server, a(name, "192.0.2.1"), requires=(Requirement(name=name, type="A"),))
        required = Requirement(name=name, type="A", values=("192.0.2.1",))
        self.put(net, server, a(name, "192.0.2.2", "192.0.2.3", ttl=60), requires=(required,))
        assert self.held(net, server, name) == a(name, "192.0.2.2", "192.0.2.3", ttl=60)
        assert propagation.is_not_older(self.serial(net, server), before + 1)

    @pytest.mark.parametrize(
        "required", [("192.0.2.9",), ("192.0.2.1",), ("192.0.2.1", "192.0.2.2", "192.0.2.3"), ()], ids=len
    )
    def test_a_requirement_means_the_whole_rrset(
        self, net: NameServer, server: Server, required: tuple[str, ...]
    ) -> None:
        name = fresh_name()
        self.put(net, server, a(name, "192.0.2.1", "192.0.2.2"))
        with pytest.raises(PrerequisiteFailed, match="RRSET"):
            self.put(net, server, a(name, "192.0.2.7"), requires=(Requirement(name=name, type="A", values=required),))
        assert self.held(net, server, name) == a(name, "192.0.2.1", "192.0.2.2")

    def test_a_requirement_does_not_see_ttls_but_the_serial_does(self, net: NameServer, server: Server) -> None:
        name = fresh_name()
        self.put(net, server, a(name, "192.0.2.1", ttl=3600))
        stale = Requirement(name=ZONE, type="SOA", values=self.soa(net, server).values)
        self.put(net, server, a(name, "192.0.2.1", ttl=7200))
        with pytest.raises(PrerequisiteFailed, match="NXRRSET"):
            self.put(net, server, a(name, "192.0.2.1", ttl=60), requires=(stale,))
        fresh = Requirement(name=ZONE, type="SOA", values=self.soa(net, server).values)
        self.put(net, server, a(name, "192.0.2.1", ttl=60), requires=(fresh,))
        assert self.held(net, server, name) == a(name, "192.0.2.1", ttl=60)

    def test_it_changes_all_or_nothing(self, net: NameServer, server: Server) -> None:
        first, second = fresh_name(), fresh_name()
        self.put(net, server, a(first, "192.0.2.1"), a(second, "192.0.2.1"))
        required = Requirement(name=second, type="A", values=("192.0.2.9",))
        with pytest.raises(PrerequisiteFailed):
            self.put(net, server, a(first, "192.0.2.2"), a(second, "192.0.2.2"), requires=(required,))
        assert self.held(net, server, first) == a(first, "192.0.2.1")

    def test_it_removes(self, net: NameServer, server: Server) -> None:
        name = fresh_name()
        self.put(net, server, a(name, "192.0.2.1"))
        self.put(net, server, a(name))
        assert self.held(net, server, name) is None

    def test_it_lets_one_of_many_writers_through(self, net: NameServer, server: Server) -> None:
        name = fresh_name()
        self.put(net, server, a(name, "192.0.2.1"))
        required = Requirement(name=name, type="A", values=("192.0.2.1",))

        def write(number: int) -> bool:
            try:
                self.put(net, server, a(name, f"192.0.2.{100 + number}"), requires=(required,))
            except PrerequisiteFailed:
                return False
            return True

        with ThreadPoolExecutor(WRITERS) as pool:
            wins = [number for number, won in enumerate(pool.map(write, range(WRITERS))) if won]
        assert len(wins) == 1
        assert self.held(net, server, name) == a(name, f"192.0.2.{100 + wins[0]}")

    @pytest.mark.parametrize(
        ("key", "error"),
        [
            (None, NameServerRefused),
            (replace(KEY, name="nobody."), UpdateKeyUnknown),
            (replace(KEY, secret=base64.b64encode(b"x" * 32).decode()), UpdateSecretDiffers),
        ],
        ids=["unsigned", "unknown", "wrong secret"],
    )
    def test_it_lets_nobody_else_change_anything(
        self, net: NameServer, server: Server, key: Key | None, error: type[NameServerError]
    ) -> None:
        name = fresh_name()
        with pytest.raises((error, NotAuthoritative, NameServerRefused)) as seen:
            net.update(server, Update(zone=ZONE, requires=(), puts=(a(name, "192.0.2.1"),)), key=key)
        assert seen.value.server == server.name
        assert seen.value.rcode
        assert self.held(net, server, name) is None

    # Publishing

    def test_it_is_brought_to_a_plan_and_back(self, net: NameServer, server: Server) -> None:
        before = {zone: net.transfer(server, zone, key=KEY).rrsets for zone in (ZONE, REVERSE)}
        plan, provider = self.plan(net, server), self.provider(net, server)
        assert {f"*.wild.{ZONE}", f"ns.inner.{ZONE}", f"pool.{ZONE}"} < {change.name for change in plan.changes}
        for zone in plan.zones:
            result = publish.settle(provider, zone, plan.in_zone(zone))
            assert isinstance(result, Settled)
            seen = propagation.look_at(net, server, plan.in_zone(zone), serial=result.serial)
            assert seen.troubles == ()
        for zone in plan.zones:
            assert isinstance(publish.settle(provider, zone, plan.inverse().in_zone(zone)), Settled)
            after = net.transfer(server, zone, key=KEY).rrsets
            assert _without_ttls(after) == _without_ttls(before[zone])

    def test_it_is_sent_nothing_where_all_is_as_wanted(self, net: NameServer, server: Server) -> None:
        name = fresh_name()
        self.put(net, server, a(name, "198.51.100.7"))
        plan, provider = self.plan(net, server, "198.51.100.7", "198.51.100.8"), self.provider(net, server)
        first = publish.settle(provider, ZONE, plan.in_zone(ZONE))
        again = publish.settle(provider, ZONE, plan.in_zone(ZONE))
        assert isinstance(first, Settled)
        assert isinstance(again, Settled)
        assert (first.sent, again.sent, again.serial) == (1, 0, first.serial)

    def test_what_somebody_changed_is_a_conflict(self, net: NameServer, server: Server) -> None:
        name = fresh_name()
        self.put(net, server, a(name, "198.51.100.17"))
        plan = self.plan(net, server, "198.51.100.17", "198.51.100.18")
        self.put(net, server, a(name, "198.51.100.99"))
        result = publish.settle(self.provider(net, server), ZONE, plan.in_zone(ZONE))
        assert isinstance(result, Conflict)
        assert "198.51.100.99" in result.drifts[0].words
        assert self.held(net, server, name) == a(name, "198.51.100.99")

    def test_an_alias_put_in_the_way_is_a_conflict(self, net: NameServer, server: Server) -> None:
        """Servers say yes to an address at an alias, and do nothing."""
        name = fresh_name()
        self.put(net, server, a(name, "198.51.100.27"))
        plan = self.plan(net, server, "198.51.100.27", "198.51.100.28")
        self.put(net, server, a(name))
        self.put(net, server, RRset(name=name, type="CNAME", ttl=60, values=(f"ns1.{ZONE}",)))
        result = publish.settle(self.provider(net, server), ZONE, plan.in_zone(ZONE))
        assert isinstance(result, Conflict)
        assert result.drifts[0].found.type == "CNAME"

    def test_a_wildcards_answer_is_not_taken_for_a_record(self, net: NameServer, server: Server) -> None:
        provider = self.provider(net, server)
        made_up = provider.current(ZONE, f"x.wild.{ZONE}", "A", may_be_missing=False)
        assert made_up.values == ("192.0.2.101",)
        assert provider.current(ZONE, f"x.wild.{ZONE}", "A", may_be_missing=True).values == ()

    def test_glue_is_seen_beside_the_referral(self, net: NameServer, server: Server) -> None:
        found = self.provider(net, server).current(ZONE, f"ns.inner.{ZONE}", "A", may_be_missing=False)
        assert found.values == ("192.0.2.101",)

    def test_long_texts_are_written_in_parts(self, net: NameServer, server: Server) -> None:
        name = fresh_name()
        spf = "v=spf1 " + " ".join(f"ip4:198.51.100.{number}" for number in range(40, 60)) + " -all"
        parts = f'"{spf[:255]}" "{spf[255:]}"'
        self.put(net, server, RRset(name=name, type="TXT", ttl=300, values=(parts,)))
        plan = self.plan(net, server, "198.51.100.59", "203.0.113.200")
        assert isinstance(publish.settle(self.provider(net, server), ZONE, plan.in_zone(ZONE)), Settled)
        held = self.held(net, server, name, "TXT")
        assert held is not None
        assert held.values == (parts.replace("198.51.100.59", "203.0.113.200"),)


def _without_ttls(rrsets: tuple[RRset, ...]) -> list[tuple[str, str, tuple[str, ...]]]:
    return sorted((one.name, one.type, one.values) for one in rrsets if one.type != "SOA")
