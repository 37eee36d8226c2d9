"""The ploop verbs on a node without ploop."""

from __future__ import annotations

from .call import Call
from .exits import PLOOP_UNSUPPORTED, VzError


def refuse(call: Call) -> int:
    raise VzError(PLOOP_UNSUPPORTED, "This version of vzctl is compiled without ploop support")
