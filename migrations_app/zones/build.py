"""Make the plan of a swap of addresses out of what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from migrations_app.ports.nameserver import RRset
from migrations_app.zones import names, spf, strings
from migrations_app.zones.find import Found, Holding, find, ptr_owner
from migrations_app.zones.names import Address, without_dot
from migrations_app.zones.plan import Elsewhere, Guarantee, Plan, RecordChange, ordered
from migrations_app.zones.swap import Swap
from migrations_app.zones.world import World, ZoneView

USUAL_TTL = 3600
MOST_WARNINGS = 100


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """What the world outside says, where our own zones say nothing."""

    # Names that lead to one of the old addresses and lie in no zone of ours: name, and the old address.
    names: tuple[tuple[str, Address], ...] = ()
    # PTR of old addresses whose reverse zone is not ours.
    reverse: Mapping[Address, tuple[str, ...]] = field(default_factory=dict)


def build(
    world: World, swaps: Sequence[Swap], *, ttl_seconds: int | None = None, resolved: Resolved | None = None
) -> Plan:
    """Return what changes when these addresses do; with ``ttl_seconds`` no changed record keeps a longer TTL."""
    resolved = resolved or Resolved()
    found = find(world, swaps)
    changes = [*_addresses(found, swaps), *_senders(found, swaps), *_reverse(world, swaps, resolved)]
    if ttl_seconds is not None:
        changes = [_capped(change, ttl_seconds) for change in changes]
    return Plan(
        title=", ".join(swap.words for swap in swaps),
        changes=ordered(changes),
        elsewhere=tuple(_elsewhere(world, found, swaps, resolved)),
        unreadable=found.unreadable,
        warnings=tuple(_warnings(world, found))[:MOST_WARNINGS],
    )


def _change(zone: ZoneView, before: RRset, after: RRset, why: tuple[str, ...]) -> RecordChange:
    guarantee = Guarantee.GUARDED if zone.server else Guarantee.BY_HAND
    return RecordChange(zone=zone.name, server=zone.server, before=before, after=after, why=why, guarantee=guarantee)


def _with(rrset: RRset, values: Iterator[str]) -> RRset:
    return replace(rrset, values=tuple(sorted(set(values))))


def _addresses(found: Found, swaps: Sequence[Swap]) -> Iterator[RecordChange]:
    new_of = {str(swap.old): str(swap.new or "") for swap in swaps}
    for holding in found.addresses:
        values = (new_of.get(value, value) for value in holding.rrset.values)
        after = _with(holding.rrset, (value for value in values if value))
        yield _change(holding.zone, holding.rrset, after, holding.why)


def _senders(found: Found, swaps: Sequence[Swap]) -> Iterator[RecordChange]:
    for holding in found.senders:
        after = _with(holding.rrset, (_rewritten(value, swaps) for value in holding.rrset.values))
        if after != holding.rrset:
            yield _change(holding.zone, holding.rrset, after, holding.why)


def _rewritten(value: str, swaps: Sequence[Swap]) -> str:
    text = strings.text_of(value)
    if not spf.is_spf(text):
        return value
    try:
        written = spf.rewrite(text, swaps)
    except spf.NotReadable:
        return value
    return value if written == text else strings.value_of(written)


def _reverse(world: World, swaps: Sequence[Swap], resolved: Resolved) -> Iterator[RecordChange]:
    for swap in swaps:
        old = _ptr(world, swap.old)
        if old is not None and old[1].values:
            why = (f"name of {swap.old}, which is given up",)
            yield _change(old[0], old[1], replace(old[1], values=()), why)
        targets = _ptr_targets(world, swap, resolved)
        new = _ptr(world, swap.new, ttl=old[1].ttl if old else USUAL_TTL) if swap.new else None
        if new is not None and targets and new[1].values != targets:
            instead = ("instead of what stands there now",) if new[1].values else ()
            why = (f"name of {swap.new}, as it was of {swap.old}", *instead)
            yield _change(new[0], new[1], replace(new[1], values=targets), why)


def _ptr(world: World, address: Address, *, ttl: int = USUAL_TTL) -> tuple[ZoneView, RRset] | None:
    """Return the zone and the PTR RRset of an address, an empty one where none stands; None: not in a zone of ours.

    ``ttl``: of the empty one.
    """
    owner = ptr_owner(world, address)
    zone = world.zone_of(owner)
    if zone is None:
        return None
    nothing = RRset(name=owner, type="PTR", ttl=ttl, values=())
    return zone, zone.records.get((owner, "PTR"), nothing)


def _ptr_targets(world: World, swap: Swap, resolved: Resolved) -> tuple[str, ...]:
    ours = _ptr(world, swap.old)
    return ours[1].values if ours else resolved.reverse.get(swap.old, ())


def _capped(change: RecordChange, ttl_seconds: int) -> RecordChange:
    return replace(change, after=replace(change.after, ttl=min(change.after.ttl, ttl_seconds)))


def _elsewhere(world: World, found: Found, swaps: Sequence[Swap], resolved: Resolved) -> Iterator[Elsewhere]:
    new_of = {swap.old: str(swap.new or "") for swap in swaps}
    for name, old in resolved.names:
        type_ = names.address_type(old)
        yield Elsewhere(name=name, type=type_, old=str(old), new=new_of[old], who="whoever holds its zone")
    for swap in swaps:
        yield from _reverse_elsewhere(world, swap, resolved)
    yield from _glue_above(world, found, new_of)


def _reverse_elsewhere(world: World, swap: Swap, resolved: Resolved) -> Iterator[Elsewhere]:
    targets = _ptr_targets(world, swap, resolved)
    if swap.new is None or not targets or _ptr(world, swap.new) is not None:
        return
    owner, words = ptr_owner(world, swap.new), " ".join(targets)
    yield Elsewhere(name=owner, type="PTR", old="", new=words, who="whoever the new address's network belongs to")


def _glue_above(world: World, found: Found, new_of: Mapping[Address, str]) -> Iterator[Elsewhere]:
    """A name server inside the zone it serves has its address in the zone above too, which is not ours."""
    texts = {str(old): new for old, new in new_of.items()}
    for holding in found.addresses:
        for zone in _served_from_inside(world, holding):
            for value in holding.rrset.values:
                if value in texts:
                    who = f"the registrar of {without_dot(zone)}: glue"
                    yield Elsewhere(
                        name=holding.rrset.name, type=holding.rrset.type, old=value, new=texts[value], who=who
                    )


def _served_from_inside(world: World, holding: Holding) -> Iterator[str]:
    name = holding.rrset.name
    for pointer in world.pointers_to(name):
        serves = pointer.type == "NS" and pointer.owner == pointer.zone == holding.zone.name
        if serves and names.is_within(name, pointer.zone) and not _parent_is_ours(world, pointer.zone):
            yield pointer.zone


def _parent_is_ours(world: World, zone: str) -> bool:
    return any(names.is_within(zone, other.name) for other in world.zones if other.name != zone)


def _warnings(world: World, found: Found) -> Iterator[str]:
    for zone in world.zones:
        if not zone.is_whole:
            yield f"{without_dot(zone.name)} was read name by name: what was not asked for was not found"
        if zone.is_signed and any(one.zone is zone for one in (*found.addresses, *found.senders)):
            yield f"{without_dot(zone.name)} is signed: its server has to sign anew, and the panel looks whether it did"
    for note in found.notes:
        yield f"{without_dot(note.name)} in {without_dot(note.zone)}: {note.text}"
