"""Real name servers for a lab: BIND as primary and secondary, each in a place of its own on the lab's first segment."""

from __future__ import annotations

import base64
import json
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from lab import anchor, network
from lab.handle import Lab

PRIMARY_HOST, SECONDARY_HOST = 53, 54
KEY_NAME, ALGORITHM = "panel", "hmac-sha256"
START_SECONDS = 15.0
ASK_SECONDS = 2.0
TTL_SECONDS = 5
PROGRAM_FOLDERS = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"

OPTIONS = """\
options {{
  directory "{folder}";
  listen-on {{ {address}; }}; listen-on-v6 {{ none; }};
  pid-file none; session-keyfile "{folder}/session.key";
  recursion no; dnssec-validation no; empty-zones-enable no; notify explicit; notify-delay 0;
}};
controls {{ }};
key "{key}" {{ algorithm {algorithm}; secret "{secret}"; }};
"""


@dataclass(frozen=True, kw_only=True)
class LabZone:
    """A zone with what stands below its SOA and NS records, as lines of a zone file."""

    name: str
    lines: Sequence[str]

    def text(self) -> str:
        head = f"$TTL {TTL_SECONDS}\n@ IN SOA ns1.lab.example. hostmaster.lab.example. 1 60 30 86400 5\n"
        servers = "@ IN NS ns1.lab.example.\n@ IN NS ns2.lab.example.\n"
        return head + servers + "".join(f"{line}\n" for line in self.lines)


@dataclass(frozen=True, kw_only=True)
class NameServers:
    """Two servers that run, and the key that may change what they serve."""

    lab: Lab
    secret: str
    zones: tuple[str, ...]
    primary: str
    secondary: str

    def told(self) -> str:
        """Return what the panel has to be told of them, as lab.enlist_names reads it."""
        told = {"ns1": self.primary, "ns2": self.secondary, "secret": self.secret, "zones": self.zones}
        return json.dumps(told)

    def values(self, name: str, kind: str, *, server: str = "") -> tuple[tuple[str, ...], int]:
        """Return what a server says of a name, asked from the client's place, and its TTL."""
        query = dns.message.make_query(name, kind)
        with self.lab.inside("client"):
            reply = dns.query.tcp(query, server or self.primary, timeout=ASK_SECONDS)
        for answer in reply.answer:
            if dns.rdatatype.to_text(answer.rdtype) == kind:
                return tuple(sorted(item.to_text() for item in answer)), answer.ttl
        return (), 0


@contextmanager
def name_servers(lab: Lab, zones: Sequence[LabZone]) -> Iterator[NameServers]:
    """Serve the zones until the end of the block; all of it dies with the caller and lives in the run's own folder."""
    secret = base64.b64encode(secrets.token_bytes(32)).decode()
    primary, secondary = (network.HOME.address(host) for host in (PRIMARY_HOST, SECONDARY_HOST))
    holders: list[subprocess.Popen[bytes]] = []
    try:
        blocks = "".join(_primary_block(_folder(lab, "ns1"), zone, secondary) for zone in zones)
        holders += _serve(lab, "ns1", primary, secret, blocks, zones[0].name)
        blocks = "".join(_secondary_block(zone, primary) for zone in zones)
        holders += _serve(lab, "ns2", secondary, secret, blocks, zones[0].name)
        yield NameServers(
            lab=lab,
            secret=secret,
            zones=tuple(zone.name for zone in zones),
            primary=str(primary),
            secondary=str(secondary),
        )
    finally:
        for holder in reversed(holders):
            holder.kill()
            holder.wait()


def _folder(lab: Lab, name: str) -> Path:
    folder = lab.paths.state_dir / name
    folder.mkdir(exist_ok=True)
    return folder


def _primary_block(folder: Path, zone: LabZone, secondary: IPv4Address) -> str:
    (folder / zone.name).write_text(zone.text())
    return (
        f'zone "{zone.name}" {{ type primary; file "{zone.name}"; also-notify {{ {secondary}; }};'
        f' update-policy {{ grant "{KEY_NAME}" zonesub ANY; }};'
        f' allow-transfer {{ key "{KEY_NAME}"; {secondary}; }}; }};\n'
    )


def _secondary_block(zone: LabZone, primary: IPv4Address) -> str:
    return f'zone "{zone.name}" {{ type secondary; file "{zone.name}"; primaries {{ {primary}; }}; }};\n'


def _serve(
    lab: Lab, name: str, address: IPv4Address, secret: str, blocks: str, first_zone: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Yield what holds the place, then the server once it answers: each can be ended from when it is there."""
    folder = _folder(lab, name)
    words: Mapping[str, object] = {"folder": folder, "address": address, "secret": secret}
    (folder / "named.conf").write_text(OPTIONS.format(**words, key=KEY_NAME, algorithm=ALGORITHM) + blocks)
    # A copy: where AppArmor confines the packaged program, it may read no configuration but the machine's own.
    program = shutil.copy2(_named(), folder / "named")
    holder = network.open_place(lab.run_id)
    yield holder
    network.plug_in(lab.place_pid("switch"), name, holder.pid, address)
    command = [*anchor.network_of(holder.pid), str(program), "-f", "-n", "1", "-c", str(folder / "named.conf")]
    yield anchor.spawn(command, run_id=lab.run_id)
    _await(lab, str(address), first_zone)


def _named() -> str:
    found = shutil.which("named", path=PROGRAM_FOLDERS)
    if found is None:
        raise FileNotFoundError("BIND is not installed; `make setup` installs it")
    return found


def _await(lab: Lab, address: str, zone: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(lab, address, zone):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the name server at {address} does not serve {zone} within {START_SECONDS:.0f} s")
        time.sleep(0.05)


def _answers(lab: Lab, address: str, zone: str) -> bool:
    try:
        with lab.inside("client"):
            reply = dns.query.tcp(dns.message.make_query(zone, "SOA"), address, timeout=0.5)
    except (OSError, EOFError, dns.exception.Timeout):
        return False
    return reply.rcode() == dns.rcode.NOERROR and bool(reply.answer)
