"""The supervisor's door: one line of JSON asks, one line answers."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

LINE_LIMIT_BYTES = 4096
CALLER_PATIENCE_SECONDS = 5.0

Answerer = Callable[[dict[str, Any]], dict[str, Any]]


class SupervisorRefused(RuntimeError):
    """The supervisor could not do what was asked; its reason is the message."""


def listen(place: Path) -> socket.socket:
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    door.bind(str(place))
    place.chmod(0o600)
    door.listen()
    return door


def answer_one(door: socket.socket, answerer: Answerer) -> None:
    """Serve the next caller; one who talks nonsense or hangs up harms nobody but himself."""
    caller, _ = door.accept()
    with suppress(OSError), caller, caller.makefile("rwb") as talk:
        caller.settimeout(CALLER_PATIENCE_SECONDS)
        talk.write(json.dumps(_answer(talk.readline(LINE_LIMIT_BYTES), answerer)).encode() + b"\n")


def _answer(line: bytes, answerer: Answerer) -> dict[str, Any]:
    try:
        return answerer(json.loads(line))
    except ValueError as error:
        return {"refused": f"not JSON: {error}"}


def ask(place: Path, request: dict[str, Any], *, timeout_seconds: float = 60) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(timeout_seconds)
        line.connect(str(place))
        line.sendall(json.dumps(request).encode() + b"\n")
        with line.makefile("rb") as talk:
            answer: dict[str, Any] = json.loads(talk.readline(LINE_LIMIT_BYTES))
    if "refused" in answer:
        raise SupervisorRefused(answer["refused"])
    return answer
