"""The contract of name servers, kept by the pretend ones and by BIND, Knot and PowerDNS as Debian packs them."""

from __future__ import annotations

from collections.abc import Iterator

import dns.rdatatype
import dns.zone
import pytest

from migrations_app.adapters.nameserver import DnsNameServer
from migrations_app.ports.nameserver import NameServer, Server
from tests.contracts.nameserver_contract import NameServerContract
from tests.fakes.nameserver import FakeNameServers, FakeServer, FakeZone
from tests.nameservers import bind, knot, powerdns
from tests.nameservers.ground import KEY, ZONES


@pytest.fixture(scope="module")
def bind_server() -> Iterator[Server]:
    with bind.primary() as running:
        yield running.server


@pytest.fixture(scope="module")
def knot_server() -> Iterator[Server]:
    with knot.primary() as running:
        yield running.server


@pytest.fixture(scope="module")
def powerdns_server() -> Iterator[Server]:
    with powerdns.primary() as running:
        yield running.server


class RealContract(NameServerContract):
    @pytest.fixture
    def net(self) -> NameServer:
        return DnsNameServer()


class TestBind(RealContract):
    @pytest.fixture
    def server(self, bind_server: Server) -> Server:
        return bind_server


class TestKnot(RealContract):
    @pytest.fixture
    def server(self, knot_server: Server) -> Server:
        return knot_server


class TestPowerDns(RealContract):
    @pytest.fixture
    def server(self, powerdns_server: Server) -> Server:
        return powerdns_server


class TestFake(NameServerContract):
    @pytest.fixture
    def server(self) -> Server:
        return Server(name="ns1", address="192.0.2.53")

    @pytest.fixture
    def net(self, server: Server) -> NameServer:
        zones = {name: _zone(name, text) for name, text in ZONES.items()}
        net = FakeNameServers()
        net.add((server.address, server.port), FakeServer(zones=zones, keys={KEY.name: KEY}))
        return net


def _zone(name: str, text: str) -> FakeZone:
    zone = FakeZone(name=name)
    for owner, rdataset in dns.zone.from_text(text, name, relativize=False).iterate_rdatasets():
        kind = dns.rdatatype.to_text(rdataset.rdtype)
        if kind != "SOA":
            zone.put(str(owner), kind, rdataset.ttl, *(one.to_text() for one in rdataset))
    return zone
