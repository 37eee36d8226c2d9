from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lab.guest import service

Start = Callable[..., "Running"]


class Running:
    def __init__(self, root: Path, port: int, **config: int) -> None:
        self.root, self.port = root, port
        (root / "etc").mkdir(parents=True, exist_ok=True)
        (root / "etc/guest.json").write_text(json.dumps({"port": port, **config}))
        command = [sys.executable, "-IBS", str(Path(service.__file__)), str(root)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self.connect().close()

    @property
    def journal(self) -> list[str]:
        return (self.root / "data/journal").read_text().splitlines()

    def connect(self) -> socket.socket:
        deadline = time.monotonic() + 10
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port), timeout=10)
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, "the service does not listen"
                time.sleep(0.01)

    def ask(self, method: str, target: str, headers: str = "") -> tuple[int, str]:
        with self.connect() as sock:
            return exchange(sock, f"{method} {target} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n".encode())

    def state(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.ask("GET", "/state")[1])
        return told

    def stop(self) -> float:
        """Return how many seconds a SIGTERM took."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=10) == 0
        return time.monotonic() - started


def exchange(sock: socket.socket, request: bytes) -> tuple[int, str]:
    sock.sendall(request)
    received = b""
    while not (found := re.match(rb"HTTP/1.1 (\d+) .*?content-length: (\d+).*?\r\n\r\n", received, re.S | re.I)):
        piece = sock.recv(4096)
        assert piece, received
        received += piece
    length = int(found[2])
    while len(received) < found.end() + length:
        received += sock.recv(4096)
    return int(found[1]), received[found.end() :].decode()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Running] = []

    def begin(**config: int) -> Running:
        started.append(Running(tmp_path, free_port(), **config))
        return started[-1]

    yield begin
    for running in started:
        running.process.kill()
        running.process.wait()


def test_it_acknowledges_a_write_once_it_is_in_the_journal(start: Start) -> None:
    guest = start()
    assert guest.ask("POST", "/write?id=first") == (200, "ok 1\n")
    assert guest.journal == ["first"]


def test_it_acknowledges_the_same_write_again_without_writing_it_twice(start: Start) -> None:
    guest = start()
    guest.ask("POST", "/write?id=a")
    guest.ask("POST", "/write?id=b")
    assert guest.ask("POST", "/write?id=a")[0] == 200
    assert guest.journal == ["a", "b"]


def test_it_keeps_every_write_of_many_clients_at_once(start: Start) -> None:
    guest = start()
    with ThreadPoolExecutor(20) as clients:
        answers = list(clients.map(lambda number: guest.ask("POST", f"/write?id=w{number}"), range(200)))
    assert {status for status, _ in answers} == {200}
    assert sorted(guest.journal) == sorted(f"w{number}" for number in range(200))


def test_its_writes_and_identity_outlive_it_and_its_memory_does_not(start: Start) -> None:
    first = start()
    first.ask("POST", "/write?id=kept")
    before = first.state()
    first.stop()
    after = start().state()
    assert (after["identity"], after["writes"]) == (before["identity"], 1)
    assert after["incarnation"] != before["incarnation"]
    assert after["memory_counter"] < before["memory_counter"]


def test_it_drops_a_line_torn_by_a_crash(start: Start, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/journal").write_bytes(b"whole\nto")
    guest = start()
    guest.ask("POST", "/write?id=next")
    assert guest.journal == ["whole", "next"]


@pytest.mark.parametrize(
    ("method", "target", "headers", "status"),
    [
        ("POST", "/write", "", 400),
        ("POST", "/write?id=", "", 400),
        ("POST", "/write?id=a%0Ab", "", 400),
        ("POST", "/write?id=" + "x" * 65, "", 400),
        ("GET", "/write?id=a", "", 405),
        ("GET", "/nowhere", "", 404),
        ("GET", "/", "Content-Length: -1\r\n", 400),
        ("GET", "/", "Content-Length: 99999999\r\n", 400),
        ("GET", "/", "no colon here\r\n", 400),
        ("GET", "/", "X: " + "y" * 9000 + "\r\n", 400),
    ],
)
def test_it_refuses_what_it_does_not_understand(
    start: Start, method: str, target: str, headers: str, status: int
) -> None:
    guest = start()
    assert guest.ask(method, target, headers)[0] == status
    assert guest.journal == []


def test_it_leaves_at_once_when_nobody_is_connected(start: Start) -> None:
    assert start().stop() < 0.5


def test_it_leaves_within_half_a_second_when_connections_idle(start: Start) -> None:
    guest = start()
    with guest.connect() as sock:
        exchange(sock, b"GET / HTTP/1.1\r\n\r\n")
        assert guest.stop() < 0.5
        assert sock.recv(1) == b""


def test_told_to_stop_it_answers_the_request_on_its_way_and_says_that_it_was_the_last(start: Start) -> None:
    guest = start()
    with guest.connect() as sock:
        exchange(sock, b"GET / HTTP/1.1\r\n\r\n")
        guest.process.send_signal(signal.SIGTERM)
        time.sleep(0.05)
        sock.sendall(b"POST /write?id=late HTTP/1.1\r\n\r\n")
        answer = sock.recv(4096)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"Connection: close" in answer
    guest.process.wait(timeout=5)
    assert guest.journal == ["late"]


def test_told_to_stop_it_still_serves_those_in_the_queue(start: Start) -> None:
    guest = start()
    guest.process.send_signal(signal.SIGSTOP)
    queued = [guest.connect() for _ in range(20)]
    for number, sock in enumerate(queued):
        sock.sendall(f"POST /write?id=q{number} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
    guest.process.send_signal(signal.SIGTERM)
    guest.process.send_signal(signal.SIGCONT)
    for sock in queued:
        with sock:
            assert sock.recv(4096).startswith(b"HTTP/1.1 200")
    guest.process.wait(timeout=5)
    assert len(guest.journal) == 20


def test_it_finishes_a_request_begun_before_the_stop(start: Start) -> None:
    guest = start()
    with guest.connect() as sock:
        sock.sendall(b"POST /write?id=slow HTTP/1.1\r\nContent-Length: 2\r\n\r\n")
        time.sleep(0.1)
        guest.process.send_signal(signal.SIGTERM)
        time.sleep(0.6)
        sock.sendall(b"ab")
        assert sock.recv(4096).startswith(b"HTTP/1.1 200")
    guest.process.wait(timeout=5)


def test_it_writes_in_the_background_when_told_to(start: Start, tmp_path: Path) -> None:
    start(writer_bytes_per_second=1_000_000)
    time.sleep(0.5)
    written = sum(path.stat().st_size for path in (tmp_path / "data/churn").iterdir())
    assert 100_000 <= written <= 1_500_000


def test_it_carries_ballast_in_memory_when_told_to(start: Start) -> None:
    guest = start(ballast_mib=30)
    status = Path(f"/proc/{guest.process.pid}/status").read_text()
    (resident_kib,) = re.findall(r"VmRSS:\s+(\d+) kB", status)
    assert int(resident_kib) > 30 << 10
