"""PowerDNS on a high port, its zones in SQLite."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

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
    import sqlite3

    with sqlite3.connect(place / "zones.sqlite3") as database:
        database.executescript(SCHEMA.read_text())
    database.close()
    for key in (KEY, OTHER_KEY):
        _util(place, "import-tsig-key", key.name.rstrip("."), key.algorithm, key.secret)
    for name, text in zones.items():
        (place / f"{name}zone").write_text(text)
        zone = name.rstrip(".")
        _util(place, "load-zone", zone, str(place / f"{name}zone"))
        _util(place, "set-kind", zone, "primary")
        for key in (KEY, OTHER_KEY):
            for right in ("TSIG-ALLOW-DNSUPDATE", "TSIG-ALLOW-AXFR"):
                _util(place, "add-meta", zone, right, key.name.rstrip("."))


def _util(place: Path, *words: str) -> None:
    command = [ground.program("pdnsutil"), f"--config-dir={place}", *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stdout} {done.stderr}")
