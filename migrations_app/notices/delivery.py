"""Take a notice from the outbox to the mail server, once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import models

from migrations_app.models import Notice
from migrations_app.notices import wording
from migrations_app.ports.mailer import MailDelayed, Mailer, MailRefused

log = logging.getLogger(__name__)

MOST_TRIES = 12
# Longer than any mail server is waited for: who still marks a notice as being sent after this was killed.
SENDING = timedelta(minutes=2)
# The conductor moves the time of what it rings for a few seconds on; a notice claimed just now is two minutes off.
RUNG_WITHIN = timedelta(seconds=15)
LONGEST_WAIT = timedelta(hours=1)


def deliver(notice_id: int, *, mailer: Mailer, now: datetime, settings: Mapping[str, Any]) -> None:
    notice = _claim(notice_id, now)
    if notice is None:
        return
    try:
        mailer.send(wording.letter(notice, settings=settings))
    except MailRefused as refusal:
        _end(notice, Notice.State.GIVEN_UP, error=str(refusal))
    except MailDelayed as delay:
        _later(notice, now, str(delay))
    else:
        _end(notice, Notice.State.SENT, sent_at=now)


def _rows() -> models.QuerySet[Notice]:
    of_move = ("migration__container__owner", "migration__source", "migration__target")
    return Notice.objects.select_related(*of_move, "approval__asked_by", "approval__decided_by")


def _claim(notice_id: int, now: datetime) -> Notice | None:
    """Mark the notice as being sent before it is, so that a crash leaves a truthful trace; None: it is not ours."""
    claimed = Notice.objects.filter(pk=notice_id, state=Notice.State.WAITING).update(
        state=Notice.State.SENDING, next_try_at=now + SENDING
    )
    rows = _rows()
    if claimed:
        return rows.get(pk=notice_id)
    return _dropped(notice_id, now)


def _dropped(notice_id: int, now: datetime) -> Notice | None:
    """A worker died between the mark and the note that it was sent: whether it was, nobody knows.

    It is sent again under the same message id: a reader shown a letter twice is better than one never told.
    """
    rows = _rows()
    notice = rows.filter(pk=notice_id, state=Notice.State.SENDING, next_try_at__lt=now + RUNG_WITHIN).first()
    if notice is None:
        return None
    taken = Notice.objects.filter(pk=notice_id, next_try_at=notice.next_try_at).update(next_try_at=now + SENDING)
    return notice if taken else None


def _later(notice: Notice, now: datetime, error: str) -> None:
    tries = notice.tries + 1
    if tries >= MOST_TRIES:
        _end(notice, Notice.State.GIVEN_UP, error=error, tries=tries)
        return
    wait = min(timedelta(seconds=15 * 2**tries), LONGEST_WAIT)
    Notice.objects.filter(pk=notice.pk).update(
        state=Notice.State.WAITING, tries=tries, next_try_at=now + wait, error=error[:2000]
    )


def _end(notice: Notice, state: Notice.State, **columns: Any) -> None:
    Notice.objects.filter(pk=notice.pk).update(state=state, **columns)
    if state == Notice.State.GIVEN_UP:
        log.error("notice %s to %s was given up: %s", notice.pk, notice.recipient, columns.get("error"))
