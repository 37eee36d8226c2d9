"""The SSH adapter against a real sshd."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from migrations_app.adapters import ssh_key
from migrations_app.adapters.ssh import LARGEST_OUTPUT, SshShell
from migrations_app.adapters.ssh_line import SshLine, place_of
from migrations_app.ports.shell import HostKeyChanged, LoginRefused, NodeUnreachable, ReplyLost
from tests.adapters.sshd import Sshd, free_port


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    tmp_path.chmod(0o755)
    server = Sshd(tmp_path)
    server.prepare()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def shell(sshd: Sshd) -> Iterator[SshShell]:
    shell = SshShell(sshd.panel_key)
    yield shell
    shell.close()


def test_it_says_the_words_and_returns_the_answer(shell: SshShell, sshd: Sshd) -> None:
    reply = shell.call(sshd.endpoint, ("say", "hello", "there"))
    assert (reply.exit_code, reply.output, reply.error) == (0, "hello there\n", "")
    assert sshd.heard == ["say hello there"]


def test_it_returns_exit_code_and_error_text(shell: SshShell, sshd: Sshd) -> None:
    reply = shell.call(sshd.endpoint, ("fail",))
    assert (reply.exit_code, reply.output, reply.error) == (75, "out\n", "err\n")


def test_it_hands_over_standard_input(shell: SshShell, sshd: Sshd) -> None:
    payload = b"line\n" * 12_000
    assert shell.call(sshd.endpoint, ("echo",), stdin=payload).output == payload.decode()


def test_it_ends_standard_input_when_there_is_none(shell: SshShell, sshd: Sshd) -> None:
    assert shell.call(sshd.endpoint, ("echo",), timeout_seconds=5).output == ""


def test_it_makes_text_of_any_bytes(shell: SshShell, sshd: Sshd) -> None:
    assert shell.call(sshd.endpoint, ("bytes",)).output == "ab\\xffc\n"


def test_it_refuses_another_host_key(shell: SshShell, sshd: Sshd) -> None:
    pinned = sshd.endpoint
    sshd.stop()
    sshd.make_host_key()
    sshd.start()
    with pytest.raises(HostKeyChanged, match="shows the host key ssh-ed25519"):
        shell.call(pinned, ("say", "secret"))
    assert sshd.heard == []


def test_it_refuses_a_key_of_another_kind(shell: SshShell, sshd: Sshd) -> None:
    pinned = sshd.endpoint
    sshd.stop()
    sshd.make_host_key("rsa")
    sshd.start()
    with pytest.raises(HostKeyChanged):
        shell.call(pinned, ("say", "secret"))
    assert sshd.heard == []


@pytest.mark.parametrize("pinned", ["", "ssh-ed25519", "ssh-ed25519 AAAA", "nonsense AAAAB3Nz", "ssh-ed25519 ###"])
def test_it_refuses_to_talk_without_a_pinned_key(shell: SshShell, sshd: Sshd, pinned: str) -> None:
    with pytest.raises(HostKeyChanged):
        shell.call(replace(sshd.endpoint, host_key=pinned), ("say", "secret"))
    assert sshd.heard == []


def test_it_takes_a_pinned_rsa_key(shell: SshShell, sshd: Sshd) -> None:
    sshd.stop()
    sshd.make_host_key("rsa")
    sshd.start()
    assert shell.call(sshd.endpoint, ("say", "hello")).output == "hello\n"


def test_it_is_refused_with_a_key_the_node_does_not_know(sshd: Sshd, tmp_path: Path) -> None:
    stranger = SshShell(ssh_key.read_or_make_key(tmp_path / "other_key"))
    with pytest.raises(LoginRefused):
        stranger.call(sshd.endpoint, ("say", "hello"))


def test_it_cannot_reach_a_closed_port(shell: SshShell, sshd: Sshd) -> None:
    with pytest.raises(NodeUnreachable):
        shell.call(replace(sshd.endpoint, port=free_port()), ("say", "hello"))


def test_it_gives_up_on_a_server_that_never_speaks(
    shell: SshShell, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("migrations_app.adapters.ssh_line.CONNECT_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(NodeUnreachable):
            shell.call(replace(sshd.endpoint, port=silent.getsockname()[1]), ("say", "hello"))
        assert time.monotonic() - began < 3


@pytest.mark.alone
def test_it_loses_the_reply_of_a_gate_that_takes_too_long(shell: SshShell, sshd: Sshd) -> None:
    began = time.monotonic()
    with pytest.raises(ReplyLost, match="within 1 s"):
        shell.call(sshd.endpoint, ("sleep", "30"), timeout_seconds=1)
    assert time.monotonic() - began < 2
    assert shell.call(sshd.endpoint, ("say", "still", "here")).output == "still here\n"


def test_it_loses_the_reply_when_the_connection_dies_meanwhile(shell: SshShell, sshd: Sshd) -> None:
    with pytest.raises(ReplyLost):
        shell.call(sshd.endpoint, ("die",))
    assert sshd.heard == ["die"]
    assert shell.call(sshd.endpoint, ("say", "again")).output == "again\n"


def test_it_loses_the_reply_of_a_frozen_server(shell: SshShell, sshd: Sshd) -> None:
    """An sshd that stops between two calls neither answers nor hangs up."""
    began = time.monotonic()
    shell.call(sshd.endpoint, ("say", "hello"))
    with _frozen(sshd), pytest.raises((ReplyLost, NodeUnreachable)):
        shell.call(sshd.endpoint, ("say", "anybody"), timeout_seconds=2)
    assert time.monotonic() - began < 12


def test_it_keeps_its_connection(shell: SshShell, sshd: Sshd) -> None:
    ports = {shell.call(sshd.endpoint, ("from",)).output for _ in range(5)}
    assert len(ports) == 1


def test_its_words_do_not_wait_for_the_node_to_acknowledge_those_before(sshd: Sshd) -> None:
    line = SshLine(sshd.endpoint, sshd.panel_key)
    try:
        assert line.connection.transport.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    finally:
        line.close()


def test_it_reconnects_once_when_the_kept_connection_is_dead(shell: SshShell, sshd: Sshd) -> None:
    shell.call(sshd.endpoint, ("say", "before"))
    sshd.stop()
    sshd.start()
    assert shell.call(sshd.endpoint, ("say", "after")).output == "after\n"
    assert sshd.heard == ["say before", "say after"]


def test_it_says_so_when_the_node_went_away_for_good(shell: SshShell, sshd: Sshd) -> None:
    shell.call(sshd.endpoint, ("say", "before"))
    sshd.stop()
    with pytest.raises(NodeUnreachable):
        shell.call(sshd.endpoint, ("say", "after"))


def test_it_bounds_a_flood(shell: SshShell, sshd: Sshd) -> None:
    tracemalloc.start()
    try:
        reply = shell.call(sshd.endpoint, ("flood",), timeout_seconds=60)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(reply.output) == LARGEST_OUTPUT
    assert peak < 40 * 1_048_576


def test_it_reads_a_flood_of_errors_too(shell: SshShell, sshd: Sshd) -> None:
    reply = shell.call(sshd.endpoint, ("flood_err",), timeout_seconds=30)
    assert reply.output == "done\n"
    assert len(reply.error) == LARGEST_OUTPUT


def test_it_serves_several_threads_at_once(shell: SshShell, sshd: Sshd) -> None:
    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(lambda word: shell.call(sshd.endpoint, ("say", word)).output, map(str, range(60))))
    assert replies == [f"{number}\n" for number in range(60)]


@pytest.mark.alone
def test_a_slow_answer_does_not_hold_up_another_thread(shell: SshShell, sshd: Sshd) -> None:
    shell.call(sshd.endpoint, ("say", "hello"))
    slow = threading.Thread(target=shell.call, args=(sshd.endpoint, ("sleep", "3")))
    slow.start()
    began = time.monotonic()
    assert shell.call(sshd.endpoint, ("say", "quick")).output == "quick\n"
    assert time.monotonic() - began < 1
    slow.join()


def test_it_leaves_no_file_descriptor_behind(shell: SshShell, sshd: Sshd) -> None:
    shell.call(sshd.endpoint, ("say", "hello"))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        shell.call(sshd.endpoint, ("say", "hello"))
    assert len(os.listdir("/proc/self/fd")) == before


def test_it_shows_the_offered_host_key(shell: SshShell, sshd: Sshd) -> None:
    assert shell.offered_host_key("127.0.0.1", sshd.port) == sshd.host_key
    with pytest.raises(NodeUnreachable):
        shell.offered_host_key("127.0.0.1", free_port())


class _frozen:
    """Stop the listener and everything it started, for a while."""

    def __init__(self, sshd: Sshd) -> None:
        assert sshd.process is not None
        self.pid = sshd.process.pid

    def __enter__(self) -> None:
        self._signal("STOP")

    def __exit__(self, *_: object) -> None:
        self._signal("CONT")

    def _signal(self, name: str) -> None:
        subprocess.run(["pkill", f"-{name}", "-P", str(self.pid)], check=False)
        subprocess.run(["kill", f"-{name}", str(self.pid)], check=True)


def lead_to(monkeypatch: pytest.MonkeyPatch, found: str) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(socket.AF_INET, 1, 6, "", (found, 0))])


@pytest.mark.parametrize("found", ["127.0.0.1", "169.254.169.254", "::1", "0.0.0.0", "::ffff:127.0.0.1", "fe80::1%1"])
def test_a_name_that_leads_to_this_machine_or_its_cloud_is_no_node(
    shell: SshShell, sshd: Sshd, monkeypatch: pytest.MonkeyPatch, found: str
) -> None:
    lead_to(monkeypatch, found)
    named = replace(sshd.endpoint, address="node-1.example.net")
    with pytest.raises(NodeUnreachable, match=r"node-1\.example\.net leads to"):
        shell.call(named, ("say", "hello"))
    with pytest.raises(NodeUnreachable, match=r"node-1\.example\.net leads to"):
        shell.offered_host_key(named.address, named.port)
    assert sshd.heard == []


def test_a_name_that_nobody_knows_is_a_node_that_cannot_be_reached(
    shell: SshShell, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(NodeUnreachable, match="leads nowhere"):
        shell.offered_host_key("node-1.example.net", sshd.port)


def test_a_name_is_looked_up_once_and_its_address_is_what_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    lead_to(monkeypatch, "192.0.2.7")
    assert place_of("node-1.example.net") == "192.0.2.7"
    assert place_of("2001:DB8::7") == "2001:db8::7"
