"""What is past its time goes, what is not stays, and no more at once than a tick can do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings

from migrations_app.capacity import retention, rounds
from migrations_app.capacity.spans import Grain
from migrations_app.models import Chunk, Node, Reading, Round
from migrations_app.usecases.thin_samples import thin_samples
from tests.fakes.clock import START


def chunk(grain: Grain, days_old: int) -> None:
    Chunk.objects.create(kind=1, subject=1, grain=grain, starts_on=(START - timedelta(days=days_old)).date(), body=b"")


def kept(grain: Grain) -> int:
    return Chunk.objects.filter(grain=grain).count()


def test_each_grain_has_its_own_time(db: None) -> None:
    for grain, ages in ((Grain.FIVE_MINUTES, (13, 17)), (Grain.HOUR, (420, 440)), (Grain.DAY, (1400, 1600))):
        for days in ages:
            chunk(grain, days)
    retention.thin(START, settings.OVZ)
    assert [kept(grain) for grain in Grain] == [1, 1, 1]


def test_samples_are_kept_for_days(node: Node) -> None:
    for days in (1, 2, 4, 40):
        Reading.objects.create(node=node, at=START - timedelta(days=days), body=b"")
    retention.thin(START, settings.OVZ)
    assert Reading.objects.count() == 2


def test_a_long_neglected_panel_is_thinned_bit_by_bit(node: Node, monkeypatch: Any) -> None:
    monkeypatch.setattr(retention, "MOST_AT_ONCE", 10)
    monkeypatch.setattr(retention.thin, "__kwdefaults__", {"most": 10})
    rounds.begin(START)
    row = Round.objects.get(name=Round.Name.THIN)
    for number in range(25):
        Reading.objects.create(node=node, at=START - timedelta(days=9, seconds=number), body=b"")
    dues = []
    for _ in range(3):
        thin_samples(round_id=row.pk, now=START, settings=settings.OVZ)
        row.refresh_from_db()
        dues.append(row.next_at == START)
    assert dues == [True, True, False]
    assert Reading.objects.count() == 0
