"""Mail by Django's own backend."""

from __future__ import annotations

import smtplib
from email.errors import HeaderParseError, MessageError

from django.core.mail import BadHeaderError, EmailMultiAlternatives

from migrations_app.ports.mailer import Letter, MailDelayed, MailRefused


class DjangoMailer:
    def send(self, letter: Letter) -> None:
        mail = EmailMultiAlternatives(
            subject=letter.subject,
            body=letter.text,
            to=[letter.recipient],
            headers={"Message-ID": letter.message_id, "Auto-Submitted": "auto-generated"},
        )
        mail.attach_alternative(letter.html, "text/html")
        try:
            mail.send()
        except (BadHeaderError, HeaderParseError, MessageError, ValueError, UnicodeError) as error:
            raise MailRefused(f"the letter cannot be written: {error}") from error
        except smtplib.SMTPException as error:
            raise _verdict(error) from error
        except OSError as error:
            raise MailDelayed(f"the mail server cannot be reached: {error}") from error


def _verdict(error: smtplib.SMTPException) -> MailRefused | MailDelayed:
    """Tell a "no" (5xx) from a "not now" (4xx, or a connection that broke)."""
    codes = _codes(error)
    if codes and all(code >= 500 for code in codes):
        return MailRefused(f"the mail server refuses the letter: {error}")
    return MailDelayed(f"the mail server asks to come back: {error}")


def _codes(error: smtplib.SMTPException) -> list[int]:
    match error:
        case smtplib.SMTPRecipientsRefused():
            return [code for code, _ in error.recipients.values()]
        # The server does not let the panel in: its settings are wrong, not the letter.
        case smtplib.SMTPAuthenticationError():
            return []
        case smtplib.SMTPSenderRefused() | smtplib.SMTPDataError():
            return [error.smtp_code]
    return []
