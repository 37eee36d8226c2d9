"""Rows to values and back: servers, keys, and what zones held when they were last read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from migrations_app.basics import cipher
from migrations_app.models import Container, NameServer, UpdateKey, Zone, ZoneContent
from migrations_app.ports import nameserver as port
from migrations_app.ports.nameserver import Key, NameServerError, RRset, Server
from migrations_app.zones import names, scan
from migrations_app.zones.names import BadName
from migrations_app.zones.rfc2136 import NameServerProvider
from migrations_app.zones.world import World, ZoneView

LONGEST_DETAIL = 2_000
Trouble = NameServerError | cipher.SecretUnreadable


def server_of(row: NameServer) -> Server:
    return Server(name=row.name, address=row.address, port=row.port)


def places_of(row: NameServer) -> tuple[Server, ...]:
    """Return the server at each of its addresses."""
    second = [Server(name=row.name, address=row.second_address, port=row.port)] if row.second_address else []
    return (server_of(row), *second)


def seal_context(key_name: str) -> str:
    return f"update key {key_name}"


def key_of(row: UpdateKey | None, *, settings: Mapping[str, Any]) -> Key | None:
    """Return the key with its secret in plain text; it goes to the adapter and nowhere else.

    :raises cipher.SecretUnreadable:
    """
    if row is None:
        return None
    secret = cipher.unseal(row.sealed_secret, keys=settings["secret_keys"], context=seal_context(row.name))
    return Key(name=f"{row.name}.", algorithm=row.algorithm, secret=secret)


def provider_of(zone: Zone, nameserver: port.NameServer, *, settings: Mapping[str, Any]) -> NameServerProvider:
    """Return where the zone is changed. Another kind of provider is chosen here, by the zone's own word."""
    key = key_of(zone.key, settings=settings)
    return NameServerProvider(nameserver=nameserver, server=server_of(zone.primary), key=key)


def world() -> World:
    """Return all zones as they were last read."""
    rows = Zone.objects.select_related("primary", "content").order_by("name")
    return World(zones=[_view(zone) for zone in rows])


def zones(origins: Iterable[str]) -> list[Zone]:
    return list(Zone.objects.filter(name__in=[names.without_dot(origin) for origin in origins]))


def refresh(zone: Zone, nameserver: port.NameServer, *, now: datetime, settings: Mapping[str, Any]) -> bool:
    """Read the zone if its serial moved, and keep what it holds; return whether that went well.

    What it does wrong ends as its fault, not as an error here; what was known of it before stays.
    """
    seconds = settings["read_zones_every_seconds"]
    Zone.objects.filter(pk=zone.pk).update(tried_at=now, next_read_at=now + timedelta(seconds=seconds))
    try:
        reading = _read(zone, nameserver, settings)
    except (NameServerError, cipher.SecretUnreadable) as trouble:
        _store_fault(zone, trouble)
        return False
    _store(zone, reading, now)
    return True


def _read(zone: Zone, nameserver: port.NameServer, settings: Mapping[str, Any]) -> scan.ZoneReading | None:
    """Return what the zone holds; None: the same as before."""
    server = server_of(zone.primary)
    key = key_of(zone.key, settings=settings)
    if zone.is_whole and zone.read_at and scan.serial_at(nameserver, server, zone.origin) == zone.serial:
        return None
    return scan.read_zone(nameserver, server, zone.origin, key=key, more_names=known_names(zone))


def store_silence(zone: Zone, *, now: datetime) -> None:
    """Note that the zone's server did not answer, without asking it."""
    Zone.objects.filter(pk=zone.pk).update(tried_at=now)
    _store_fault(zone, port.NameServerUnreachable(zone.primary.name, detail="it did not answer for another zone"))


def known_names(zone: Zone) -> list[str]:
    """Return names in the zone that the panel knows of: typed ones, hosts, and their addresses in a reverse zone."""
    hosts = Container.objects.filter(gone_at=None).values_list("hostname", "addresses")
    told: list[str] = list(zone.more_names)
    for hostname, addresses in hosts:
        told.append(hostname)
        told += (names.reverse_name(one) for one in names.readable(addresses)) if zone.name.endswith(".arpa") else ()
    return [name for name in checked_names(told) if names.is_within(name, zone.origin)]


def names_at(addresses: Iterable[str]) -> list[str]:
    """Return the names that our zones give these addresses, sorted; wildcards are none that one can ask for."""
    wanted = {str(address) for address in names.readable(addresses)}
    contents = ZoneContent.objects.values_list("rrsets", flat=True).iterator(chunk_size=20)
    return sorted(
        {
            names.without_dot(name)
            for rrsets in contents
            for name, kind, _, values in rrsets
            if kind in ("A", "AAAA") and not name.startswith("*") and wanted.intersection(values)
        }
    )


def checked_names(words: Iterable[str]) -> list[str]:
    """Return those that can be names, each once; containers call themselves what they like."""
    return list(dict.fromkeys(name for word in words if (name := _name_or_nothing(word))))


def _name_or_nothing(word: str) -> str:
    try:
        return names.checked_name(word)
    except BadName:
        return ""


def _store(zone: Zone, reading: scan.ZoneReading | None, now: datetime) -> None:
    fine: dict[str, Any] = {"read_at": now, "fault": "", "fault_detail": ""}
    if reading is not None:
        rows = [[one.name, one.type, one.ttl, list(one.values)] for one in reading.rrsets]
        ZoneContent.objects.update_or_create(zone=zone, defaults={"rrsets": rows})
        fine |= {"serial": reading.serial, "is_whole": reading.is_whole, "record_count": _count(reading.rrsets)}
    Zone.objects.filter(pk=zone.pk).update(**fine)


def _store_fault(zone: Zone, trouble: Trouble) -> None:
    Zone.objects.filter(pk=zone.pk).update(fault=type(trouble).__name__, fault_detail=str(trouble)[:LONGEST_DETAIL])


def _count(rrsets: Sequence[RRset]) -> int:
    return sum(len(one.values) for one in rrsets)


def _view(zone: Zone) -> ZoneView:
    content = zone.content.rrsets if hasattr(zone, "content") else []
    rrsets = tuple(RRset(name=name, type=kind, ttl=ttl, values=tuple(values)) for name, kind, ttl, values in content)
    return ZoneView(
        name=zone.origin,
        server=zone.primary.name if zone.provider == Zone.Provider.RFC2136 else "",
        serial=zone.serial or 0,
        rrsets=rrsets,
        is_whole=zone.is_whole,
        fault=zone.fault or ("" if zone.read_at else "not yet"),
    )
