"""BIND 9 on a high port: a primary, and where asked for a secondary that follows it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.nameservers import ground
from tests.nameservers.ground import HERE, KEY, OTHER_KEY, ZONES, Running

OPTIONS = """\
options {{
  directory "{folder}";
  listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  pid-file none; session-keyfile "{folder}/session.key";
  recursion no; dnssec-validation no; empty-zones-enable no; minimal-responses no;
  notify explicit; notify-delay 0; transfers-in 20; serial-query-rate 100;
}};
controls {{ }};
"""
KEYS = "".join(
    f'key "{key.name}" {{ algorithm {key.algorithm}; secret "{key.secret}"; }};\n' for key in (KEY, OTHER_KEY)
)


@contextmanager
def primary(
    zones: Mapping[str, str] = ZONES, *, port: int = 0, tells: int = 0, types: str = "ANY", transfers: str = ""
) -> Iterator[Running]:
    """Serve the zones; both keys may change them, in the types given. ``tells`` is the port of a secondary."""
    port = port or ground.free_port()
    with ground.folder("bind") as place:
        notify = f"also-notify {{ {HERE} port {tells}; }};" if tells else ""
        transfers = transfers or 'key "panel."; key "other."; 127.0.0.1;'
        blocks = [
            _primary_zone(place, name, text, types, f"{notify} allow-transfer {{ {transfers} }};")
            for name, text in zones.items()
        ]
        with _named(place, "ns1", port, "".join(blocks), next(iter(zones))) as server:
            yield server


@contextmanager
def secondary(of: int, *, port: int = 0, zones: Mapping[str, str] = ZONES) -> Iterator[Running]:
    with ground.folder("bind") as place:
        blocks = [
            f'zone "{name}" {{ type secondary; file "{_file(name)}"; masterfile-format text;'
            f" primaries port {of} {{ {HERE}; }}; allow-transfer {{ none; }}; }};\n"
            for name in zones
        ]
        with _named(place, "ns2", port or ground.free_port(), "".join(blocks), next(iter(zones))) as server:
            yield server


def _primary_zone(place: Path, name: str, text: str, types: str, more: str) -> str:
    (place / _file(name)).write_text(text)
    grants = " ".join(f'grant "{key.name}" zonesub {types};' for key in (KEY, OTHER_KEY))
    return (
        f'zone "{name}" {{ type primary; file "{_file(name)}"; update-policy {{ {grants} }};'
        f" ixfr-from-differences yes; {more} }};\n"
    )


@contextmanager
def _named(place: Path, name: str, port: int, zones: str, first_zone: str) -> Iterator[Running]:
    (place / "named.conf").write_text(OPTIONS.format(folder=place, port=port) + KEYS + zones)
    # A copy: where AppArmor confines the packaged program, it may read no configuration but the machine's own.
    named = shutil.copy2(ground.program("named"), place / "named")
    command = [str(named), "-g", "-n", "1", "-c", str(place / "named.conf")]
    with ground.running(place, name, port, command, answers_for=first_zone) as server:
        yield server


def _file(zone: str) -> str:
    return f"{zone.rstrip('.').replace('/', '-')}.zone"
