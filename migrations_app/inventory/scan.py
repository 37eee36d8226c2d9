"""Ask a node, in one call where it can be, everything the inventory wants to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from migrations_app.inventory.faults import GateMissing
from migrations_app.inventory.reading import NodeReading
from migrations_app.ports.clock import Clock
from migrations_app.ports.shell import Endpoint, Shell
from migrations_app.vz import facts, gate
from migrations_app.vz.facts import Answer, Fact, FactUnreadable
from migrations_app.vz.facts.fact import TIMED_OUT

# A scan is a task of the queue, which ends what lasts longer than 20 s.
ASK_SECONDS = 14

_QUESTIONS: Mapping[str, Fact[Any]] = {
    "kernel": facts.KernelFact(),
    "tools": facts.ToolVersions(),
    "service_runs": facts.ServiceRunning(),
    "processors": facts.Cpu(),
    "memory": facts.Memory(),
    "disk": facts.Disk(),
    "ntp_client": facts.NtpClient(),
    "traffic": facts.NetDev(),
    "link_mbps": facts.Links(),
    "checkpointing": facts.Checkpointing(),
    "modules": facts.Modules(),
    "containers": facts.ContainerList(),
}


def read_node(shell: Shell, node: Endpoint, *, clock: Clock) -> NodeReading:
    """Return what the node says now; a single unreadable answer spoils no other.

    :raises GateMissing: somebody answers there, but not the gate.
    :raises ShellError: the node cannot be asked.
    :raises GateError: the gate answers, but not these questions.
    """
    greet(shell, node)
    # The clock is asked first and last: comparing both moments with the call's two ends takes the call's own length
    # out of the result, as time servers do it.
    questions = (facts.ClockReading(), *_QUESTIONS.values(), facts.ClockReading())
    asked_at = clock()
    answers = gate.answers(shell, node, *questions, timeout_seconds=ASK_SECONDS)
    answered_at = clock()
    reading = _understood(answers[1:-1], asked_at)
    reading = _with_clock(reading, began=(asked_at, answers[0]), ended=(answered_at, answers[-1]))
    return _with_bare_list(shell, node, reading)


def greet(shell: Shell, node: Endpoint) -> str:
    """Return the host name that the gate tells.

    :raises GateMissing: see ``read_node``.
    """
    try:
        return gate.hello(shell, node)
    except gate.GateError as error:
        raise GateMissing(f"{error}. Run the command from the node's page on the node.") from error


def _understood(answers: tuple[Answer, ...], asked_at: datetime) -> NodeReading:
    read: dict[str, Any] = {}
    unreadable: list[FactUnreadable] = []
    for (field, fact), answer in zip(_QUESTIONS.items(), answers, strict=True):
        try:
            read[field] = fact.read(answer)
        except FactUnreadable as refusal:
            unreadable.append(refusal)
    return NodeReading(asked_at=asked_at, unreadable=tuple(unreadable), **read)


def _with_bare_list(shell: Shell, node: Endpoint, reading: NodeReading) -> NodeReading:
    """Ask for numbers and states where a customer's text made the list unreadable; not where the tool hangs."""
    refused = [refusal for refusal in reading.unreadable if refusal.fact == facts.ContainerList.name]
    if not refused or refused[0].exit_code == TIMED_OUT:
        return reading
    plain = facts.ContainerListPlain()
    (answer,) = gate.answers(shell, node, plain, timeout_seconds=ASK_SECONDS)
    try:
        return replace(reading, bare_containers=plain.read(answer))
    except FactUnreadable as refusal:
        return replace(reading, unreadable=(*reading.unreadable, refusal))


def _with_clock(reading: NodeReading, *, began: tuple[datetime, Answer], ended: tuple[datetime, Answer]) -> NodeReading:
    try:
        ahead = [facts.ClockReading().read(answer) - ours.timestamp() for ours, answer in (began, ended)]
    except FactUnreadable as refusal:
        return replace(reading, unreadable=(*reading.unreadable, refusal))
    return replace(reading, clock_offset_seconds=sum(ahead) / len(ahead))
