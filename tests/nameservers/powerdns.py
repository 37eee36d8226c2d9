"""PowerDNS on a high port, its zones in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import dns.rdatatype
import dns.zone

from tests.nameservers import ground
from tests.nameservers.ground import HERE, KEY, OTHER_KEY, ZONES, Running

SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")
CONFIGURATION = """\
launch=gsqlite3
gsqlite3-database={folder}/zones.sqlite3
gsqlite3-dnssec=yes
local-address={here}
local-port={port}
socket-dir={folder}
dnsupdate=yes
allow-dnsupdate-from=127.0.0.0/8
allow-axfr-ips=127.0.0.0/8
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
receiver-threads=1
distributor-threads=1
guardian=no
daemon=no
version-string=anonymous
"""


@contextmanager
def primary(zones: Mapping[str, str] = ZONES) -> Iterator[Running]:
    with ground.folder("pdns") as place:
        port = ground.free_port()
        (place / "pdns.conf").write_text(CONFIGURATION.format(folder=place, here=HERE, port=port))
        _fill(place, zones)
        with ground.running(place, "pdns", port, [ground.program("pdns_server"), f"--config-dir={place}"]) as server:
            yield server


def _fill(place: Path, zones: Mapping[str, str]) -> None:
    """Write the rows that pdnsutil would, which takes it a second for each zone."""
    with closing(sqlite3.connect(place / "zones.sqlite3")) as database, database:
        database.executescript(SCHEMA.read_text())
        for key in (KEY, OTHER_KEY):
            values = (key.name.rstrip("."), key.algorithm, key.secret)
            database.execute("INSERT INTO tsigkeys (name, algorithm, secret) VALUES (?, ?, ?)", values)
        for number, (name, text) in enumerate(zones.items(), start=1):
            database.execute("INSERT INTO domains (id, name, type) VALUES (?, ?, 'MASTER')", (number, name.rstrip(".")))
            database.executemany(
                "INSERT INTO domainmetadata (domain_id, kind, content) VALUES (?, ?, ?)", _rights(number)
            )
            database.executemany(
                "INSERT INTO records (domain_id, name, type, ttl, prio, content, auth) VALUES (?, ?, ?, ?, ?, ?, ?)",
                _records(number, name, text),
            )


def _rights(number: int) -> Iterator[tuple[int, str, str]]:
    for right in ("TSIG-ALLOW-DNSUPDATE", "TSIG-ALLOW-AXFR"):
        yield from ((number, right, key.name.rstrip(".")) for key in (KEY, OTHER_KEY))


def _records(number: int, name: str, text: str) -> Iterator[tuple[int, str, str, int, int, str, bool]]:
    """Values keep no dot at the end of their names, and a priority stands apart: so the backend has them."""
    for owner, ttl, rdata in dns.zone.from_text(text, name, relativize=False).iterate_rdatas():
        kind, value = dns.rdatatype.to_text(rdata.rdtype), rdata.to_text()
        priority, value = value.split(" ", 1) if kind == "MX" else ("0", value)
        words = [word.rstrip(".") for word in value.split(" ")] if kind != "TXT" else [value]
        below = str(owner).rstrip(".").endswith("inner.example.net")
        yield number, str(owner).rstrip("."), kind, ttl, int(priority), " ".join(words), not below
