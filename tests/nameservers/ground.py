"""What every real name server in a test stands on: a folder, a free port on the loopback, a process that is ended."""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode

from migrations_app.ports.nameserver import Key, Server

START_SECONDS = 15.0
HERE = "127.0.0.1"
KEY = Key(name="panel.", algorithm="hmac-sha256", secret=base64.b64encode(b"the panel's own secret, 32 octet").decode())
# May do what the panel may; belongs to somebody else, who edits the zone as well.
OTHER_KEY = Key(
    name="other.", algorithm="hmac-sha256", secret=base64.b64encode(b"somebody else's, just as long as").decode()
)
ZONE = "example.net."
REVERSE = "2.0.192.in-addr.arpa."
ZONE_TEXT = """\
$TTL 3600
@ IN SOA ns1.example.net. hostmaster.example.net. 1 3600 600 86400 60
@ IN NS ns1.example.net.
@ IN MX 10 shop.example.net.
@ IN TXT "v=spf1 ip4:192.0.2.101 -all"
@ IN TXT "site=abc"
ns1 IN A 192.0.2.53
shop IN A 192.0.2.101
www IN CNAME shop
pool 300 IN A 192.0.2.101
pool 300 IN A 192.0.2.102
*.wild IN A 192.0.2.101
inner IN NS ns.inner
ns.inner IN A 192.0.2.101
"""
REVERSE_TEXT = """\
$TTL 3600
@ IN SOA ns1.example.net. hostmaster.example.net. 1 3600 600 86400 60
@ IN NS ns1.example.net.
101 IN PTR shop.example.net.
"""
ZONES = {ZONE: ZONE_TEXT, REVERSE: REVERSE_TEXT}


@dataclass(frozen=True, kw_only=True)
class Running:
    """A name server that runs: where it answers, and the folder it lives in."""

    server: Server
    folder: Path
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def program(*names: str) -> str:
    for name in names:
        found = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
        if found:
            return found
    raise FileNotFoundError(f"{names[0]} is not installed; `make setup` installs it")


def free_port() -> int:
    """Return a port that is free for UDP and TCP."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind((HERE, 0))
            try:
                udp.bind((HERE, tcp.getsockname()[1]))
            except OSError:
                continue
            return int(tcp.getsockname()[1])


@contextmanager
def folder(name: str) -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix=f"ovz-{name}-"))
    try:
        yield place
    finally:
        shutil.rmtree(place)


@contextmanager
def running(place: Path, name: str, port: int, command: Sequence[str], *, answers_for: str = ZONE) -> Iterator[Running]:
    """Start the server; it dies with whoever started it, and at the end of the block."""
    with (place / "log").open("ab") as log:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command], cwd=place, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        server = Server(name=name, address=HERE, port=port)
        _await(server, process, place / "log", answers_for)
        yield Running(server=server, folder=place, process=process)
    finally:
        process.kill()
        process.wait()


def _await(server: Server, process: subprocess.Popen[bytes], log: Path, zone: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(server, zone):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{server} does not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.02)


def _answers(server: Server, zone: str) -> bool:
    try:
        reply = dns.query.tcp(dns.message.make_query(zone, "SOA"), server.address, port=server.port, timeout=0.5)
    except (OSError, EOFError, dns.exception.Timeout):
        return False
    return reply.rcode() == dns.rcode.NOERROR and bool(reply.answer)
