"""The knocker at real sockets of this machine."""

from __future__ import annotations

import asyncio
import resource
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from migrations_app.adapters import knocker as knocker_module
from migrations_app.adapters.knocker import SteadyKnocker
from migrations_app.ports.knocker import Knock, Place

LIVELY = ("192.0.2.9", 80)


@pytest.fixture
def open_place() -> Iterator[Place]:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield server.getsockname()


def test_it_goes_on_knocking_at_what_answers(open_place: Place) -> None:
    knocker = SteadyKnocker()
    knocker.aim({open_place: 0.25})
    heard = _hear(knocker, lambda heard: len(heard) >= 3)
    assert {(knock.place, knock.answered) for knock in heard} == {(open_place, True)}
    assert all(knock.sent_at_seconds <= knock.heard_at_seconds for knock in heard)


def test_a_refusal_is_heard_as_no_answer() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        knocker = SteadyKnocker()
        knocker.aim({closed.getsockname(): 0.25})
        assert not _hear(knocker, bool)[0].answered


def test_it_stops_where_it_is_not_to_knock_any_more(open_place: Place) -> None:
    knocker = SteadyKnocker()
    knocker.aim({open_place: 0.25})
    _hear(knocker, bool)
    knocker.aim({})
    time.sleep(0.6)
    knocker.heard()
    time.sleep(0.6)
    assert knocker.heard() == []


def test_many_silent_places_take_no_more_than_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """And none of it from one that answers: it is asked as often as ever."""
    silent, under_way, most = {("192.0.2.1", 80), ("192.0.2.2", 80), ("192.0.2.3", 80)}, 0, 0

    async def is_open(place: Place) -> bool:
        nonlocal under_way, most
        if place not in silent:
            return True
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(3_600)
        return False

    monkeypatch.setattr(knocker_module, "_is_open", is_open)
    monkeypatch.setattr(knocker_module, "MOST_UNDER_WAY", 6)
    monkeypatch.setattr(knocker_module, "SOONEST_SECONDS", 0.02)
    knocker = SteadyKnocker()
    knocker.aim(dict.fromkeys([*silent, LIVELY], 0.02))
    heard = _hear(knocker, lambda heard: len(heard) >= 20)
    knocker.aim({})
    assert {(knock.place, knock.answered) for knock in heard} == {(LIVELY, True)}
    assert len(heard) >= 20
    assert most == 6


def test_what_could_not_be_asked_is_no_silence(open_place: Place) -> None:
    knocker = SteadyKnocker()
    knocker.aim({open_place: 0.25})
    _hear(knocker, bool)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        time.sleep(1.0)
        heard = knocker.heard()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert all(knock.answered for knock in heard)
    assert len(heard) <= 1
    assert _hear(knocker, bool)[0].answered


def _hear(knocker: SteadyKnocker, enough: Callable[[list[Knock]], bool]) -> list[Knock]:
    heard: list[Knock] = []
    deadline = time.monotonic() + 10
    while not enough(heard) and time.monotonic() < deadline:
        time.sleep(0.05)
        heard += knocker.heard()
    return heard


def test_it_knocks_seldom_where_it_is_told_to(open_place: Place) -> None:
    knocker = SteadyKnocker()
    knocker.aim({open_place: 1.0})
    time.sleep(2.4)
    assert 2 <= len(knocker.heard()) <= 4
