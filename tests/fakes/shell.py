"""Words to the pretend nodes' gates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from migrations_app.ports.shell import Endpoint, HostKeyChanged, LoginRefused, NodeUnreachable, Reply, ReplyLost

if TYPE_CHECKING:
    from tests.fakes.node import FakeNode
    from tests.fakes.world import FakeWorld


class FakeShell:
    def __init__(self, world: FakeWorld) -> None:
        self.world = world

    def call(
        self, endpoint: Endpoint, words: Sequence[str], *, stdin: bytes = b"", timeout_seconds: float = 15
    ) -> Reply:
        with self.world.outside_call(endpoint.name, tuple(words)):
            node = self._reach(endpoint.address, endpoint.port)
            if node.host_key != endpoint.host_key:
                raise HostKeyChanged(f"{endpoint.name} shows {node.host_key}, pinned is {endpoint.host_key}")
            if not node.accepts_panel:
                raise LoginRefused(f"{endpoint.name} does not accept the panel's key")
            if node.is_silent:
                self.world.clock.advance(timeout_seconds)
                raise ReplyLost(f"{endpoint.name} did not answer within {timeout_seconds:g} s")
            return node.gate.call(tuple(words), stdin)

    def offered_host_key(self, address: str, port: int) -> str:
        with self.world.outside_call(address, ("host-key",)):
            return self._reach(address, port).host_key

    def _reach(self, address: str, port: int) -> FakeNode:
        node = self.world.node_at(address, port)
        if node is None or not self.world.can_reach("panel", node.name):
            raise NodeUnreachable(f"no connection to {address} port {port}")
        return node
