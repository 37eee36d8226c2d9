from __future__ import annotations

import smtplib
from dataclasses import replace
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from migrations_app.adapters.mailer import DjangoMailer
from migrations_app.ports.mailer import Letter, MailDelayed, MailRefused

LETTER = Letter(
    recipient="carla@shop.example",
    subject="Your server moves",
    text="On Friday.",
    html="<p>On Friday.</p>",
    message_id="<m42-started@panel.example>",
)


def test_it_sends_text_and_html_under_the_letters_own_id() -> None:
    DjangoMailer().send(LETTER)
    (sent,) = mail.outbox
    message = sent.message()
    assert sent.to == ["carla@shop.example"]
    assert message["Message-ID"] == "<m42-started@panel.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]


@pytest.mark.parametrize("subject", ["Moves\nBcc: everybody@example.net", "Moves\r\nX: y"])
def test_it_refuses_a_second_header_in_the_subject(subject: str) -> None:
    with pytest.raises(MailRefused):
        DjangoMailer().send(replace(LETTER, subject=subject))
    assert mail.outbox == []


def test_it_refuses_a_recipient_that_is_no_address() -> None:
    with pytest.raises(MailRefused):
        DjangoMailer().send(replace(LETTER, recipient="carla@shop.example\nBcc: x@y"))


@pytest.mark.parametrize(
    ("trouble", "verdict"),
    [
        (smtplib.SMTPRecipientsRefused({"carla@shop.example": (550, b"no such user")}), MailRefused),
        (smtplib.SMTPRecipientsRefused({"carla@shop.example": (451, b"greylisted")}), MailDelayed),
        (smtplib.SMTPDataError(554, b"spam"), MailRefused),
        (smtplib.SMTPDataError(452, b"disk full"), MailDelayed),
        (smtplib.SMTPSenderRefused(553, b"not yours", "panel@localhost"), MailRefused),
        (smtplib.SMTPAuthenticationError(535, b"wrong password"), MailDelayed),
        (smtplib.SMTPServerDisconnected("gone"), MailDelayed),
        (ConnectionRefusedError(111, "Connection refused"), MailDelayed),
        (TimeoutError("timed out"), MailDelayed),
    ],
)
def test_it_tells_never_from_not_now(
    monkeypatch: pytest.MonkeyPatch, trouble: Exception, verdict: type[Exception]
) -> None:
    def fail(*_: Any) -> int:
        raise trouble

    monkeypatch.setattr(EmailBackend, "send_messages", fail)
    with pytest.raises(verdict):
        DjangoMailer().send(LETTER)
