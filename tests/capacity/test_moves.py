"""What is said of a migration beforehand: from the nearest history there is, and kept beside what happened."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from migrations_app.capacity import accuracy, moves
from migrations_app.models import Migration, Node
from tests.factories import make_container, make_migration, make_node
from tests.fakes.clock import START

pytestmark = pytest.mark.django_db


def done(source: Node, target: Node, *, seconds: float, freeze_seconds: float = 2.0, **more: Any) -> Migration:
    return make_migration(
        container=make_container(node=source, disk_used_mib=10_000),
        target=target,
        method="stream",
        state=Migration.State.DONE,
        started_at=START,
        finished_at=START + timedelta(seconds=seconds),
        freeze_seconds=freeze_seconds,
        **more,
    )


def planned(source: Node, target: Node, **more: Any) -> Migration:
    return make_migration(container=make_container(node=source, **more), target=target, method="stream")


def test_without_history_it_believes_its_priors() -> None:
    said = moves.foretell(planned(make_node(), make_node(), disk_used_mib=10_000), START)
    assert (said.basis, said.known_moves) == ("prior", 0)
    assert said.seconds == 175.0  # 45 s around it, 1.3 copies of 10,000 MiB at 100 MiB/s
    assert said.seconds_low < said.seconds < said.seconds_high


def test_a_bigger_container_takes_longer() -> None:
    here, there = make_node(), make_node()
    small, big = (moves.foretell(planned(here, there, disk_used_mib=mib), START) for mib in (100, 100_000))
    assert big.seconds > 10 * small.seconds


def test_the_same_pair_counts_before_the_fleet() -> None:
    here, there, elsewhere = make_node(), make_node(), make_node()
    for _ in range(6):
        done(elsewhere, make_node(), seconds=1750)
    assert moves.foretell(planned(here, there), START).basis == "fleet"
    for _ in range(20):
        done(here, there, seconds=350)
    said = moves.foretell(planned(here, there, disk_used_mib=10_000), START)
    assert (said.basis, said.known_moves) == ("pair", 20)
    assert said.seconds == pytest.approx(350)
    assert said.seconds_high == pytest.approx(350)


def test_what_failed_and_what_goes_on_is_no_history() -> None:
    here, there = make_node(), make_node()
    for state in (Migration.State.ROLLED_BACK, Migration.State.RUNNING, Migration.State.CANCELLED):
        for _ in range(4):
            make_migration(
                container=make_container(node=here),
                target=there,
                method="stream",
                state=state,
                started_at=START,
                finished_at=START + timedelta(seconds=5) if state != Migration.State.RUNNING else None,
            )
    assert moves.foretell(planned(here, there), START).basis == "prior"


def test_it_is_kept_beside_what_happened() -> None:
    here, there = make_node(), make_node()
    for seconds in (180.0, 5000.0):
        migration = done(here, there, seconds=seconds)
        moves.foretell(planned(here, make_node(), disk_used_mib=10_000), START)
        said = moves.foretell(migration, START)
        said.save()
    told = accuracy.moves()
    assert sorted(one.duration.happened for one in told) == [180.0, 5000.0]
    score = accuracy.score("Duration", [one.duration for one in told])
    assert score.count == 2
    assert 0 <= score.within <= 2
