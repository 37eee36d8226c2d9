"""How networks and spans are read: each slip of the pen has its own message."""

from __future__ import annotations

import pytest

from migrations_app.addresses.spans import networks_of, never_given, read_network, read_span
from migrations_app.vz.names import BadValue

BAD_NETWORKS = {
    "192.0.2.0": "needs its length",
    "192.0.2.7/24": "write 192.0.2.0/24",
    "2001:db8::5/64": "write 2001:db8::/64",
    "0.0.0.0/0": "too large",
    "::/0": "too large",
    "10.0.0.0/7": "too large",
    "2001::/15": "names an address inside it",
    "2000::/8": "too large",
    "fe80::%eth0/64": "without a zone",
    "fe80::/64": "not the address of one machine",
    "127.0.0.0/8": "not the address of one machine",
    "224.0.0.0/8": "not the address of one machine",
    "::ffff:0:0/96": "IPv4 inside IPv6",
    "192.0.2.0/33": "no network",
    "192.0.2.0/-1": "no network",
    "example.net/24": "no network",
    "": "needs its length",
    "/": "no network",
    "1" * 5000 + "/24": "5003 characters",
}
BAD_SPANS = {
    "192.0.2.20-192.0.2.10": "ends before it begins",
    "192.0.2.1-2001:db8::1": "one family and ends in the other",
    "192.0.2.1-": "last address",
    "-192.0.2.1": "first address",
    "192.0.2.1-192.0.2.300": "last address",
    "fe80::1%eth0-fe80::9%eth0": "without a zone",
    "192.0.2.3/28": "write 192.0.2.0/28",
    "192.0.2.1 192.0.2.9": "first address",
}


@pytest.mark.parametrize("text", BAD_NETWORKS)
def test_a_network_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadValue, match=BAD_NETWORKS[text]):
        read_network(text)


@pytest.mark.parametrize("text", BAD_SPANS)
def test_a_span_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadValue, match=BAD_SPANS[text]):
        read_span(text)


@pytest.mark.parametrize(
    ("text", "said", "size"),
    [
        ("192.0.2.64-192.0.2.127", "192.0.2.64 to 192.0.2.127", 64),
        ("192.0.2.64 - 192.0.2.64", "192.0.2.64", 1),
        ("192.0.2.0/28", "192.0.2.0 to 192.0.2.15", 16),
        ("2001:DB8:0:1::/64", "2001:db8:0:1:: to 2001:db8:0:1:ffff:ffff:ffff:ffff", 2**64),
    ],
)
def test_a_span_is_read(text: str, said: str, size: int) -> None:
    assert (str(read_span(text)), read_span(text).size) == (said, size)


def test_spans_of_two_families_never_overlap() -> None:
    low, high = read_span("0:0:1::-0:0:1::9"), read_span("192.0.2.0/24")
    assert not low.overlaps(high)
    assert read_span("192.0.2.9").overlaps(high)
    assert high.overlaps(read_span("192.0.2.255-192.0.3.7"))


def test_a_network_keeps_its_own_addresses() -> None:
    kept = never_given(networks_of(["192.0.2.0/24", "198.51.100.0/31", "2001:db8::/64", "2001:db8:1::/127"]))
    assert {str(address) for address in kept} == {"192.0.2.0", "192.0.2.255", "2001:db8::"}
