"""The trail of who did what; this file alone writes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from migrations_app.models import AuditLine


def record(verb: str, subject: str, *, actor: User | None, now: datetime, **detail: Any) -> None:
    """Add a line; ``actor`` None is the panel itself. Detail values must be JSON and hold no secret."""
    AuditLine.objects.create(at=now, actor=actor, verb=verb, subject=subject[:200], detail=detail)
