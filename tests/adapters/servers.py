"""Small servers of every kind on this machine's own addresses, well-behaved and otherwise."""

from __future__ import annotations

import itertools
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Talk = Callable[[socket.socket], None]
LONGEST_TALK_SECONDS = 120.0
_numbers = itertools.count(1)


def own_address() -> str:
    """Return a loopback address that no other process of the tests uses, so that ports may be the real ones."""
    return f"127.{1 + os.getpid() // 250 % 250}.{1 + os.getpid() % 250}.{next(_numbers) % 250 + 1}"


@contextmanager
def served(talk: Talk, port: int, *, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve every caller by this talk, and return the address."""
    address = own_address()
    with socket.create_server((address, port)) as listener:
        threading.Thread(target=_serve, args=(listener, talk, tls), daemon=True).start()
        yield address
        listener.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket, talk: Talk, tls: ssl.SSLContext | None) -> None:
    while True:
        try:
            caller, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_talk, args=(caller, talk, tls), daemon=True).start()


def _talk(caller: socket.socket, talk: Talk, tls: ssl.SSLContext | None) -> None:
    caller.settimeout(LONGEST_TALK_SECONDS)
    with suppress(OSError), caller:
        if tls is None:
            talk(caller)
        else:
            with tls.wrap_socket(caller, server_side=True) as secure:
                talk(secure)


def says(line: bytes) -> Talk:
    def talk(caller: socket.socket) -> None:
        caller.sendall(line)
        caller.recv(100)

    return talk


def page(title: str, *, status: str = "200 OK", asked: list[bytes] | None = None) -> Talk:
    body = f"<!doctype html><html><head>\n<TITLE lang=en>{title}</title></head><body>hello</body></html>".encode()
    return answers(f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\n\r\n".encode() + body, asked=asked)


def answers(whole: bytes, *, asked: list[bytes] | None = None) -> Talk:
    def talk(caller: socket.socket) -> None:
        request = caller.recv(4096)
        if asked is not None:
            asked.append(request)
        caller.sendall(whole)

    return talk


def drips(beginning: bytes, drop: bytes, *, every_seconds: float = 0.02) -> Talk:
    """Say a beginning, and then a little again and again, for ever."""

    def talk(caller: socket.socket) -> None:
        caller.sendall(beginning)
        until = time.monotonic() + LONGEST_TALK_SECONDS
        while time.monotonic() < until:
            time.sleep(every_seconds)
            caller.sendall(drop)

    return talk


def hangs_up(caller: socket.socket) -> None:
    """Close at once, without a word."""


def is_silent(caller: socket.socket) -> None:
    while caller.recv(4096):
        pass


def self_signed(folder: Path, *names: str, days: int = 30) -> ssl.SSLContext:
    """Make a key and a certificate for these names, and return what serves by them."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{names[0]}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
