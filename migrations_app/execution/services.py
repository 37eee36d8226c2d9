"""What services of a container showed before and after its move: this file alone writes their rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from migrations_app.execution import silence
from migrations_app.execution.silence import Tally
from migrations_app.models import Migration, SeenService, StepRun
from migrations_app.ports.probe import Certificate, Face, Look

# Who watches says so again and again; after this long without a word somebody else does.
WATCH = timedelta(seconds=5)
COUNTED = ("knocks", "unanswered", "silent_seconds", "longest_silence_seconds")


def of(migration_id: int) -> list[SeenService]:
    return list(SeenService.objects.filter(migration_id=migration_id))


def keep_before(
    migration_id: int, address: str, port: int, *, look: Look, unsteady: Collection[tuple[str, str]]
) -> None:
    """Keep what it shows before the move; whatever was known of a try before that is forgotten."""
    fresh = {"before": asdict(look), "unsteady": [list(one) for one in unsteady]}
    forgotten: dict[str, Any] = {"after": None, "contrasts": [], "accepted": [], "unwatched_seconds": 0.0}
    forgotten |= {"watched_by": "", "watched_until": None} | dict.fromkeys(COUNTED, 0)
    SeenService.objects.update_or_create(
        migration_id=migration_id, address=address, port=port, defaults=fresh | forgotten
    )


def keep_unseen(migration_id: int, places: Collection[tuple[str, int]]) -> None:
    """Have a row for each of them, so that a person can be asked about it; nothing is known but that they answered."""
    unknown = asdict(Look(answers=True, seconds=0.0))
    for address, port in places:
        SeenService.objects.get_or_create(
            migration_id=migration_id, address=address, port=port, defaults={"before": unknown}
        )


def keep_after(row: SeenService, *, look: Look, contrasts: Sequence[dict[str, str]]) -> None:
    row.after, row.contrasts = asdict(look), list(contrasts)
    row.save(update_fields=["after", "contrasts"])


def accept(row: SeenService) -> None:
    """Note that a person found in order what its contrasts are now; another one has to be seen again."""
    row.accepted = row.accepted + [_as_seen(one) for one in unaccepted(row)]
    row.save(update_fields=["accepted"])


def unaccepted(row: SeenService) -> list[dict[str, str]]:
    """Return the contrasts that nothing explains and nobody accepted."""
    return [one for one in row.contrasts if not one["explanation"] and _as_seen(one) not in row.accepted]


def _as_seen(contrast: Mapping[str, str]) -> list[str]:
    """Return what a word about it is about; those kept by older releases have nothing steady."""
    return [contrast["place"], contrast["name"], contrast["aspect"], contrast.get("steady", contrast["after"])]


def take_watch(name: str, now: datetime, *, rested: bool = False) -> list[SeenService]:
    """Return what this worker is to watch from now on; how long nobody did before is noted.

    ``rested``: it did not watch either since it last said so.
    """
    mine = Q(watched_by=name) | Q(watched_until=None) | Q(watched_until__lt=now)
    rows = list(_to_watch().filter(mine))
    for row in rows:
        if row.watched_by != name or rested:
            gap = now - row.watched_until + WATCH if row.watched_until else timedelta(0)
            SeenService.objects.filter(pk=row.pk).update(unwatched_seconds=F("unwatched_seconds") + gap.total_seconds())
    taken = SeenService.objects.filter(mine, pk__in=[row.pk for row in rows])
    if rows and taken.update(watched_by=name, watched_until=now + WATCH) < len(rows):
        return list(_to_watch().filter(watched_by=name))
    return rows


def kind_of(row: SeenService) -> str:
    return str(row.before.get("kind", ""))


def tally_of(row: SeenService) -> Tally:
    pace = silence.pace_seconds(kind_of(row)) or silence.OFTEN_SECONDS
    return Tally(pace_seconds=pace, **{name: getattr(row, name) for name in COUNTED})


def keep_silences(tallies: Mapping[int, Tally]) -> None:
    """Keep what was counted at each service, by its row."""
    told = [SeenService(pk=pk, **{name: getattr(tally, name) for name in COUNTED}) for pk, tally in tallies.items()]
    SeenService.objects.bulk_update(told, COUNTED)


def _to_watch() -> QuerySet[SeenService]:
    """Return those that were seen before the move and not yet after it; a move that waits for a person waits long."""
    steps = StepRun.objects.filter(migration=OuterRef("migration"))
    seen = Exists(steps.filter(name="look_before", state=StepRun.State.DONE))
    seen_again = Exists(steps.filter(name="probe_outside", state__in=(StepRun.State.DONE, StepRun.State.SKIPPED)))
    frozen = Q(migration__frozen_at__isnull=False, migration__unfrozen_at=None)
    moving = Q(migration__state__in=(Migration.State.RUNNING, Migration.State.ROLLING_BACK))
    return SeenService.objects.filter(seen, ~seen_again, moving | (frozen & Q(migration__state=Migration.State.PARKED)))


def look_before(row: SeenService) -> Look:
    """Return as a value what was kept."""
    kept = row.before
    return Look(**kept | {"faces": tuple(_face(face) for face in kept["faces"])})


def _face(kept: dict[str, Any]) -> Face:
    certificate = kept["certificate"]
    read = Certificate(**certificate | {"names": tuple(certificate["names"])}) if certificate else None
    return Face(**kept | {"certificate": read})
