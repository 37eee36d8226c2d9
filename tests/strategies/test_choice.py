from __future__ import annotations

from dataclasses import replace

import pytest

from migrations_app.strategies.choice import Measured, choose

SETTINGS = {"live_max_memory_mib": 16_384, "live_max_data_gib": 200, "live_max_freeze_seconds": 10.0}
SMALL = Measured(
    running=True,
    data_mib=500,
    memory_mib=256,
    churn_bytes_per_second=1000.0,
    link_bytes_per_second=100.0 * 1024 * 1024,
    live_obstacles=(),
)


def test_it_prefers_live_and_says_the_numbers() -> None:
    choice = choose(SMALL, SETTINGS)
    assert choice.method == "live"
    assert "3.1 s of standstill" in choice.reason
    assert "500 MiB of data, 256 MiB of memory, 100 MiB/s" in choice.reason


@pytest.mark.parametrize(
    ("changed", "because"),
    [
        ({"running": False}, "it does not run"),
        ({"live_obstacles": ("CPU capabilities check failed.",)}, "because CPU capabilities check failed."),
        ({"memory_mib": 20_000}, "20000 MiB of memory are above the limit of 16384 MiB"),
        ({"data_mib": 300 * 1024}, "300 GiB of data are above the limit of 200 GiB"),
        ({"data_mib": None}, "its files are too many to be counted quickly"),
        ({"memory_mib": 4096, "link_bytes_per_second": 10.0 * 1024 * 1024}, "stand still for 410 s (limit 10 s)"),
        ({"churn_bytes_per_second": 300e6}, "stand still for 17 s (limit 10 s)"),
    ],
)
def test_it_streams_when_live_is_out_of_the_question(changed: dict[str, object], because: str) -> None:
    choice = choose(replace(SMALL, **changed), SETTINGS)  # type: ignore[arg-type]
    assert choice.method == "stream"
    assert because in choice.reason


def test_it_dumps_where_the_nodes_do_not_reach_each_other() -> None:
    assert choose(replace(SMALL, nodes_connect=False), SETTINGS).method == "dump"


def test_the_limits_are_settings() -> None:
    assert choose(SMALL, SETTINGS | {"live_max_memory_mib": 100}).method == "stream"
