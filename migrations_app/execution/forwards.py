"""What is known of old addresses that are passed on: this file alone writes their rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import F

from migrations_app.models import Forward, Migration

MOST_CALLERS = 20
# A step that looks after it does so every twenty seconds; what none has looked at for so long has nobody.
UNATTENDED = timedelta(seconds=25)


def begin(migration_id: int, *, old: str, new: str, kind: str, now: datetime) -> None:
    """Note that the address is passed on from now; said again it changes the kind only."""
    kept = {"kind": kind, "new": new, "next_look_at": now + UNATTENDED}
    Forward.objects.update_or_create(
        migration_id=migration_id, old=old, defaults=kept, create_defaults={**kept, "began_at": now}
    )


def of(migration_id: int) -> list[Forward]:
    """Return what is still passed on for the migration."""
    return list(Forward.objects.filter(migration_id=migration_id, ended_at=None).order_by("old"))


def note(row: Forward, *, counter: int, packets: int, callers: Sequence[str], now: datetime) -> None:
    """Keep what the node counted; a counter that is lower than before has begun anew."""
    arrived = counter - row.counter if counter >= row.counter else counter
    row.new_connections += arrived
    row.counter, row.checked_at, row.next_look_at = counter, now, now + UNATTENDED
    if arrived:
        row.last_arrival_at, row.callers = now, list(callers)[:MOST_CALLERS]
    if packets != row.packet_counter:
        row.packet_counter, row.last_packet_at = packets, now
    row.save(
        update_fields=[
            *("new_connections", "counter", "checked_at", "next_look_at", "last_arrival_at"),
            *("packet_counter", "last_packet_at", "callers"),
        ]
    )


def mend(row: Forward) -> None:
    """Note that the node had lost the rules and was given them again."""
    Forward.objects.filter(pk=row.pk).update(mended=F("mended") + 1)


def look_later(row: Forward, now: datetime) -> None:
    """Note that somebody looks now, whatever comes of it."""
    Forward.objects.filter(pk=row.pk).update(next_look_at=now + UNATTENDED)


def end(row: Forward, *, now: datetime) -> None:
    Forward.objects.filter(pk=row.pk, ended_at=None).update(ended_at=now)


# While the container comes home.


def hand_over(first: Migration, back: Migration) -> None:
    """Have the return trip look after what is still passed on for the first move."""
    Forward.objects.filter(migration=first, ended_at=None).update(handed_to=back)


def give_back(back: Migration) -> bool:
    """Undo that, and return whether there was anything to give back."""
    return bool(Forward.objects.filter(handed_to=back).update(handed_to=None, ended_at=None))


def taken_over(back_id: int) -> list[Forward]:
    """Return what a return trip was handed, whether it stands or has been ended."""
    return list(Forward.objects.filter(handed_to=back_id).order_by("old"))


def resume(row: Forward) -> None:
    Forward.objects.filter(pk=row.pk).update(ended_at=None)


def answered_beside(back: Migration) -> tuple[str, ...]:
    """Return the addresses at which the container answers beside its own: they came along, or through a tunnel."""
    return tuple(row.old for row in taken_over(back.pk) if row.kind != Forward.Kind.NAT)
