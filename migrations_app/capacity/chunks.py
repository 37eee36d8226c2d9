"""Rows of packed roll-ups: opened, and written so that writing the same twice changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import connection

from migrations_app.capacity.metrics import OF_CONTAINER, OF_NODE
from migrations_app.capacity.packing import Grid, Unreadable
from migrations_app.capacity.spans import Span
from migrations_app.models import Chunk

Kind = Chunk.Kind
MOST_IN_ONE_QUERY = 400
METRIC_NAMES = {
    Kind.NODE: tuple(metric.name for metric in OF_NODE),
    Kind.CONTAINER: tuple(metric.name for metric in OF_CONTAINER),
}


@dataclass(frozen=True, order=True)
class Subject:
    """Whose numbers they are: a node's or a container's, by primary key."""

    kind: Kind
    pk: int


def empty(kind: Kind, span: Span) -> Grid:
    return Grid(METRIC_NAMES[kind], span.slots)


def open_all(subjects: Iterable[Subject], span: Span, *, for_update: bool = False) -> dict[Subject, Grid]:
    """Return the grid of each subject for one span, empty where there is none yet."""
    wanted = list(subjects)
    found = {subject: empty(subject.kind, span) for subject in wanted}
    rows = Chunk.objects.filter(grain=span.grain, starts_on=span.starts_on)
    if for_update and connection.features.has_select_for_update:
        rows = rows.select_for_update()
    for kind in sorted({subject.kind for subject in wanted}):
        ids = sorted(subject.pk for subject in wanted if subject.kind == kind)
        for start in range(0, len(ids), MOST_IN_ONE_QUERY):
            of_kind = (
                rows.filter(kind=kind, subject__in=ids[start : start + MOST_IN_ONE_QUERY])
                .order_by("subject")
                .values_list("subject", "body")
            )
            found |= {Subject(Kind(kind), pk): opened(body, Kind(kind), span) for pk, body in of_kind}
    return found


def opened(body: bytes | memoryview, kind: Kind, span: Span) -> Grid:
    """Return the row's grid; a damaged row counts as one without numbers, because a gap is the truth about it."""
    try:
        grid = Grid.unpack(bytes(body))
    except Unreadable:
        return empty(kind, span)
    return grid.fitted(METRIC_NAMES[kind]) if grid.slots == span.slots else empty(kind, span)


def write_all(grids: Mapping[Subject, Grid], span: Span) -> None:
    rows = [
        Chunk(
            kind=subject.kind,
            subject=subject.pk,
            grain=span.grain,
            starts_on=span.starts_on,
            body=grids[subject].pack(),
        )
        for subject in sorted(grids)
    ]
    Chunk.objects.bulk_create(
        rows,
        batch_size=MOST_IN_ONE_QUERY // 4,
        update_conflicts=True,
        unique_fields=["kind", "subject", "grain", "starts_on"],
        update_fields=["body"],
    )
