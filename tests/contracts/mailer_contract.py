"""What every mailer keeps to: a letter is taken, refused for good, or put off."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import pytest

from migrations_app.ports.mailer import Letter, MailDelayed, Mailer, MailRefused

LETTER = Letter(
    recipient="carla@shop.example",
    subject="Ihr Server zieht um",
    text="Am Freitag, 10:00.",
    html="<p>Am Freitag, 10:00.</p>",
    message_id="<m42-started@panel.example>",
)


class PostOffice(Protocol):
    """The far end: what arrived, whom it refuses, whether it is away."""

    mailer: Mailer

    def arrived(self) -> list[tuple[str, str, str]]:
        """Return recipient, subject and message id of each letter."""

    def refuse(self, recipient: str) -> None: ...
    def go_away(self) -> None: ...


class MailerContract:
    """Mixed into a test class whose fixture ``office`` says where the letters go."""

    def test_it_hands_a_letter_over(self, office: PostOffice) -> None:
        office.mailer.send(LETTER)
        assert office.arrived() == [(LETTER.recipient, LETTER.subject, LETTER.message_id)]

    def test_it_refuses_a_recipient_nobody_knows(self, office: PostOffice) -> None:
        office.refuse(LETTER.recipient)
        with pytest.raises(MailRefused):
            office.mailer.send(LETTER)
        office.mailer.send(replace(LETTER, recipient="boris@panel.example"))
        assert [recipient for recipient, _, _ in office.arrived()] == ["boris@panel.example"]

    def test_it_refuses_a_second_header_in_the_subject(self, office: PostOffice) -> None:
        with pytest.raises(MailRefused):
            office.mailer.send(replace(LETTER, subject="Moves\nBcc: everybody@example.net"))
        assert office.arrived() == []

    def test_it_puts_off_while_the_server_is_away(self, office: PostOffice) -> None:
        office.go_away()
        with pytest.raises(MailDelayed):
            office.mailer.send(LETTER)
