"""SPF records (RFC 7208): read term by term, so that only the mechanisms that hold an address change."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from migrations_app.zones.names import Address
from migrations_app.zones.swap import Swap

MOST_LOOKUPS = 10
MOST_OCTETS = 512
DEEPEST_INCLUDE = 10
ASKS = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})
_MECHANISMS = frozenset({"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"})
_TERM = re.compile(r"([-+?~]?)([A-Za-z][A-Za-z0-9._-]*)(?:([:=/])(.*))?", re.DOTALL)
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class NotReadable(ValueError):
    """The record says "v=spf1" and goes on in a way that receivers reject."""


@dataclass(frozen=True, kw_only=True)
class Term:
    """One word of a record; ``network`` is set for ip4 and ip6."""

    text: str
    qualifier: str = ""
    name: str = ""
    value: str = ""
    network: Network | None = None


def is_spf(text: str) -> bool:
    return text[:6].lower() == "v=spf1" and text[6:7] in ("", " ")


def read(text: str) -> tuple[Term, ...]:
    """Return the terms behind ``v=spf1``.

    :raises NotReadable:
    """
    return tuple(_term(word) for word in text.split()[1:])


def rewrite(text: str, swaps: Sequence[Swap]) -> str:
    """Return the record with the new addresses where the old ones stood; the same text where nothing has to change.

    A range that holds the old address stays, since others live in it; the new address is added where no term holds it.

    :raises NotReadable:
    """
    terms = read(text)
    for swap in swaps:
        terms = _swapped(terms, swap)
    written = " ".join([text.split(maxsplit=1)[0], *(term.text for term in terms)])
    return text if terms == read(text) else written


def holds(text: str, address: Address) -> bool:
    """Return whether a term names the address, by itself or in a range.

    :raises NotReadable:
    """
    return any(_covers(term, address) for term in read(text))


def targets(text: str) -> tuple[str, ...]:
    """Return the domains that the record includes or redirects to, as names.

    :raises NotReadable:
    """
    words = [term.value for term in read(text) if term.name in ("include", "redirect")]
    return tuple(f"{word.lower().rstrip('.')}." for word in words if word)


def lookups(text: str, record_of: Callable[[str], str | None]) -> int:
    """Return how many look-ups the record costs; one that the panel cannot read (another's) counts as itself alone."""
    return _count(text, record_of, DEEPEST_INCLUDE)


def oddities(text: str) -> Iterator[str]:
    """Return what is legal and still hurts: mechanisms whose answer the panel cannot foresee."""
    for term in read(text):
        if term.name in ("ptr", "exists"):
            yield f'its term "{term.text[:80]}" depends on other records; look whether it holds for the new address'
        elif "%" in term.value:
            yield f'its term "{term.text[:80]}" has a macro, which the panel does not work out'


def _count(text: str, record_of: Callable[[str], str | None], depth: int) -> int:
    try:
        terms = read(text)
    except NotReadable:
        return 0
    total = sum(term.name in ASKS for term in terms)
    if depth == 0 or total > MOST_LOOKUPS:
        return total
    inner = (record_of(name) for name in targets(text))
    return total + sum(_count(found, record_of, depth - 1) for found in inner if found)


def _swapped(terms: tuple[Term, ...], swap: Swap) -> tuple[Term, ...]:
    kept: list[Term] = []
    for term in terms:
        if not _covers(term, swap.old):
            kept.append(term)
            continue
        if not _is_alone(term):
            kept.append(term)
        if swap.new is not None and not _is_held(swap.new, (*terms, *kept), term.qualifier):
            kept.append(_address_term(term.qualifier, term.name, swap.new))
    return tuple(kept)


def _is_held(address: Address, terms: Sequence[Term], qualifier: str) -> bool:
    same = {qualifier, {"": "+", "+": ""}.get(qualifier, qualifier)}
    return any(term.qualifier in same and _covers(term, address) for term in terms)


def _is_alone(term: Term) -> bool:
    return term.network is not None and term.network.prefixlen == term.network.max_prefixlen


def _covers(term: Term, address: Address) -> bool:
    return term.network is not None and term.network.version == address.version and address in term.network


def _address_term(qualifier: str, name: str, address: Address) -> Term:
    text = f"{qualifier}{name}:{address}"
    return Term(text=text, qualifier=qualifier, name=name, value=str(address), network=ipaddress.ip_network(address))


def _term(word: str) -> Term:
    found = _TERM.fullmatch(word)
    if found is None:
        raise NotReadable(f'"{word[:80]}" is no term')
    qualifier, name, mark, value = found[1], found[2].lower(), found[3] or "", found[4] or ""
    if mark == "=":
        return Term(text=word, name=name, value=value)
    if name not in _MECHANISMS:
        raise NotReadable(f'"{name[:80]}" is no mechanism')
    network = _network(name, value, word) if name in ("ip4", "ip6") else None
    return Term(text=word, qualifier=qualifier, name=name, value=value, network=network)


def _network(name: str, value: str, word: str) -> Network:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise NotReadable(f'"{word[:80]}" holds no address') from None
    if network.version != int(name[-1]):
        raise NotReadable(f'"{word[:80]}" holds an address of the other family')
    return network
