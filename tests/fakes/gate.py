"""The gate of a pretend node: the protocol of docs/gate.md, answered from memory."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from migrations_app.ports.shell import Reply
from tests.fakes import facts, ops
from tests.fakes.forwards import FORWARD_OPS
from tests.fakes.job import Job
from tests.fakes.jobs import JOB_OPS

if TYPE_CHECKING:
    from tests.fakes.node import FakeNode

WORD = re.compile(r"[A-Za-z0-9@%+=:,./_][A-Za-z0-9@%+=:,./_-]*")
CTID = re.compile(r"[1-9][0-9]{2,9}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
KEY = re.compile(r"[mn][0-9]+-[a-z_]+-a[0-9]+")
TAIL = 16_384


class Refused(Exception):
    """The words are not allowed; nothing was done."""


class Fenced(Exception):
    """An older token than the newest seen."""


SHORT_OPS = ops.OPS | FORWARD_OPS


class FakeGate:
    def __init__(self, node: FakeNode) -> None:
        self.node = node

    def call(self, words: tuple[str, ...], stdin: bytes) -> Reply:
        try:
            return Reply(exit_code=0, output=self._answer(words, stdin), error="")
        except Refused as refusal:
            return Reply(exit_code=64, output="", error=f"refused: {refusal}\n")
        except Fenced as fenced:
            return Reply(exit_code=75, output="", error=f"fenced: newest {fenced}\n")

    def _answer(self, words: tuple[str, ...], stdin: bytes) -> str:
        if not 1 <= len(words) <= 40 or not all(WORD.fullmatch(word) for word in words):
            raise Refused("a character outside the allowed set")
        match words:
            case ("hello",):
                return f"ovzgate 1 {self.node.name}\n"
            case ("ask", *questions) if 1 <= len(questions) <= 30:
                return "".join(self._fact(question) for question in questions)
            case ("do", ctid, token, op, *args):
                return self._do(ctid, token, op, args, stdin)
            case ("job", action, *rest):
                return self._job(action, rest, stdin)
        raise Refused("unknown verb")

    def _fact(self, question: str) -> str:
        name, *args = question.split(",")
        if name not in facts.FACTS:
            raise Refused("unknown fact")
        fault = self.node.due_fault(name)
        if fault:
            return f"{name} {fault.exit_code} - {encode(fault.error)}\n"
        answered = facts.FACTS[name](self.node, *args)
        code, output = answered if isinstance(answered, tuple) else (0, answered)
        return f"{name} {code} {encode(output)} -\n"

    def _do(self, ctid: str, token: str, op: str, args: list[str], stdin: bytes) -> str:
        if op not in SHORT_OPS:
            raise Refused("unknown operation")
        self._fence(ctid, token)
        fault = self.node.due_fault(op)
        if fault is None or fault.takes_effect:
            result = self._carry_out(ctid, op, args, stdin)
        if fault is not None:
            result = ops.OpAnswer(code=fault.exit_code, error=fault.error)
        return f"{result.code} {encode(result.output)} {encode(result.error)}\n"

    def _carry_out(self, ctid: str, op: str, args: list[str], stdin: bytes) -> ops.OpAnswer:
        self.node.world.effects.append((self.node.name, ctid, " ".join((op, *args))))
        return SHORT_OPS[op](self.node, ctid, args, stdin)

    def _fence(self, ctid: str, token: str) -> None:
        if (ctid != "0" and not CTID.fullmatch(ctid)) or not token.isdecimal():
            raise Refused("bad container or token")
        newest = self.node.tokens.get(ctid, 0)
        if int(token) < newest:
            raise Fenced(newest)
        self.node.tokens[ctid] = int(token)

    # Jobs

    def _own(self, key: str, ctid: str, token: str) -> None:
        self._fence(ctid, token)
        if key in self.node.jobs.by_key and self.node.jobs.by_key[key].ctid != ctid:
            raise Refused("the job belongs to another container")

    def _job(self, action: str, rest: list[str], stdin: bytes) -> str:
        jobs = self.node.jobs
        match action, rest:
            case "list", []:
                return "".join(f"{job.key} {job.state}\n" for job in jobs.by_key.values())
            case "status", [key, *wait] if KEY.fullmatch(key):
                return _status(jobs.status(key, wait_seconds=float(wait[0]) if wait else 0))
            case "start", [key, ctid, token, op, *args] if KEY.fullmatch(key) and op in JOB_OPS:
                self._fence(ctid, token)
                return jobs.start(key, ctid, op, args, stdin) + "\n"
            case "run", [wait, key, ctid, token, op, *args] if KEY.fullmatch(key) and op in JOB_OPS:
                self._fence(ctid, token)
                jobs.start(key, ctid, op, args, stdin)
                return _status(jobs.status(key, wait_seconds=float(wait)))
            case "cancel", [key, ctid, token] if KEY.fullmatch(key):
                self._own(key, ctid, token)
                return jobs.cancel(key) + "\n"
            case "forget", [key, ctid, token] if KEY.fullmatch(key):
                self._own(key, ctid, token)
                if key in jobs.by_key and jobs.by_key[key].runs:
                    raise Refused("the job is running")
                return jobs.forget(key) + "\n"
        raise Refused("unknown job action")


def _status(job: Job | None) -> str:
    if job is None:
        return "absent\n"
    output, error = "".join(job.output), "".join(job.error)
    extra = "".join(f"{name}={value}\n" for name, value in job.extra.items())
    took = "-" if job.took_seconds is None else f"{job.took_seconds:.2f}"
    return (
        f"{job.state}\n{len(output.encode())} {encode(output[-TAIL:])}\n{len(error.encode())} {encode(error[-TAIL:])}\n"
        f"{encode(extra)}\n{job.age_seconds:.2f} {took} {job.quiet_seconds:.2f}\n"
    )


def encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode() or "-"
