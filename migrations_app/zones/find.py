"""Find everything in our zones that holds an address, and say why it is there."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from migrations_app.ports.nameserver import RRset
from migrations_app.zones import names, spf, strings
from migrations_app.zones.names import Address, without_dot
from migrations_app.zones.plan import Note
from migrations_app.zones.swap import Swap
from migrations_app.zones.world import World, ZoneView

MOST_REASONS = 6
HOLD_NAMES = frozenset({"SOA", "NS", "MX", "CNAME", "PTR", "SRV"})
# What may be an address in running text; whether it is one is tried.
_MAYBE = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)|(?<![\w:])[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*[0-9A-Fa-f:]")
_SAYS = {"MX": "mail server of {}", "NS": "name server of {}", "SRV": "serves {}"}


@dataclass(frozen=True, kw_only=True)
class Holding:
    """An RRset that holds one of the addresses, and why it does."""

    zone: ZoneView
    rrset: RRset
    why: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Found:
    addresses: tuple[Holding, ...]
    senders: tuple[Holding, ...]  # SPF
    unreadable: tuple[Note, ...]
    notes: tuple[Note, ...]


def find(world: World, swaps: Sequence[Swap]) -> Found:
    """Look at every record of every zone once."""
    olds = {swap.old for swap in swaps}
    seen = _Seen(world, olds)
    for zone in world.zones:
        for rrset in zone.rrsets:
            seen.look_at(zone, rrset)
    return seen.found()


class _Seen:
    """What one look over all zones gathers."""

    def __init__(self, world: World, olds: set[Address]) -> None:
        self.world, self.olds = world, olds
        self.texts = {str(old): old for old in olds}
        self.addresses: list[Holding] = []
        self.senders: list[Holding] = []
        self.unreadable: list[Note] = []
        self.notes: list[Note] = []

    def found(self) -> Found:
        for holding in self.addresses:
            self.notes += _notes_about(self.world, holding)
        return Found(
            addresses=tuple(self.addresses),
            senders=tuple(self.senders),
            unreadable=tuple(self.unreadable),
            notes=tuple(self.notes),
        )

    def look_at(self, zone: ZoneView, rrset: RRset) -> None:
        if rrset.type in ("A", "AAAA"):
            self._address(zone, rrset)
        elif rrset.type in ("TXT", "SPF"):
            for value in rrset.values:
                self._text(zone, rrset, strings.text_of(value))
        elif rrset.type not in HOLD_NAMES and any(_mentions(value, self.olds) for value in rrset.values):
            self.notes.append(_note(zone, rrset, "holds the address; change it by hand if it still should"))

    def _address(self, zone: ZoneView, rrset: RRset) -> None:
        if self.texts.keys().isdisjoint(rrset.values):
            return
        hidden = _hidden_by(self.world, zone, rrset.name)
        if hidden:
            self.notes.append(_note(zone, rrset, hidden))
            return
        held = [old for old in self.texts if old in rrset.values]
        self.addresses.append(Holding(zone=zone, rrset=rrset, why=_reasons(self.world, zone, rrset, held)))

    def _text(self, zone: ZoneView, rrset: RRset, text: str) -> None:
        if not spf.is_spf(text):
            if _mentions(text, self.olds):
                self.notes.append(_note(zone, rrset, "a text that holds the address; change it by hand if it should"))
            return
        try:
            if any(spf.holds(text, old) for old in self.olds):
                self._sender(zone, rrset, text)
        except spf.NotReadable as trouble:
            if _mentions(text, self.olds):
                self.unreadable.append(_note(zone, rrset, str(trouble)))

    def _sender(self, zone: ZoneView, rrset: RRset, text: str) -> None:
        users = _included_by(self.world, rrset.name)
        why = (f"mail of {without_dot(rrset.name)} may come from there (SPF)", *users)
        if not any(one.rrset is rrset for one in self.senders):
            self.senders.append(Holding(zone=zone, rrset=rrset, why=why))
        self.notes += [_note(zone, rrset, odd) for odd in spf.oddities(text)]
        for target in spf.targets(text):
            if self.world.zone_of(target) is None:
                words = f"includes {without_dot(target)}, which is not ours; look whether that names the address too"
                self.notes.append(_note(zone, rrset, words))


def ptr_owner(world: World, address: Address) -> str:
    """Return the name under which the address's PTR stands: behind an alias where its range was handed on."""
    return world.follow(names.reverse_name(address))


def _note(zone: ZoneView, rrset: RRset, text: str) -> Note:
    return Note(zone=zone.name, name=rrset.name, text=f"{rrset.type}: {text}")


def _hidden_by(world: World, zone: ZoneView, name: str) -> str:
    """Say why nobody is ever told this record, or nothing."""
    if dname := zone.dname_above(name):
        return f"nobody sees it: {without_dot(dname)} redirects all names below it (DNAME)"
    cut = zone.cut_above(name)
    if cut and not any(pointer.type == "NS" for pointer in world.pointers_to(name)):
        return f"nobody sees it: {without_dot(cut)} was handed on to other name servers; change it there"
    return ""


def _reasons(world: World, zone: ZoneView, rrset: RRset, held: Sequence[str]) -> tuple[str, ...]:
    if cut := zone.cut_above(rrset.name):
        return (f"glue: {without_dot(rrset.name)} is a name server of {without_dot(cut)}",)
    wild = rrset.name.startswith("*.")
    first = f"every name below {without_dot(rrset.name[2:])} that has no records of its own" if wild else ""
    reasons = [first or f"points to {', '.join(held)}"]
    if len(rrset.values) > len(held):
        reasons.append(f"one of {len(rrset.values)} addresses; the others stay")
    return (*reasons, *_bounded(_uses(world, rrset.name)))


def _uses(world: World, name: str) -> Iterator[str]:
    """Say what else leads to the name."""
    aliases = list(world.aliases_of(name))
    yield from (f"{without_dot(alias)} is an alias of it" for alias in aliases)
    for led in (name, *aliases):
        for pointer in world.pointers_to(led):
            if pointer.type in _SAYS:
                yield _SAYS[pointer.type].format(without_dot(pointer.owner))


def _bounded(reasons: Iterator[str]) -> tuple[str, ...]:
    first = tuple(islice(reasons, MOST_REASONS))
    left = sum(1 for _ in reasons)
    return (*first, f"and {left} more") if left else first


def _notes_about(world: World, holding: Holding) -> Iterator[Note]:
    """Say what else depends on a name that changes: certificates pinned in the zone, mail led over an alias."""
    name = holding.rrset.name
    for owner in holding.zone.pins.get(name, ()):
        yield Note(zone=holding.zone.name, name=owner, text="TLSA: the service there must keep its certificate")
    for alias in world.aliases_of(name):
        if any(pointer.type == "MX" for pointer in world.pointers_to(alias)):
            yield Note(zone=holding.zone.name, name=alias, text="CNAME: mail servers must not be aliases (MX to CNAME)")


def _included_by(world: World, name: str) -> tuple[str, ...]:
    users = (f"included by the SPF of {without_dot(user)}" for user in world.spf_users.get(name, ()))
    return _bounded(users)


def _mentions(text: str, olds: set[Address]) -> bool:
    return any(_as_address(word) in olds for word in _MAYBE.findall(text))


def _as_address(word: str) -> Address | None:
    try:
        return ipaddress.ip_address(word)
    except ValueError:
        return None
