"""All zones the panel holds, as they were last read, and the questions that go across them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from migrations_app.ports.nameserver import RRset
from migrations_app.zones import names, spf, strings

LONGEST_CHAIN = 16


@dataclass(frozen=True, kw_only=True)
class ZoneView:
    """A zone as it was read; ``server`` takes its updates, or is empty where people change it."""

    name: str
    server: str
    serial: int
    rrsets: tuple[RRset, ...]
    # False: transfers are refused, and only names that were asked for are known.
    is_whole: bool = True
    # Why it could not be read this time; its records are older then, or none.
    fault: str = ""

    @cached_property
    def records(self) -> Mapping[tuple[str, str], RRset]:
        return {(one.name, one.type): one for one in self.rrsets}

    @cached_property
    def pins(self) -> Mapping[str, list[str]]:
        """Return the owners of TLSA records by the host that they are about."""
        found: dict[str, list[str]] = defaultdict(list)
        for one in self.rrsets:
            if one.type == "TLSA":
                found[one.name.split(".", maxsplit=2)[-1]].append(one.name)
        return found

    @property
    def is_signed(self) -> bool:
        return (self.name, "DNSKEY") in self.records

    def cut_above(self, name: str) -> str | None:
        """Return where in this zone the name was handed on to another zone, if it was."""
        above = (name, *names.parents(name))
        return next((one for one in above if self._is_below_top(one) and (one, "NS") in self.records), None)

    def dname_above(self, name: str) -> str | None:
        above = (one for one in names.parents(name) if names.is_within(one, self.name))
        return next((one for one in above if (one, "DNAME") in self.records), None)

    def _is_below_top(self, name: str) -> bool:
        return name != self.name and names.is_within(name, self.name)


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """A record that leads to a name: its owner, its type, and its value."""

    zone: str
    owner: str
    type: str
    value: str


@dataclass(frozen=True, kw_only=True)
class World:
    zones: Sequence[ZoneView]
    _by_name: Mapping[str, ZoneView] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {zone.name: zone for zone in self.zones})

    def zone(self, name: str) -> ZoneView:
        return self._by_name[name]

    def zone_of(self, name: str) -> ZoneView | None:
        """Return the zone of ours that answers for the name, a zone cut to another's zone respected."""
        found = names.zone_of(name, self._by_name)
        if found is None:
            return None
        zone = self._by_name[found]
        return None if zone.cut_above(name) else zone

    def get(self, name: str, type: str) -> RRset | None:
        zone = self.zone_of(name)
        return zone.records.get((name, type)) if zone else None

    def follow(self, name: str) -> str:
        """Return the name at the end of the aliases that begin here, as far as our zones know."""
        seen = {name}
        while (alias := self.get(name, "CNAME")) is not None and len(seen) < LONGEST_CHAIN:
            name = alias.values[0]
            if name in seen:
                return name
            seen.add(name)
        return name

    @cached_property
    def _pointers(self) -> Mapping[str, list[Pointer]]:
        found: dict[str, list[Pointer]] = defaultdict(list)
        for zone in self.zones:
            for rrset in zone.rrsets:
                if rrset.type in ("CNAME", "MX", "NS", "SRV"):
                    for value in rrset.values:
                        found[value.rsplit(" ", maxsplit=1)[-1]].append(
                            Pointer(zone=zone.name, owner=rrset.name, type=rrset.type, value=value)
                        )
        return found

    def pointers_to(self, name: str) -> Sequence[Pointer]:
        return self._pointers.get(name, ())

    @cached_property
    def spf_users(self) -> Mapping[str, list[str]]:
        """Return who includes a name's SPF record, or redirects to it."""
        found: dict[str, list[str]] = defaultdict(list)
        for zone in self.zones:
            for rrset in zone.rrsets:
                if rrset.type == "TXT":
                    for target in _spf_targets(rrset):
                        found[target].append(rrset.name)
        return found

    def spf_of(self, name: str) -> str | None:
        """Return the text of the name's SPF record, if our zones have it."""
        rrset = self.get(name, "TXT")
        texts = (strings.text_of(value) for value in (rrset.values if rrset else ()))
        return next((text for text in texts if spf.is_spf(text)), None)

    def aliases_of(self, name: str) -> Iterator[str]:
        """Return every name that is an alias of this one, through any number of others."""
        seen, waiting = {name}, [name]
        while waiting:
            for pointer in self.pointers_to(waiting.pop()):
                if pointer.type == "CNAME" and pointer.owner not in seen:
                    seen.add(pointer.owner)
                    waiting.append(pointer.owner)
                    yield pointer.owner


def _spf_targets(rrset: RRset) -> Iterator[str]:
    for value in rrset.values:
        text = strings.text_of(value)
        if spf.is_spf(text):
            with suppress(spf.NotReadable):
                yield from spf.targets(text)
