"""Spell requests to a node's gate and read its replies; docs/gate.md has the protocol."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast, overload

from migrations_app.ports.shell import Endpoint, Reply, Shell
from migrations_app.vz import names
from migrations_app.vz.facts.fact import Answer, Fact, decimal, key_values, number
from migrations_app.vz.ops.operation import JobOp, Op

T = TypeVar("T")
JobState = Literal["absent", "running", "done", "lost"]

PROTOCOL = "1"
MOST_FACTS, MOST_WORDS, LONGEST_REQUEST = 30, 40, 4096
_JOB_STATES = ("absent", "running", "done", "lost")
NODE_ITSELF = "0"  # stands for the node where a container's number is wanted
LONGEST_WAIT_SECONDS = 5.0

REFUSED, GATE_FAILED, FENCED = 64, 70, 75
_FACT_SECONDS, _OP_SECONDS, _ANSWER_SECONDS = 10, 25, 10

_WORD = re.compile(r"[A-Za-z0-9@%+=:,./_][A-Za-z0-9@%+=:,./_-]*", re.ASCII)
_JOB_KEY = re.compile(r"[mn][0-9]{1,18}-[a-z_]{1,40}-a[0-9]{1,9}", re.ASCII)
_EXIT_CODE = re.compile(r"[0-9]{1,3}", re.ASCII)
_FENCED = re.compile(r"fenced: newest ([0-9]{1,19})", re.ASCII)


class GateError(Exception):
    """The gate of a node did not do what it was asked."""

    def __init__(self, node: str, reason: str) -> None:
        super().__init__(f"{node}: {reason}")
        self.node = node
        self.reason = reason


class Fenced(GateError):
    """Somebody with a newer token acts for this container; the holder of the older one must stop at once."""

    def __init__(self, node: str, newest: int) -> None:
        super().__init__(node, f"a newer lease ({newest}) acts for this container")
        self.newest = newest


class GateRefused(GateError):
    """The gate does not allow these words; nothing was done."""


class GateBroken(GateError):
    """The gate failed, is not there, or answered something that is no answer."""


@dataclass(frozen=True, kw_only=True)
class OpResult:
    """How a short operation ended; its own failure is here and not an exception."""

    exit_code: int
    output: str
    error: str

    @property
    def ok(self) -> bool:
        return self.exit_code == 0


@dataclass(frozen=True, kw_only=True)
class JobStatus:
    """How a detached job stands. ``lost``: its runner died without a word, so what it did is unknown."""

    state: JobState
    exit_code: int | None = None
    output_tail: str = ""
    error_tail: str = ""
    output_bytes: int = 0
    error_bytes: int = 0
    extra: Mapping[str, str] = field(default_factory=dict)
    age_seconds: float = 0.0
    took_seconds: float | None = None
    quiet_seconds: float = 0.0  # since it last said something


def hello(shell: Shell, node: Endpoint) -> str:
    """Return the host name of the node behind the gate.

    :raises GateBroken: no gate there, or one of another protocol.
    """
    words = _call(shell, node, ("hello",)).output.split()
    if len(words) != 3 or words[:2] != ["ovzgate", PROTOCOL]:
        raise GateBroken(node.name, f"no gate of protocol {PROTOCOL}; install it again")
    return names.clean_line(words[2])


@overload
def ask(shell: Shell, node: Endpoint, fact: Fact[T], /) -> tuple[T]: ...
@overload
def ask(shell: Shell, node: Endpoint, /, *facts: Fact[Any]) -> tuple[Any, ...]: ...
def ask(shell: Shell, node: Endpoint, /, *facts: Fact[Any]) -> tuple[Any, ...]:
    """Return what each fact reads, in the order asked; one call per thirty facts.

    :raises FactUnreadable: the first answer that is none.
    :raises GateError: the gate answered none of them.
    """
    found: list[Any] = []
    for start in range(0, len(facts), MOST_FACTS):
        found += _ask_together(shell, node, facts[start : start + MOST_FACTS])
    return tuple(found)


def _ask_together(shell: Shell, node: Endpoint, facts: Sequence[Fact[Any]]) -> list[Any]:
    return [fact.read(answer) for fact, answer in zip(facts, answers(shell, node, *facts), strict=True)]


def answers(
    shell: Shell, node: Endpoint, /, *facts: Fact[Any], timeout_seconds: float | None = None
) -> tuple[Answer, ...]:
    """Return what each of up to thirty facts' commands did, unread, so that one unreadable answer spoils no other.

    :raises GateError: the gate answered none of them.
    """
    patience_seconds = timeout_seconds or _ANSWER_SECONDS + _FACT_SECONDS * len(facts)
    reply = _call(shell, node, ("ask", *(fact.words for fact in facts)), timeout_seconds=patience_seconds)
    rows = reply.output.splitlines()
    if len(rows) != len(facts):
        raise GateBroken(node.name, f"answered {len(rows)} of {len(facts)} questions")
    return tuple(_answer(node, fact, row) for fact, row in zip(facts, rows, strict=True))


def _answer(node: Endpoint, fact: Fact[Any], row: str) -> Answer:
    words = row.split(" ")
    if len(words) != 4 or words[0] != fact.name:
        raise GateBroken(node.name, f"the answer to {fact.words} has another shape")
    exit_code, output, error = _outcome(node, words[1:])
    return Answer(exit_code=exit_code, output=output, error=error)


def do(shell: Shell, node: Endpoint, *, ctid: str, token: int, op: Op) -> OpResult:
    """Carry out a short operation.

    :raises Fenced: nothing was done.
    :raises GateError: nothing was done.
    """
    words = ("do", names.checked_ctid(ctid), _token(token), *op.words)
    # The gate may first wait for another call of the same container to end.
    reply = _call(shell, node, words, stdin=op.stdin, timeout_seconds=_OP_SECONDS * 2 + _ANSWER_SECONDS)
    row = reply.output.strip().split(" ")
    if len(row) != 3:
        raise GateBroken(node.name, f"the answer to {op.name} has another shape")
    exit_code, output, error = _outcome(node, row)
    return OpResult(exit_code=exit_code, output=output, error=error)


def job_run(
    shell: Shell, node: Endpoint, *, key: str, ctid: str, token: int, op: JobOp, wait_seconds: float = 0
) -> JobStatus:
    """Start a job under its key unless it is there already, and return how it stands, as ``job_status`` does.

    :raises Fenced: nothing was started.
    :raises GateError: nothing was started.
    """
    words = ("job", "run", _wait(wait_seconds), _key(key), _container(ctid), _token(token), *op.words)
    patience_seconds = _OP_SECONDS * 2 + _ANSWER_SECONDS + wait_seconds
    return _read_status(node, key, _call(shell, node, words, stdin=op.stdin, timeout_seconds=patience_seconds))


def job_status(shell: Shell, node: Endpoint, *, key: str, wait_seconds: float = 0) -> JobStatus:
    """Return how a job stands, as soon as it has ended or after ``wait_seconds`` (5 at most)."""
    wait = _wait(wait_seconds)
    words = ("job", "status", _key(key)) if wait == "0" else ("job", "status", _key(key), wait)
    return _read_status(node, key, _call(shell, node, words, timeout_seconds=_ANSWER_SECONDS + wait_seconds))


def _wait(seconds: float) -> str:
    return f"{round(min(max(seconds, 0), LONGEST_WAIT_SECONDS), 3):g}"


def _read_status(node: Endpoint, key: str, reply: Reply) -> JobStatus:
    try:
        return _job_status(reply.output.splitlines())
    except (ValueError, LookupError) as error:
        raise GateBroken(node.name, f"the state of job {key} cannot be read") from error


def job_cancel(shell: Shell, node: Endpoint, *, key: str, ctid: str, token: int) -> bool:
    """End a job. Return whether it was still at work; False: it was not there or had ended by itself."""
    words = ("job", "cancel", _key(key), _container(ctid), _token(token))
    reply = _call(shell, node, words, timeout_seconds=_OP_SECONDS * 2 + _ANSWER_SECONDS)
    return _one_of(node, reply, "cancelled", "absent", "done") == "cancelled"


def job_forget(shell: Shell, node: Endpoint, *, key: str, ctid: str, token: int) -> None:
    """Remove what the node keeps of an ended job; refused while it runs."""
    words = ("job", "forget", _key(key), _container(ctid), _token(token))
    _one_of(node, _call(shell, node, words), "forgotten", "absent")


def job_list(shell: Shell, node: Endpoint) -> Mapping[str, JobState]:
    """Return every job the node keeps, by key."""
    rows = [line.split() for line in _call(shell, node, ("job", "list")).output.splitlines()]
    if any(len(row) < 2 or row[1] not in _JOB_STATES for row in rows):
        raise GateBroken(node.name, "the list of jobs cannot be read")
    return {names.clean_line(row[0]): cast("JobState", row[1]) for row in rows}


def _call(
    shell: Shell, node: Endpoint, words: Sequence[str], *, stdin: bytes = b"", timeout_seconds: float = _ANSWER_SECONDS
) -> Reply:
    spelled = _spelled(words)
    reply = shell.call(node, spelled, stdin=stdin, timeout_seconds=timeout_seconds)
    if reply.exit_code == 0:
        return reply
    reason = names.clean_line(reply.error or reply.output) or "no reason given"
    if reply.exit_code == FENCED and (match := _FENCED.search(reply.error)):
        raise Fenced(node.name, int(match[1]))
    if reply.exit_code == REFUSED:
        raise GateRefused(node.name, reason)
    raise GateBroken(node.name, f"the gate ended with {reply.exit_code}: {reason}")


def _spelled(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words if the gate can take them: it splits them at spaces and knows no quoting.

    :raises BadValue: nothing is sent.
    """
    for word in words:
        if not _WORD.fullmatch(word):
            raise names.BadValue("request", word, "holds a character the gate does not take")
    if len(words) > MOST_WORDS or len(" ".join(words)) > LONGEST_REQUEST:
        raise names.BadValue("request", words[0], f"is longer than {MOST_WORDS} words or {LONGEST_REQUEST} bytes")
    return tuple(words)


def _key(key: str) -> str:
    if not _JOB_KEY.fullmatch(key):
        raise names.BadValue("job key", key, "must look like m42-copy_dump-a1")
    return key


def _container(ctid: str) -> str:
    return ctid if ctid == NODE_ITSELF else names.checked_ctid(ctid)


def _token(token: int) -> str:
    return names.checked_number(token, field="token", highest=2**63 - 1)


def _one_of(node: Endpoint, reply: Reply, *expected: str) -> str:
    word = reply.output.split(maxsplit=1)[0] if reply.output.strip() else ""
    if word not in expected:
        raise GateBroken(node.name, f"answered {names.clean_line(reply.output)!r}, not one of {', '.join(expected)}")
    return word


def _outcome(node: Endpoint, words: Sequence[str]) -> tuple[int, str, str]:
    """Read ``RC OUT_B64 ERR_B64``."""
    try:
        return _exit_code(words[0]), _text(words[1]), _text(words[2])
    except ValueError as error:
        raise GateBroken(node.name, "the answer is not in the gate's own coding") from error


def _exit_code(word: str) -> int:
    if not _EXIT_CODE.fullmatch(word) or int(word) > 255:
        raise ValueError("no exit code")
    return int(word)


def _text(word: str) -> str:
    """Decode base64; what is not UTF-8 is shown as an escape, NULs vanish."""
    if word == "-":
        return ""
    return base64.b64decode(word, validate=True).decode(errors="backslashreplace").replace("\0", "")


def _job_status(rows: Sequence[str]) -> JobStatus:
    state, _, exit_code = rows[0].partition(" ")
    if state not in _JOB_STATES or (state == "done") != bool(exit_code):
        raise ValueError("no job state")
    if state == "absent":
        return JobStatus(state="absent")
    output_bytes, output_tail = rows[1].split(" ")
    error_bytes, error_tail = rows[2].split(" ")
    age, took, quiet = rows[4].split(" ")
    return JobStatus(
        state=cast("JobState", state),
        exit_code=_exit_code(exit_code) if exit_code else None,
        output_tail=_text(output_tail),
        error_tail=_text(error_tail),
        output_bytes=number(output_bytes),
        error_bytes=number(error_bytes),
        extra=key_values(_text(rows[3])),
        age_seconds=decimal(age),
        took_seconds=None if took == "-" else decimal(took),
        quiet_seconds=decimal(quiet),
    )
