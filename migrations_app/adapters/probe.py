"""A TCP connection from this machine, opened and closed."""

from __future__ import annotations

import socket
import time

from migrations_app.ports.probe import ProbeResult


class TcpProbe:
    def connect(self, address: str, port: int, *, timeout_seconds: float) -> ProbeResult:
        began = time.monotonic()
        detail = _try(address, port, timeout_seconds)
        return ProbeResult(answers=not detail, seconds=time.monotonic() - began, detail=detail)


def _try(address: str, port: int, timeout_seconds: float) -> str:
    """Return why the service cannot be reached; empty when it can."""
    try:
        socket.create_connection((address, port), timeout=timeout_seconds).close()
    except TimeoutError:
        return f"no answer within {timeout_seconds:g} s"
    except OSError as error:
        return error.strerror or str(error)
    return ""
