"""Send one notice of the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from migrations_app.notices import delivery
from migrations_app.ports.mailer import Mailer


def deliver_notice(*, notice_id: int, mailer: Mailer, now: datetime, settings: Mapping[str, Any]) -> None:
    """Safe to call twice: a notice that was sent, or is being sent by somebody else, is left alone."""
    delivery.deliver(notice_id, mailer=mailer, now=now, settings=settings)
