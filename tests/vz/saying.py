"""Shells that remember what was said, and one that says it to the real gate script."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field

from migrations_app.ports.shell import Endpoint, Reply
from tests.gate.rig import Gate

NODE = Endpoint(name="vz1", address="10.0.0.1", host_key="ssh-ed25519 AAAA")


def coded(text: str | bytes) -> str:
    raw = text.encode() if isinstance(text, str) else text
    return base64.b64encode(raw).decode() if raw else "-"


@dataclass
class Parrot:
    """Answers every call with the same words."""

    output: str = ""
    exit_code: int = 0
    error: str = ""
    heard: list[tuple[str, ...]] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)
    timeouts: list[float] = field(default_factory=list)

    def call(
        self, endpoint: Endpoint, words: Sequence[str], *, stdin: bytes = b"", timeout_seconds: float = 15
    ) -> Reply:
        self.heard.append(tuple(words))
        self.payloads.append(stdin)
        self.timeouts.append(timeout_seconds)
        return Reply(exit_code=self.exit_code, output=self.output, error=self.error)

    def offered_host_key(self, address: str, port: int) -> str:
        raise AssertionError("nobody asks for host keys here")


@dataclass
class ToGate(Parrot):
    """Says everything to the gate script, run as sshd would run it."""

    gate: Gate | None = None

    def call(
        self, endpoint: Endpoint, words: Sequence[str], *, stdin: bytes = b"", timeout_seconds: float = 15
    ) -> Reply:
        assert self.gate
        reply = self.gate(" ".join(words), stdin=stdin, timeout=timeout_seconds)
        return Reply(exit_code=reply.exit_code, output=reply.out, error=reply.err)
