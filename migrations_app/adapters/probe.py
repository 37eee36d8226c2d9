"""Services seen from this machine: connections opened and closed, and what is said on them."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Sequence

from migrations_app.adapters import looking
from migrations_app.ports.probe import Look, ProbeResult, Service


class TcpProbe:
    def connect(self, address: str, port: int, *, timeout_seconds: float) -> ProbeResult:
        began = time.monotonic()
        detail = _try(address, port, timeout_seconds)
        return ProbeResult(answers=not detail, seconds=time.monotonic() - began, detail=detail)

    def look(self, services: Sequence[Service], *, timeout_seconds: float) -> tuple[Look, ...]:
        return asyncio.run(_look_at_all(services, timeout_seconds))


def _try(address: str, port: int, timeout_seconds: float) -> str:
    """Return why the service cannot be reached; empty when it can."""
    try:
        socket.create_connection((address, port), timeout=timeout_seconds).close()
    except TimeoutError:
        return f"no answer within {timeout_seconds:g} s"
    except OSError as error:
        return error.strerror or str(error)
    return ""


async def _look_at_all(services: Sequence[Service], timeout_seconds: float) -> tuple[Look, ...]:
    return tuple(await asyncio.gather(*(looking.look(service, timeout_seconds) for service in services)))
