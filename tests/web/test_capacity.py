"""Pages of capacity: the fleet, and the use of a node or container over time."""

from __future__ import annotations

import csv
import io
from array import array
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from lab.replay import replay, write_days
from migrations_app.capacity import fitting, moves
from migrations_app.capacity.chunks import Kind, Subject
from migrations_app.capacity.spans import hour_of
from migrations_app.models import Container, Customer, Node, Standing
from tests.factories import make_container, make_migration, make_node

pytestmark = pytest.mark.django_db
HOSTILE = '<script>alert(1)</script>"'


def stand(node: Node, **overrides: Any) -> Standing:
    values: dict[str, Any] = {
        "sampled_at": timezone.now(),
        "now": {"cpu_cores": 2.0, "memory_mib": 4096.0, "disk_mib": 20_480.0, "inodes": 500_000, "tx_bps": 12_500_000},
        "total": {"cpu": 4, "memory": 16_384, "disk": 102_400, "inodes": 6_553_600},
        "promised": {"cpu": 6, "memory": 20_000, "disk": 50_000, "inodes": 1_000_000},
        "full_in_days": {"disk": [41.2, 30.0, 60.4], "memory": [None, 90.0, None]},
    }
    return Standing.objects.create(node=node, **values | overrides)


@pytest.fixture
def staff(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


@pytest.fixture
def node() -> Node:
    made = make_node(name="node-hot")
    stand(made)
    replay([made], until=hour_of(timezone.now()), days=9)
    return made


def text(response: Any) -> str:
    return str(response.content.decode())


def test_the_fleet_shows_shares_and_when_what_is_full(staff: Client) -> None:
    stand(make_node(name="node-a"))
    page = text(staff.get(reverse("capacity")))
    for part in ("node-a", "50 %", "25 %", "20 %", "10 %", "Disk: 41 days", "30 to 60"):
        assert part in page, part


@pytest.mark.parametrize(("view", "share"), [("now", "50 %"), ("week", "75 %"), ("promised", "150 %")])
def test_the_fleet_can_be_seen_in_three_ways(staff: Client, view: str, share: str) -> None:
    stand(make_node(), week={"cpu_cores": 3.0})
    assert share in text(staff.get(reverse("capacity"), {"show": view}))


def test_the_hottest_comes_first_and_others_on_request(staff: Client) -> None:
    for name, cores in (("cold", 0.1), ("hot", 3.9), ("warm", 2.0)):
        stand(make_node(name=name), now={"cpu_cores": cores}, full_in_days={})

    def order(sort: str) -> list[str]:
        page = text(staff.get(reverse("capacity"), {"sort": sort}))
        return sorted(("cold", "hot", "warm"), key=lambda name: page.index(f">{name}</a>"))

    assert order("heat") == ["hot", "warm", "cold"]
    assert order("name") == ["cold", "hot", "warm"]
    assert order("no-such-order") == ["hot", "warm", "cold"]


def test_a_node_that_does_not_answer_says_so(staff: Client) -> None:
    stand(make_node(), missed="NodeUnreachable", sampled_at=timezone.now() - timedelta(hours=2))
    page = text(staff.get(reverse("capacity")))
    assert "NodeUnreachable" in page
    assert "1 without a fresh sample" in page


def test_a_node_that_was_never_sampled_is_there(staff: Client) -> None:
    make_node(name="fresh")
    page = text(staff.get(reverse("capacity")))
    assert "never sampled" in page


def test_it_counts_what_fits_with_one_node_lost(staff: Client) -> None:
    one = [1.0, 2048.0, 10_240.0]
    sizes = fitting.VERSION + array("f", 4 * one).tobytes()
    for _ in range(3):
        stand(make_node(), sizes=sizes)
    page = text(staff.get(reverse("capacity"), {"cpu": "0.5", "memory": "2", "disk": "10"}))
    # Each takes min(1.8 / 0.5, 10649 / 2048, 66560 / 10240) = 3; a lost one's two take two places each of the others.
    assert 'at least <span class="big-number">2</span>' in page
    assert "9 with all of them" in page


@pytest.mark.parametrize("size", ["-1", "nan", "1e400", "abc", "", "0"])
def test_a_size_that_is_none_is_refused_at_its_field(staff: Client, size: str) -> None:
    stand(make_node())
    page = text(staff.get(reverse("capacity"), {"cpu": size, "memory": "1", "disk": "1"}))
    assert "errorlist" in page
    assert "big-number" not in page


def test_many_nodes_are_drawn_as_a_map_and_listed_in_pages(staff: Client, django_assert_max_num_queries: Any) -> None:
    for _ in range(60):
        stand(make_node())
    with django_assert_max_num_queries(8):
        page = text(staff.get(reverse("capacity")))
    assert page.count('class="heat-map"') == 5
    assert "Page 1 of 2" in page
    assert page.count('scope="row"') == 50


def test_the_fleet_can_be_taken_away(staff: Client) -> None:
    stand(make_node(name="=HYPERLINK(1)"))
    answer = staff.get(reverse("capacity-csv"))
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))  # type: ignore[attr-defined]
    assert rows[0][0] == "node"
    assert rows[1][0] == "'=HYPERLINK(1)"
    assert rows[1][2:5] == ["0.5", "0.25", "0.2"]


def test_a_nodes_page_draws_its_use_without_scripts(
    staff: Client, node: Node, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(20):
        page = text(staff.get(reverse("node", args=[node.pk])))
    assert page.count('class="sketch"') >= 5
    assert "was replayed by the lab" in page
    assert "reserve above 14.4 GiB" in page
    assert "Means over" in page


@pytest.mark.parametrize("range_", ["day", "week", "month", "quarter", "year", "no-such-range"])
def test_every_range_is_drawn_and_told(staff: Client, node: Node, range_: str) -> None:
    page = text(staff.get(reverse("node-use", args=[node.pk]), {"range": range_}))
    assert page.count('class="sketch"') >= 5
    told = staff.get(reverse("node-use-json", args=[node.pk]), {"range": range_}).json()
    memory = next(chart for chart in told["charts"] if chart["name"] == "memory")
    assert len(memory["series"][0]["mean"]) == told["length"] == len(memory["limit"])
    assert any(number is not None for number in memory["series"][0]["mean"])
    assert memory["reserve"] == pytest.approx(14_745.6)


def test_a_forecast_has_its_band(staff: Client, node: Node) -> None:
    told = staff.get(reverse("node-use-json", args=[node.pk]), {"range": "month"}).json()
    disk = next(chart for chart in told["charts"] if chart["name"] == "disk")
    (_, here, _, _), (when, there, low, high) = disk["forecast"]
    assert low <= there <= high
    assert there > here
    assert when > told["since"] + told["length"] * told["step"]


def test_zooming_in_brings_finer_numbers(staff: Client, node: Node) -> None:
    until = timezone.now().timestamp()
    asked = {"range": "month", "since": str(until - 86_400), "until": str(until)}
    assert staff.get(reverse("node-use-json", args=[node.pk]), asked).json()["step"] == 300


@pytest.mark.parametrize(
    ("since", "until"),
    [("nan", "1"), ("-1e18", "1e18"), ("5", "4"), ("0", "9999999999"), ("x", "y"), ("1e400", "2e400"), ("0", "1")],
)
def test_odd_bounds_are_as_if_not_asked(staff: Client, node: Node, since: str, until: str) -> None:
    told = staff.get(reverse("node-use-json", args=[node.pk]), {"since": since, "until": until})
    assert told.status_code == 200
    assert told.json()["step"] == 3600


def test_two_nodes_can_be_compared(staff: Client, node: Node) -> None:
    told = staff.get(reverse("node-use-json", args=[node.pk]), {"compare": node.name}).json()
    first = told["charts"][0]["series"][0]
    assert told["compared"] == node.name
    assert first["other"] == first["mean"]


def test_what_is_not_there_cannot_be_compared(staff: Client, node: Node) -> None:
    page = text(staff.get(reverse("node-use", args=[node.pk]), {"compare": HOSTILE}))
    assert "There is nothing called &lt;script&gt;" in page
    assert HOSTILE not in page


def test_a_table_can_be_taken_away_with_its_units(staff: Client, node: Node) -> None:
    answer = staff.get(reverse("node-use-csv", args=[node.pk]), {"range": "week"})
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))  # type: ignore[attr-defined]
    assert rows[0][:2] == ["from", "cpu_cores min [cores]"]
    assert len(rows) >= 168


def test_a_container_without_samples_says_so(staff: Client) -> None:
    container = make_container()
    assert "Nothing has been sampled" in text(staff.get(reverse("container", args=[container.pk])))
    assert staff.get(reverse("container-use-json", args=[container.pk])).status_code == 200


def test_a_containers_page_takes_few_queries(staff: Client, django_assert_max_num_queries: Any) -> None:
    container: Container = make_container()
    with django_assert_max_num_queries(20):
        staff.get(reverse("container", args=[container.pk]), {"range": "year"})


def test_the_page_of_forecasts_shows_what_happened(staff: Client, node: Node) -> None:
    page = text(staff.get(reverse("capacity-forecasts")))
    assert "No migration with a forecast is over yet" in page
    migration = make_migration(
        container=make_container(hostname=HOSTILE),
        state="done",
        started_at=timezone.now() - timedelta(minutes=9),
        finished_at=timezone.now(),
        freeze_seconds=2.0,
    )
    moves.foretell(migration, timezone.now()).save()
    page = text(staff.get(reverse("capacity-forecasts")))
    assert "9 min 00 s" in page
    assert page.count("<circle") == 1
    assert HOSTILE not in page


def test_a_containers_quiet_hours_are_by_its_owners_clock(staff: Client, shop: Customer) -> None:
    node = make_node()
    container = make_container(node=node, owner=shop)
    stand(node)
    until = hour_of(timezone.now())
    write_days(Subject(Kind.CONTAINER, container.pk), {"rx_bps": 5.0, "tx_bps": 9.0}, until, 9)
    page = text(staff.get(reverse("container", args=[container.pk])))
    assert "by the clock in Europe/Berlin" in page
    assert "of a week&#x27;s traffic" in page or "of a week's traffic" in page
    assert page.count("is-window") == 2


def test_a_containers_page_says_when_its_disk_is_full(staff: Client) -> None:
    container = make_container()
    stand(container.node)
    until = hour_of(timezone.now())
    amounts = {"disk_mib": 1000.0, "disk_limit_mib": 1500.0, "memory_mib": 0.0, "memory_limit_mib": 512.0}
    write_days(Subject(Kind.CONTAINER, container.pk), amounts, until, 20)
    page = text(staff.get(reverse("container", args=[container.pk])))
    assert "Disk limit reached" in page
    assert "by the last 20 days" in page
    assert "not in sight" in page
