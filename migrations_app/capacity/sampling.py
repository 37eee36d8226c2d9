"""Ask many nodes side by side what is in use on them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from migrations_app.ports.shell import Endpoint, Shell, ShellError
from migrations_app.vz import gate
from migrations_app.vz.facts import FactUnreadable, NodeUse, Usage
from migrations_app.vz.gate import GateError

ASK_SECONDS = 8.0
MOST_AT_ONCE = 64
# A round is a task of the queue, which ends what lasts longer than 20 s.
ROUND_SECONDS = 15.0

Trouble = ShellError | GateError | FactUnreadable


class RoundTooLong(ShellError):
    """The node was not asked, because the nodes before it took all the time this round had."""


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """What came of asking one node; exactly one of the two is set."""

    node_id: int
    use: NodeUse | None = None
    trouble: Trouble | None = None


def ask(shell: Shell, endpoint: Endpoint) -> NodeUse:
    """Return what is in use on a node now.

    :raises ShellError: the node cannot be asked.
    :raises GateError: the gate answers, but not this question.
    :raises FactUnreadable: it answers something that is no answer.
    """
    (answer,) = gate.answers(shell, endpoint, Usage(), timeout_seconds=ASK_SECONDS)
    return Usage().read(answer)


def ask_all(shell: Shell, nodes: Mapping[int, Endpoint], *, round_seconds: float = ROUND_SECONDS) -> Iterator[Sampled]:
    """Yield each node's outcome as it comes; a slow node holds up nobody but itself.

    Give those first that answered last time: the silent ones then wait for each other alone.
    """
    deadline = time.monotonic() + round_seconds
    pool = ThreadPoolExecutor(max_workers=max(1, min(len(nodes), MOST_AT_ONCE)), thread_name_prefix="sample")
    try:
        asked = {pool.submit(_outcome, shell, node_id, endpoint): node_id for node_id, endpoint in nodes.items()}
        yield from _as_they_come(asked, deadline)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _as_they_come(asked: Mapping[Future[Sampled], int], deadline: float) -> Iterator[Sampled]:
    waiting = set(asked)
    while waiting:
        done, waiting = wait(waiting, timeout=deadline - time.monotonic(), return_when=FIRST_COMPLETED)
        yield from (future.result() for future in done)
        if not done:
            yield from _given_up([asked[future] for future in waiting])
            return


def _given_up(node_ids: Sequence[int]) -> Iterator[Sampled]:
    for node_id in node_ids:
        yield Sampled(node_id=node_id, trouble=RoundTooLong("the round was over before the node had answered"))


def _outcome(shell: Shell, node_id: int, endpoint: Endpoint) -> Sampled:
    try:
        return Sampled(node_id=node_id, use=ask(shell, endpoint))
    except (ShellError, GateError, FactUnreadable) as trouble:
        return Sampled(node_id=node_id, trouble=trouble)
