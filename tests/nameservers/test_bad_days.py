"""What a name server can do wrong, each with its end: before a real BIND, through a proxy that does it."""

from __future__ import annotations

from collections.abc import Iterator

import dns.rcode
import pytest

from migrations_app.adapters.nameserver import DnsNameServer
from migrations_app.ports.nameserver import (
    AnswerTruncated,
    ClocksDiffer,
    NameServerError,
    NameServerRefused,
    NameServerUnreachable,
    NotAuthoritative,
    RRset,
    Server,
    ServerFailed,
    Update,
    UpdateKeyUnknown,
    UpdateNotUnderstood,
    UpdateReplyLost,
    UpdateSecretDiffers,
    Way,
)
from migrations_app.zones import propagation, publish
from migrations_app.zones.plan import Guarantee, RecordChange
from migrations_app.zones.publish import MOST_TRIES, Settled
from migrations_app.zones.rfc2136 import NameServerProvider
from tests.nameservers import bind, proxy
from tests.nameservers.ground import HERE, KEY, ZONE, free_port
from tests.nameservers.proxy import Mood

net = DnsNameServer()
NAME = f"shop.{ZONE}"


@pytest.fixture(scope="module")
def real() -> Iterator[Server]:
    with bind.primary() as running:
        yield running.server


@pytest.fixture
def change(real: Server) -> RecordChange:
    """A change of a record that has its old value again."""
    before = RRset(name=NAME, type="A", ttl=3600, values=("192.0.2.101",))
    after = RRset(name=NAME, type="A", ttl=60, values=("192.0.2.201",))
    net.update(real, Update(zone=ZONE, requires=(), puts=(before,)), key=KEY)
    return RecordChange(zone=ZONE, server="ns1", before=before, after=after, why=(), guarantee=Guarantee.GUARDED)


def settle(server: Server, change: RecordChange) -> object:
    provider = NameServerProvider(nameserver=net, server=server, key=KEY)
    return publish.settle(provider, ZONE, [change])


def held(real: Server) -> RRset | None:
    return net.ask(real, NAME, "A").find(NAME, "A")


def test_an_update_whose_answer_is_lost_is_made_once(real: Server, change: RecordChange) -> None:
    with proxy.before(real, proxy.loses_replies(1)) as front:
        result = settle(front.server, change)
        assert isinstance(result, Settled)
        assert front.updates == 1
    assert held(real) == change.after


def test_an_update_that_was_lost_itself_is_made_again(real: Server, change: RecordChange) -> None:
    with proxy.before(real, proxy.loses_updates(2)) as front:
        assert isinstance(settle(front.server, change), Settled)
        assert front.updates == 3
    assert held(real) == change.after


def test_updates_that_are_lost_for_ever_end_with_a_name(real: Server, change: RecordChange) -> None:
    with proxy.before(real, proxy.loses_updates(99)) as front:
        with pytest.raises(UpdateReplyLost, match="ns1"):
            settle(front.server, change)
        assert front.updates == MOST_TRIES
    assert held(real) == change.before


@pytest.mark.parametrize(
    ("mood", "error", "code"),
    [
        (proxy.answers(dns.rcode.REFUSED), NameServerRefused, "REFUSED"),
        (proxy.answers(dns.rcode.SERVFAIL), ServerFailed, "SERVFAIL"),
        (proxy.answers(dns.rcode.NOTAUTH), NotAuthoritative, "NOTAUTH"),
        (proxy.answers(dns.rcode.FORMERR), UpdateNotUnderstood, "FORMERR"),
        (proxy.answers(dns.rcode.NOTIMP), UpdateNotUnderstood, "NOTIMP"),
        (proxy.answers(dns.rcode.NOTAUTH, tsig_error=dns.rcode.BADTIME), ClocksDiffer, "BADTIME"),
        (proxy.answers(dns.rcode.NOTAUTH, tsig_error=dns.rcode.BADKEY), UpdateKeyUnknown, "BADKEY"),
        (proxy.answers(dns.rcode.NOTAUTH, tsig_error=dns.rcode.BADSIG), UpdateSecretDiffers, "BADSIG"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_refusal_names_the_server_and_its_code(
    real: Server, change: RecordChange, mood: Mood, error: type[NameServerError], code: str
) -> None:
    with proxy.before(real, mood) as front, pytest.raises(error, match=rf"ns1 .*{code}") as seen:
        settle(front.server, change)
    assert (seen.value.server, seen.value.rcode) == ("ns1", code)
    assert held(real) == change.before


def test_a_yes_that_is_not_signed_does_not_count(real: Server, change: RecordChange) -> None:
    def unsigned_yes(asked: bytes, forward: object) -> bytes:
        return asked[:2] + bytes([0xA8, 0, 0, 0, 0, 0, 0, 0, 0, 0])

    update = Update(zone=ZONE, requires=(), puts=(change.after,))
    with proxy.before(real, unsigned_yes) as front, pytest.raises(UpdateSecretDiffers, match="not signed"):
        net.update(front.server, update, key=KEY)


def test_an_answer_cut_off_even_over_tcp_is_an_error(real: Server) -> None:
    with proxy.before(real, proxy.cuts) as front, pytest.raises(AnswerTruncated, match="ns1"):
        net.ask(front.server, NAME, "A")


def test_an_answer_cut_off_over_udp_is_asked_for_over_tcp(real: Server) -> None:
    values = tuple(sorted(f'"{number:03d}{"x" * 200}"' for number in range(20)))
    long = RRset(name=f"long.{ZONE}", type="TXT", ttl=60, values=values)
    net.update(real, Update(zone=ZONE, requires=(), puts=(long,)), key=KEY)
    assert net.ask(real, long.name, "TXT", way=Way.UDP).find(long.name, "TXT") == long


@pytest.mark.parametrize("way", list(Way))
def test_a_server_that_never_answers_is_waited_for_no_longer_than_said(real: Server, way: Way) -> None:
    with proxy.before(real, proxy.never_answers) as front, pytest.raises(NameServerUnreachable, match="ns1"):
        net.ask(front.server, NAME, "A", way=way, timeout_seconds=0.1)


@pytest.mark.parametrize("way", list(Way))
def test_nobody_at_the_address_is_unreachable(way: Way) -> None:
    nobody = Server(name="ns9", address=HERE, port=free_port())
    with pytest.raises(NameServerUnreachable, match="ns9"):
        net.ask(nobody, NAME, "A", way=way, timeout_seconds=0.2)
    with pytest.raises(NameServerUnreachable, match="ns9"):
        net.update(nobody, Update(zone=ZONE, requires=(), puts=()), key=KEY)


def test_nonsense_is_not_understood(real: Server) -> None:
    with proxy.before(real, proxy.talks_nonsense) as front:
        with pytest.raises(NameServerError, match="ns1"):
            net.ask(front.server, NAME, "A", way=Way.TCP)
        with pytest.raises(NameServerError, match="ns1"):
            net.transfer(front.server, ZONE, key=KEY)


def test_a_secondary_follows_and_one_that_does_not_is_named(real: Server, change: RecordChange) -> None:
    port = free_port()
    with bind.primary(tells=port) as first, bind.secondary(first.server.port, port=port) as second:
        result = settle(first.server, change)
        assert isinstance(result, Settled)
        _until_right(second.server, change, result.serial)
        back = settle(first.server, change.inverse())
        assert isinstance(back, Settled)
        _until_right(second.server, change.inverse(), back.serial)
        late = propagation.look_at(net, second.server, [change], serial=back.serial + 1)
    assert any("ns2 still has serial" in line for line in late.troubles)
    assert any("ns2 says 192.0.2.101" in line for line in late.troubles)


def test_a_lame_server_is_named(real: Server) -> None:
    name = "www.elsewhere.org."
    rrset = RRset(name=name, type="A", ttl=60, values=("192.0.2.1",))
    foreign = RecordChange(
        zone="elsewhere.org.", server="ns1", before=rrset, after=rrset, why=(), guarantee=Guarantee.GUARDED
    )
    seen = propagation.look_at(net, real, [foreign], serial=1)
    assert "ns1 refused (REFUSED)" in seen.troubles[0]


def _until_right(server: Server, change: RecordChange, serial: int) -> None:
    """Wait for the transfer: some tenths of a second."""
    import time

    deadline = time.monotonic() + 20
    while not (seen := propagation.look_at(net, server, [change], serial=serial)).is_right:
        assert time.monotonic() < deadline, seen
        time.sleep(0.05)
