"""What a step hears of a second person's yes; who is asked, and by what rules, is decided elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Protocol


class Reply(Enum):
    NOT_NEEDED = auto()
    NOT_YET = auto()
    YES = auto()
    NO = auto()


@dataclass(frozen=True, kw_only=True)
class Answer:
    reply: Reply
    words: str = ""


class SecondPerson(Protocol):
    def answer(self, migration_id: int, now: datetime) -> Answer:
        """Return how it stands with what stands there now; where nobody was asked, ask."""

    def spend(self, migration_id: int, now: datetime) -> str:
        """Spend the yes in the transaction of what it opens; return why it does not count, nothing where it does."""


class Nobody:
    """There is nobody who could say yes, so what needs one does not begin."""

    def answer(self, migration_id: int, now: datetime) -> Answer:
        return Answer(reply=Reply.NOT_YET, words="Nobody can be asked here.")

    def spend(self, migration_id: int, now: datetime) -> str:
        return "Nobody can be asked here."


NOBODY: SecondPerson = Nobody()
