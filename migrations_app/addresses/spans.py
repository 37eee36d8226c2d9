"""How networks and spans of addresses are written; whatever is read here is of one family and bounded."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from migrations_app.vz.names import Address, BadValue, checked_address

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LONGEST_TEXT = 100
# Nobody has a wire as large as that; a slip of the pen would be.
SHORTEST_PREFIX = {4: 8, 6: 16}


@dataclass(frozen=True, kw_only=True)
class Span:
    """Addresses from first to last; it may hold more than could ever be counted one by one."""

    first: Address
    last: Address

    def __contains__(self, address: Address) -> bool:
        return address.version == self.first.version and int(self.first) <= int(address) <= int(self.last)

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"

    @property
    def size(self) -> int:
        return int(self.last) - int(self.first) + 1

    def overlaps(self, other: Span) -> bool:
        return self.first in other or other.first in self


def read_network(text: str) -> Network:
    """Return a network written with its length.

    :raises BadValue: with what to write instead where that can be said.
    """
    _plain(text)
    if "/" not in text:
        raise BadValue("network", text, "needs its length too, such as 192.0.2.0/24 or 2001:db8::/64")
    network = _network(text)
    if network.prefixlen < SHORTEST_PREFIX[network.version]:
        raise BadValue("network", text, f"is too large for one wire: /{SHORTEST_PREFIX[network.version]} at most")
    for end in (network[0], network[-1]):
        _usable(str(end), text)
    return network


def _network(text: str) -> Network:
    try:
        loose = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise BadValue("network", text, "is no network such as 192.0.2.0/24 or 2001:db8::/64") from None
    if str(loose.network_address) != str(ipaddress.ip_address(text.partition("/")[0])):
        raise BadValue("network", text, f"names an address inside it: write {loose}")
    return loose


def _usable(end: str, text: str) -> None:
    try:
        checked_address(end)
    except BadValue as refusal:
        raise BadValue("network", text, f"{end} {refusal.reason}") from refusal


def read_span(text: str) -> Span:
    """Return what "FIRST-LAST", a network or one address says.

    :raises BadValue:
    """
    _plain(text)
    if "/" in text:
        network = read_network(text.strip())
        return Span(first=network[0], last=network[-1])
    begin, dash, end = text.partition("-")
    first = ipaddress.ip_address(checked_address(begin.strip(), field="first address"))
    last = ipaddress.ip_address(checked_address(end.strip(), field="last address")) if dash else first
    if first.version != last.version:
        raise BadValue("span", text, "begins in one family and ends in the other")
    if int(first) > int(last):
        raise BadValue("span", text, "ends before it begins")
    return Span(first=first, last=last)


def _plain(text: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise BadValue("network", text, f"has {len(text)} characters, {LONGEST_TEXT} are enough")
    if "%" in text:
        raise BadValue("network", text, "must be without a zone: the panel cannot know another machine's devices")


def span_of(network: Network) -> Span:
    return Span(first=network[0], last=network[-1])


def networks_of(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks of a row, which were checked when it was written."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def never_given(networks: Sequence[Network]) -> frozenset[Address]:
    """Return what belongs to a network itself: its own address, its broadcast, the routers' anycast of IPv6."""
    small = {4: 31, 6: 127}
    wide = [network for network in networks if network.prefixlen < small[network.version]]
    return frozenset([*(one[0] for one in wide), *(one[-1] for one in wide if one.version == 4)])


def as_addresses(texts: Iterable[str]) -> Iterable[Address]:
    """Yield those that are addresses; names of machines are none."""
    for text in texts:
        try:
            yield ipaddress.ip_address(text)
        except ValueError:
            continue
