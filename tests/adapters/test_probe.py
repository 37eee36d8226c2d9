from __future__ import annotations

import socket

from migrations_app.adapters.probe import TcpProbe
from tests.adapters.sshd import free_port


def test_it_finds_a_service_that_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as service:
        result = TcpProbe().connect("127.0.0.1", service.getsockname()[1], timeout_seconds=2)
    assert result.answers
    assert result.detail == ""
    assert 0 < result.seconds < 2


def test_it_reports_a_refusal_in_words() -> None:
    result = TcpProbe().connect("127.0.0.1", free_port(), timeout_seconds=2)
    assert not result.answers
    assert result.detail == "Connection refused"


def test_it_reports_silence_in_words() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        crowd = [socket.socket() for _ in range(3)]
        for caller in crowd:  # a full queue drops whoever comes next
            caller.setblocking(False)
            caller.connect_ex(("127.0.0.1", port))
        result = TcpProbe().connect("127.0.0.1", port, timeout_seconds=0.3)
        for caller in crowd:
            caller.close()
    assert not result.answers
    assert result.detail == "no answer within 0.3 s"
