"""Counters become rates; a counter that began anew, or a clock that was set, never becomes a spike."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrations_app.capacity import rates
from migrations_app.capacity.metrics import BY_NAME
from migrations_app.vz.facts import ContainerUse, NodeUse

CONTAINER = ContainerUse(
    ctid="101",
    status="running",
    cpu_ticks=50_000,
    uptime_ticks=1_000_000,
    memory_kib=65_536,
    memory_limit_kib=524_288,
    swap_kib=0,
    fail_count=3,
    disk_kib=3_145_728,
    disk_limit_kib=11_534_336,
    inodes=20_000,
    rx_bytes=1_000,
    tx_bytes=2_000,
    written_bytes=3_000,
)
NODE = NodeUse(
    at=1_000_000.0,
    uptime_seconds=10_000.0,
    processors=4,
    busy_ticks=100_000,
    all_ticks=4_000_000,
    load_1m=0.5,
    memory_total_kib=16_777_216,
    memory_available_kib=12_582_912,
    swap_total_kib=2_097_152,
    swap_free_kib=1_048_576,
    disk_total_kib=104_857_600,
    disk_free_kib=83_886_080,
    inodes_total=1_000,
    inodes_free=400,
    rx_bytes=1_000_000,
    tx_bytes=2_000_000,
    containers=(CONTAINER,),
)
LONGEST = 900.0
RATES = {"cpu_cores", "rx_bps", "tx_bps", "written_bps", "fails_ph"}


def later(seconds: float = 300.0, **container: int | str | None) -> NodeUse:
    after = replace(
        CONTAINER,
        cpu_ticks=50_000 + 150_000,
        uptime_ticks=1_000_000 + 300_000,
        rx_bytes=1_000 + 300 * 7,
        tx_bytes=2_000 + 300 * 9,
        written_bytes=3_000 + 300 * 11,
        fail_count=4,
    )
    return replace(
        NODE,
        at=NODE.at + seconds,
        uptime_seconds=NODE.uptime_seconds + seconds,
        busy_ticks=NODE.busy_ticks + 30_000,
        all_ticks=NODE.all_ticks + 120_000,
        rx_bytes=NODE.rx_bytes + 30_000,
        tx_bytes=NODE.tx_bytes + 60_000,
        containers=(replace(after, **container),),
    )


def of_container(before: NodeUse | None, after: NodeUse) -> dict[str, float]:
    return dict(rates.container_points(before, after, longest_seconds=LONGEST)["101"])


def of_node(before: NodeUse | None, after: NodeUse) -> dict[str, float]:
    return dict(rates.node_point(before, after, longest_seconds=LONGEST))


def test_it_tells_a_nodes_rates_and_amounts() -> None:
    assert of_node(NODE, later()) == {
        "cpu_cores": pytest.approx(1.0),
        "load_1m": 0.5,
        "memory_mib": 4096.0,
        "memory_total_mib": 16_384.0,
        "swap_mib": 1024.0,
        "disk_mib": 20_480.0,
        "disk_total_mib": 102_400.0,
        "inodes": 600.0,
        "rx_bps": 100.0,
        "tx_bps": 200.0,
    }


def test_it_tells_a_containers_rates_and_amounts() -> None:
    assert of_container(NODE, later()) == {
        "cpu_cores": 0.5,
        "memory_mib": 64.0,
        "memory_limit_mib": 512.0,
        "swap_mib": 0.0,
        "fails_ph": pytest.approx(12.0),
        "disk_mib": 3072.0,
        "disk_limit_mib": 11_264.0,
        "inodes": 20_000.0,
        "rx_bps": 7.0,
        "tx_bps": 9.0,
        "written_bps": 11.0,
    }


def test_the_first_reading_has_amounts_and_no_rates() -> None:
    assert not RATES & set(of_node(None, NODE))
    assert not RATES & set(of_container(None, NODE))
    assert of_container(None, NODE)["memory_mib"] == 64.0


@pytest.mark.parametrize("seconds", [-9_000.0, 0.0, 0.5, LONGEST + 1])
def test_a_reboot_a_doubled_reading_and_a_long_gap_have_no_rates(seconds: float) -> None:
    assert not RATES & set(of_node(NODE, later(seconds)))
    assert not RATES & set(of_container(NODE, later(seconds)))


@pytest.mark.parametrize("jump_seconds", [-86_400.0, -400.0, 400.0, 86_400.0])
def test_a_clock_that_was_set_changes_no_rate(jump_seconds: float) -> None:
    after = replace(later(), at=NODE.at + jump_seconds)
    assert of_node(NODE, after) == of_node(NODE, later())


def test_a_container_that_was_started_anew_has_no_rates() -> None:
    assert not RATES & set(of_container(NODE, later(uptime_ticks=5_000, cpu_ticks=10, rx_bytes=10**9)))
    assert not RATES & set(of_container(replace(NODE, containers=()), later()))


@pytest.mark.parametrize("counter", ["rx_bytes", "tx_bytes", "written_bytes"])
def test_a_counter_that_began_anew_is_a_gap_in_its_own_line_only(counter: str) -> None:
    point = of_container(NODE, later(**{counter: 5}))
    assert len(RATES & set(point)) == 4


@pytest.mark.parametrize("counter", ["rx_bytes", "written_bytes", "cpu_ticks"])
def test_more_than_any_machine_can_do_is_a_gap(counter: str) -> None:
    assert len(RATES & set(of_container(NODE, later(**{counter: 2**62})))) == 4


def test_a_stopped_container_uses_no_memory_worth_a_line() -> None:
    point = of_container(NODE, later(status="stopped", memory_kib=0))
    assert set(point) == {"memory_limit_mib", "disk_mib", "disk_limit_mib", "inodes"}


COUNTS = st.one_of(st.none(), st.integers(0, 2**63 - 1))


@given(counts=st.lists(COUNTS, min_size=14, max_size=14), seconds=st.floats(0, 10**9))
def test_nothing_a_node_can_say_draws_a_spike(counts: list[int | None], seconds: float) -> None:
    names = [name for name, value in vars(CONTAINER).items() if isinstance(value, int)]
    wild = replace(CONTAINER, **dict(zip(names, counts, strict=False)))
    after = replace(later(), uptime_seconds=seconds, containers=(wild,))
    for point in (of_container(NODE, after), of_container(after, NODE)):
        assert all(0 <= amount <= BY_NAME[name].highest for name, amount in point.items())
