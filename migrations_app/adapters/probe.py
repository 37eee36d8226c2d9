"""Services seen from this machine: connections opened and closed, and what is said on them."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Sequence

from migrations_app.adapters import looking
from migrations_app.ports.probe import Look, ProbeResult, Service

log = logging.getLogger(__name__)


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
    """One that shows what nobody has thought of costs its own look only."""
    looks = (looking.look(service, timeout_seconds) for service in services)
    seen = await asyncio.gather(*looks, return_exceptions=True)
    return tuple(_own_fault_told(service, one) for service, one in zip(services, seen, strict=True))


def _own_fault_told(service: Service, seen: Look | BaseException) -> Look:
    """Return as no answer what the panel stumbled over, because nothing of it is known; whose fault that is is said."""
    if isinstance(seen, Look):
        return seen
    if not isinstance(seen, Exception):  # somebody stops this process
        raise seen
    log.error("a look at %s port %s ended in an error", service.address, service.port, exc_info=seen)
    return Look(answers=False, seconds=0.0, detail=f"the panel cannot read what it shows ({type(seen).__name__})")
