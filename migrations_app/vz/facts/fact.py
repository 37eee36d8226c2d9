"""What a fact is: one question to a node's gate, and one pure reader of the answer."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from migrations_app.vz.names import clean_line

T = TypeVar("T")

TIMED_OUT = 124  # what timeout(1) says for a command it had to stop
HIGHEST_NUMBER = 2**63 - 1  # also what OpenVZ prints for "unlimited"
MOST_LINES = 20_000

_DIGITS = re.compile(r"[0-9]{1,19}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a fact's command did on the node."""

    exit_code: int
    output: str
    error: str = ""


class FactUnreadable(Exception):
    """A tool on the node answered something that is no answer to the question."""

    def __init__(self, fact: str, answer: Answer, reason: str) -> None:
        seen = clean_line(answer.error or answer.output) or "nothing"
        super().__init__(f"{fact}: {reason} (exit code {answer.exit_code}, it said: {seen})")
        self.fact = fact
        self.exit_code = answer.exit_code
        self.seen = seen

    @property
    def asked_about(self) -> str:
        """The argument of the question, "" where it took none."""
        return self.fact.partition(",")[2]


@dataclass(frozen=True)
class Fact(ABC, Generic[T]):
    """A question that changes nothing."""

    name: ClassVar[str]

    def __post_init__(self) -> None:
        # Spelling it checks every argument: a fact that cannot be asked does not come into being.
        _ = self.words

    @property
    def arguments(self) -> tuple[str, ...]:
        return ()

    @property
    def words(self) -> str:
        return ",".join((self.name, *self.arguments))

    def read(self, answer: Answer) -> T:
        """Return what the answer says.

        :raises FactUnreadable: and nothing else, whatever the node sent.
        """
        if answer.exit_code == TIMED_OUT:
            raise FactUnreadable(self.words, answer, "the node's tool did not finish in time")
        try:
            return self._understand(answer)
        except KeyError as error:
            raise FactUnreadable(self.words, answer, f"{clean_line(str(error.args[0]))} is missing") from error
        except (ValueError, IndexError) as error:
            raise FactUnreadable(self.words, answer, clean_line(str(error))) from error

    @abstractmethod
    def _understand(self, answer: Answer) -> T:
        """Return the value, or raise ValueError, KeyError or IndexError when the answer is not one."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A yes or a no with the tool's reason."""

    ok: bool
    reason: str = ""

    @classmethod
    def of(cls, answer: Answer) -> Checked:
        return cls(ok=answer.exit_code == 0, reason=clean_line(answer.error or answer.output, limit=500))


def succeeded(answer: Answer) -> str:
    """Return the output of a command that went well.

    :raises ValueError: it did not.
    """
    if answer.exit_code != 0:
        raise ValueError("the command failed")
    return answer.output


def lines(text: str) -> list[str]:
    """Return the lines that hold something, stripped.

    Only line feeds part lines: a form feed or a Unicode line separator may stand inside a container's name.
    """
    stripped = (line.strip() for line in text.split("\n", MOST_LINES)[:MOST_LINES])
    return [line for line in stripped if line]


def number(text: str) -> int:
    """Return a whole number as the kernel prints it.

    :raises ValueError: signs, spaces, other digits than ASCII, or more than 63 bits.
    """
    if not _DIGITS.fullmatch(text) or int(text) > HIGHEST_NUMBER:
        raise ValueError(f"{clean_line(text, limit=40)!r} is no whole number")
    return int(text)


def decimal(text: str) -> float:
    """Return a non-negative finite number.

    :raises ValueError:
    """
    value = float(text[:40])
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"{clean_line(text, limit=40)!r} is no usable number")
    return value


def key_values(text: str) -> Mapping[str, str]:
    """Return ``key=value`` lines; lines without ``=`` say nothing, and the first of two equal keys stands."""
    found: dict[str, str] = {}
    for line in lines(text):
        key, equals, value = line.partition("=")
        if equals:
            found.setdefault(key.strip(), value.strip())
    return found
