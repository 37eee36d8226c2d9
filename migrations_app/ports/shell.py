"""Port: words to a node's gate, and its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

GATE_USER = "root"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a node's sshd listens and the one host key it may show (``ssh-ed25519 AAAA...``)."""

    name: str
    address: str
    port: int = 22
    host_key: str


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the gate answered; text is decoded with every byte that is not UTF-8 shown as an escape, NULs removed."""

    exit_code: int
    output: str
    error: str


class ShellError(Exception):
    """The node could not be asked."""


class NodeUnreachable(ShellError):
    """No connection to the node's sshd; nothing was sent."""


class HostKeyChanged(ShellError):
    """The node shows another host key than the pinned one; nothing was sent."""


class LoginRefused(ShellError):
    """The node does not accept the panel's key; nothing was sent."""


class ReplyLost(ShellError):
    """The connection broke or the answer took too long after the words were sent: they may have been obeyed or not."""


class Shell(Protocol):
    """Say words to a node's gate over a login that accepts the pinned host key only."""

    def call(
        self, endpoint: Endpoint, words: Sequence[str], *, stdin: bytes = b"", timeout_seconds: float = 15
    ) -> Reply:
        """Return the gate's answer, whatever its exit code.

        :raises ShellError: one of the four above.
        """

    def offered_host_key(self, address: str, port: int) -> str:
        """Return the host key the machine at this address shows (``type base64``), without logging in.

        :raises NodeUnreachable: nobody answers there.
        """
