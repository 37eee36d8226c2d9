"""Port: what does a service say, seen from outside the nodes?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class ProbeResult:
    answers: bool
    seconds: float
    detail: str = ""  # why not, in words; empty when it answers


@dataclass(frozen=True, kw_only=True)
class Service:
    """A place where something listens, and the names by which its users ask for it."""

    address: str
    port: int
    names: tuple[str, ...] = ()  # the first is the one that matters most


@dataclass(frozen=True, kw_only=True)
class Certificate:
    fingerprint: str  # SHA-256 of the whole, in hex
    not_after: str  # ISO 8601; empty where it cannot be read
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Face:
    """What a service shows to one who asks for it by one name; every text is cleaned and bounded."""

    name: str
    status: int | None = None  # of HTTP
    title: str | None = None  # of its page; None: there was no time to read as far
    certificate: Certificate | None = None
    banner: str = ""  # its first line, where it is the one that speaks first


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one look at a service saw."""

    answers: bool
    seconds: float
    detail: str = ""  # why not, in words; empty when it answers
    kind: str = ""  # as seen: http, https, ssh, smtp, ...; tcp: it takes connections and says nothing
    faces: tuple[Face, ...] = ()


class Probe(Protocol):
    """Look at services as their users do; nothing that is asked of them writes."""

    def connect(self, address: str, port: int, *, timeout_seconds: float) -> ProbeResult:
        """Return what happened; a refused or silent service is an answer, not an error."""

    def look(self, services: Sequence[Service], *, timeout_seconds: float) -> tuple[Look, ...]:
        """Look at all of them at the same time, and no longer than that; one look each, in their order."""
