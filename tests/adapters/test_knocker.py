"""The knocker at real sockets of this machine."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import pytest

from migrations_app.adapters.knocker import SteadyKnocker
from migrations_app.ports.knocker import Knock, Place


@pytest.fixture
def open_place() -> Iterator[Place]:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield server.getsockname()


def test_it_goes_on_knocking_at_what_answers(open_place: Place) -> None:
    knocker = SteadyKnocker()
    knocker.aim([open_place])
    heard = _hear(knocker, lambda heard: len(heard) >= 3)
    assert {(knock.place, knock.answered) for knock in heard} == {(open_place, True)}
    assert all(knock.sent_at_seconds <= knock.heard_at_seconds for knock in heard)


def test_a_refusal_is_heard_as_no_answer() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        knocker = SteadyKnocker()
        knocker.aim([closed.getsockname()])
        assert not _hear(knocker, bool)[0].answered


def test_it_stops_where_it_is_not_to_knock_any_more(open_place: Place) -> None:
    knocker = SteadyKnocker()
    knocker.aim([open_place])
    _hear(knocker, bool)
    knocker.aim([])
    time.sleep(0.6)
    knocker.heard()
    time.sleep(0.6)
    assert knocker.heard() == []


def _hear(knocker: SteadyKnocker, enough: Callable[[list[Knock]], bool]) -> list[Knock]:
    heard: list[Knock] = []
    deadline = time.monotonic() + 10
    while not enough(heard) and time.monotonic() < deadline:
        time.sleep(0.05)
        heard += knocker.heard()
    return heard
