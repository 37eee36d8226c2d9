"""What services of a container showed before and after its move: this file alone writes their rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from migrations_app.models import SeenService
from migrations_app.ports.probe import Certificate, Face, Look


def of(migration_id: int) -> list[SeenService]:
    return list(SeenService.objects.filter(migration_id=migration_id))


def keep_before(
    migration_id: int, address: str, port: int, *, look: Look, unsteady: Collection[tuple[str, str]]
) -> None:
    """Keep what it shows before the move; whatever was known of a try before that is forgotten."""
    fresh = {"before": asdict(look), "unsteady": [list(one) for one in unsteady]}
    forgotten: dict[str, Any] = {"after": None, "contrasts": [], "accepted": []}
    SeenService.objects.update_or_create(
        migration_id=migration_id, address=address, port=port, defaults=fresh | forgotten
    )


def keep_after(row: SeenService, *, look: Look, contrasts: Sequence[dict[str, str]]) -> None:
    row.after, row.contrasts = asdict(look), list(contrasts)
    row.save(update_fields=["after", "contrasts"])


def accept(row: SeenService) -> None:
    """Note that a person found its contrasts in order."""
    row.accepted = row.accepted + [[one["name"], one["aspect"]] for one in unaccepted(row)]
    row.save(update_fields=["accepted"])


def unaccepted(row: SeenService) -> list[dict[str, str]]:
    """Return the contrasts that nothing explains and nobody accepted."""
    return [one for one in row.contrasts if not one["explanation"] and [one["name"], one["aspect"]] not in row.accepted]


def look_before(row: SeenService) -> Look:
    """Return as a value what was kept."""
    kept = row.before
    return Look(**kept | {"faces": tuple(_face(face) for face in kept["faces"])})


def _face(kept: dict[str, Any]) -> Face:
    certificate = kept["certificate"]
    read = Certificate(**certificate | {"names": tuple(certificate["names"])}) if certificate else None
    return Face(**kept | {"certificate": read})
