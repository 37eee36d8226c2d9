"""Knot DNS on a high port."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.nameservers import ground
from tests.nameservers.ground import HERE, KEY, OTHER_KEY, ZONES, Running

CONFIGURATION = """\
server:
    listen: {here}@{port}
    rundir: "{folder}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: info
database:
    storage: "{folder}/db"
key:
{keys}
acl:
  - id: change
    key: [{names}]
    action: [update, transfer]
template:
  - id: default
    storage: "{folder}"
    journal-content: changes
    zonefile-sync: -1
    zonefile-load: difference-no-serial
zone:
{zones}
"""


@contextmanager
def primary(zones: Mapping[str, str] = ZONES) -> Iterator[Running]:
    with ground.folder("knot") as place:
        (place / "db").mkdir()
        port = ground.free_port()
        for name, text in zones.items():
            (place / f"{name}zone").write_text(text)
        keys = [
            f"  - id: {key.name}\n    algorithm: {key.algorithm}\n    secret: {key.secret}" for key in (KEY, OTHER_KEY)
        ]
        text = CONFIGURATION.format(
            here=HERE,
            port=port,
            folder=place,
            keys="\n".join(keys),
            names=f"{KEY.name}, {OTHER_KEY.name}",
            zones="\n".join(
                f"  - domain: {name}\n    acl: change\n    zonefile-load: whole\n    journal-content: changes"
                for name in zones
            ),
        )
        (place / "knot.conf").write_text(text)
        command = [ground.program("knotd"), "--config", str(place / "knot.conf")]
        with ground.running(place, "knot", port, command) as server:
            yield server
