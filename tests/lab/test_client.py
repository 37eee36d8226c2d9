from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from lab import client
from lab.directory import Directory
from lab.exchange import Endpoint
from lab.guest import service
from lab.tally import GuestState, memory_kept, quantile

Talk = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"


class Peer:
    """A server that does to each connection, in order, what the test says; the last word goes for all that follow."""

    def __init__(self, *talks: Talk) -> None:
        self._talks = list(talks)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            talk = self._talks.pop(0) if len(self._talks) > 1 else self._talks[0]
            threading.Thread(target=self._talk, args=[talk, sock], daemon=True).start()

    def _talk(self, talk: Talk, sock: socket.socket) -> None:
        with sock:
            try:
                talk(sock)
            except OSError:
                return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


def answer_always(sock: socket.socket) -> None:
    while sock.recv(4096):
        sock.sendall(OK)


def answer_once_then_drop(sock: socket.socket) -> None:
    sock.recv(4096)
    sock.sendall(OK)
    sock.recv(4096)


def answer_half(sock: socket.socket) -> None:
    sock.recv(4096)
    sock.sendall(OK[:-1])


def refuse_politely(sock: socket.socket) -> None:
    while sock.recv(4096):
        sock.sendall(b"HTTP/1.1 507 Full\r\nContent-Length: 0\r\n\r\n")


def answer_late(sock: socket.socket) -> None:
    sock.recv(4096)
    time.sleep(0.4)
    sock.sendall(OK)


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    peers: list[Peer] = []

    def begin(*talks: Talk) -> Peer:
        peers.append(Peer(*talks))
        return peers[-1]

    yield begin
    for each in peers:
        each.close()


def _measure(load: client.Load, journal: Path) -> dict[str, Any]:
    return asyncio.run(client.measure(load, journal=journal))


@pytest.fixture
def measure(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    def run(port: int, **load: Any) -> dict[str, Any]:
        wish = {"rate": 50.0, "write_share": 0.25, "seconds": 0.4} | load
        endpoint = Endpoint(address="127.0.0.1", port=port)
        # In a process of its own, as it is used: the browser's driver may keep a loop running in this one.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            return process.submit(
                _measure, client.Load(directory=Directory(endpoint=endpoint), **wish), tmp_path / "journal"
            ).result()

    return run


def test_it_sends_on_schedule_and_counts_every_answer(peer: Any, measure: Any) -> None:
    report = measure(peer(answer_always).port, rate=100.0, seconds=0.5)
    assert (report["requests"], report["failed_requests"]) == (50, 0)
    assert report["acknowledged_writes"] == 12
    assert sum(second["answered"] for second in report["seconds"]) == 50


def test_it_writes_down_every_acknowledged_write(peer: Any, measure: Any, tmp_path: Path) -> None:
    report = measure(peer(answer_always).port, write_share=1.0)
    lines = (tmp_path / "journal").read_text().splitlines()
    assert len(set(lines)) == len(lines) == report["acknowledged_writes"] == 20


def test_it_does_not_acknowledge_a_write_that_was_refused(peer: Any, measure: Any, tmp_path: Path) -> None:
    report = measure(peer(refuse_politely).port, write_share=1.0)
    assert report["failed_requests"] == report["requests"] == 20
    assert report["failures"][0]["reason"] == "HTTP 507"
    assert (tmp_path / "journal").read_text() == ""


def test_it_goes_on_sending_while_answers_are_late(peer: Any, measure: Any) -> None:
    started = time.monotonic()
    report = measure(peer(answer_late).port, rate=100.0, seconds=0.3, write_share=0.0)
    assert report["requests"] == 30
    assert report["longest_stall_s"] >= 0.4
    # One after the other they would have taken twelve seconds.
    assert time.monotonic() - started < 6


def test_it_counts_a_refused_connection_as_a_failure(measure: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    report = measure(port)
    assert report["failed_requests"] == report["requests"] == 20
    assert "refused" in report["failures"][0]["reason"]
    assert report["memory_kept"] is None


def test_it_shows_the_first_twenty_failures_only(measure: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    report = measure(port, rate=100.0)
    assert report["failed_requests"] == 40
    assert len(report["failures"]) == 20


def test_it_counts_an_answer_broken_off_as_a_failure(peer: Any, measure: Any) -> None:
    report = measure(peer(answer_half).port)
    assert report["failed_requests"] == report["requests"]
    assert "bytes of the answer" in report["failures"][0]["reason"]


def test_a_new_connection_that_ends_without_an_answer_is_not_tried_again(peer: Any, measure: Any) -> None:
    report = measure(peer(lambda sock: sock.recv(4096) and None).port, write_share=0.0)
    assert report["failed_requests"] == report["requests"]
    assert report["connections"]["reopened"] == 0


def test_a_kept_connection_that_ends_without_an_answer_is_opened_again_and_counted(peer: Any, measure: Any) -> None:
    # At 50 requests a second each of the four kept connections gets one every 0.4 s.
    report = measure(peer(answer_once_then_drop).port, seconds=1.2)
    assert report["failed_requests"] == 0
    assert report["connections"]["reopened"] >= 4
    assert report["connections"]["unbroken"] == 0


def test_connections_that_stay_open_are_told_so(peer: Any, measure: Any) -> None:
    report = measure(peer(answer_always).port, seconds=1.0)
    assert report["connections"] == {"kept": 4, "unbroken": 4, "reopened": 0, "closed_by_peer": 0}


def test_it_gives_up_on_a_request_in_the_end(peer: Any, measure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "REQUEST_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(client, "STATE_TIMEOUT_SECONDS", 0.1)
    report = measure(peer(lambda sock: time.sleep(2)).port)
    assert report["failed_requests"] == report["requests"] == 20


def test_lost_writes_are_those_the_surviving_store_lacks(tmp_path: Path) -> None:
    (tmp_path / "acknowledged").write_text("a\nb\nc\n")
    (tmp_path / "surviving").write_text("c\nx\na\n")
    assert client.lost_writes(tmp_path / "acknowledged", tmp_path / "surviving") == ["b"]


def state(*, incarnation: str = "one", counter: int = 1) -> GuestState:
    return GuestState(identity="i", incarnation=incarnation, memory_counter=counter, writes=0)


def test_memory_is_kept_only_if_the_same_process_counted_on() -> None:
    assert memory_kept(state(counter=1), state(counter=9)) is True
    assert memory_kept(state(counter=1), state(incarnation="two", counter=9)) is False
    assert memory_kept(state(counter=9), state(counter=3)) is False
    assert memory_kept(None, state()) is None


def test_a_quantile_of_nothing_is_zero() -> None:
    assert quantile([], 0.99) == 0.0
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0


def test_its_door_measures_a_real_guest_until_a_file_appears(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/guest.json").write_text(json.dumps({"port": port}))
    guest = subprocess.Popen([sys.executable, "-IBS", str(Path(service.__file__)), str(tmp_path)])
    try:
        time.sleep(0.5)
        words = ["--address", "127.0.0.1", "--port", str(port), "--until-file", str(tmp_path / "enough")]
        words += ["--journal", str(tmp_path / "journal"), "--report", str(tmp_path / "report.json")]
        load = subprocess.Popen([sys.executable, "-m", "lab.client", *words], stdout=subprocess.DEVNULL)
        time.sleep(1.5)
        (tmp_path / "enough").touch()
        assert load.wait(timeout=10) == 0
    finally:
        guest.kill()
        guest.wait()
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["failed_requests"] == 0
    assert report["requests"] > 100
    assert report["memory_kept"] is True
    assert client.lost_writes(tmp_path / "journal", tmp_path / "data/journal") == []
