"""Port: one mail to one person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Letter:
    recipient: str
    subject: str
    text: str
    html: str
    # The same for every try of the same letter, so that a reader's mail program can show a doubled one once.
    message_id: str


class MailRefused(Exception):
    """The mail server will never take this letter (bad recipient, bad header)."""


class MailDelayed(Exception):
    """The mail server is away or asks to come back later."""


class Mailer(Protocol):
    def send(self, letter: Letter) -> None:
        """Hand the letter to the mail server.

        :raises MailRefused: trying again is no use.
        :raises MailDelayed: trying again later may help.
        """
