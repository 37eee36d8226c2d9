"""A mail server that keeps what it takes."""

from __future__ import annotations

from migrations_app.ports.mailer import Letter, MailDelayed, MailRefused


class MailBox:
    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.is_away = False
        self.refused_recipients: set[str] = set()

    def send(self, letter: Letter) -> None:
        if self.is_away:
            raise MailDelayed("the mail server is away")
        if "\n" in letter.subject or "\r" in letter.subject or letter.recipient in self.refused_recipients:
            raise MailRefused(f"refused: {letter.recipient!r} {letter.subject!r}")
        self.letters.append(letter)

    def to(self, recipient: str) -> list[Letter]:
        return [letter for letter in self.letters if letter.recipient == recipient]
