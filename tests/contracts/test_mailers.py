"""The mailer's contract, kept by the pretend mailbox and by Django's mail over a real SMTP conversation."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pytest_django import Settings

from migrations_app.adapters.mailer import DjangoMailer
from tests.adapters.sshd import free_port
from tests.contracts.mailer_contract import MailerContract
from tests.fakes.mailer import MailBox


class FakeOffice:
    def __init__(self) -> None:
        self.mailer = MailBox()

    def arrived(self) -> list[tuple[str, str, str]]:
        return [(letter.recipient, letter.subject, letter.message_id) for letter in self.mailer.letters]

    def refuse(self, recipient: str) -> None:
        self.mailer.refused_recipients.add(recipient)

    def go_away(self) -> None:
        self.mailer.is_away = True


class SmtpOffice:
    """A mail server on a loopback port, with the handler methods that aiosmtpd calls."""

    def __init__(self) -> None:
        self.mailer = DjangoMailer()
        self.refused: set[str] = set()
        self.envelopes: list[Envelope] = []
        self.server = Controller(self, hostname="127.0.0.1", port=0)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        return "250 OK"

    def arrived(self) -> list[tuple[str, str, str]]:
        letters = [message_from_bytes(envelope.content or b"", policy=default) for envelope in self.envelopes]
        return [(str(letter["To"]), str(letter["Subject"]), str(letter["Message-ID"])) for letter in letters]

    def refuse(self, recipient: str) -> None:
        self.refused.add(recipient)

    def go_away(self) -> None:
        self.server.stop()


@pytest.fixture
def smtp_office(settings: Settings) -> Iterator[SmtpOffice]:
    office = SmtpOffice()
    office.server.port = free_port()
    office.server.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", office.server.port
    yield office
    if office.server.server is not None:
        office.server.stop()


class TestFakeMailer(MailerContract):
    @pytest.fixture
    def office(self) -> FakeOffice:
        return FakeOffice()


class TestDjangoMailer(MailerContract):
    @pytest.fixture
    def office(self, smtp_office: SmtpOffice) -> SmtpOffice:
        return smtp_office
