"""Pages of proposals."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from migrations_app.models import Alternative, Node, Proposal
from migrations_app.placement.reading import read_fleet
from migrations_app.usecases.work_out_alternative import work_out_alternative
from tests.factories import make_container, make_node

pytestmark = pytest.mark.django_db
HOSTILE = '<script>alert(1)</script>"'


@pytest.fixture
def staff(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


@pytest.fixture
def fleet() -> list[Node]:
    nodes = [make_node(name=f"hn-{number}") for number in range(3)]
    for number in range(4):
        make_container(node=nodes[0], ctid=f"{number + 101}", hostname=f"ct{number}.example.net", cpus=1)
    return nodes


def work_out(proposal: Proposal) -> None:
    for alternative in proposal.alternatives.all():
        work_out_alternative(
            alternative_id=alternative.pk, clock=time.monotonic, now=timezone.now(), settings=settings.OVZ
        )


def ask(client: Client, **values: Any) -> Proposal:
    response = client.post(reverse("proposal-new"), values)
    assert response.status_code == 302, response.context["form"].errors
    return Proposal.objects.latest("pk")


def text(response: Any) -> str:
    return str(response.content.decode())


def test_it_is_asked_for_and_worked_out_while_the_page_lives(staff: Client, fleet: list[Node]) -> None:
    proposal = ask(staff, goal="evacuate", nodes=[fleet[0].pk])
    page = text(staff.get(reverse("proposal", args=[proposal.pk])))
    assert page.count("Being worked out") == 3
    assert "hx-get" in page
    work_out(proposal)
    poll = staff.get(reverse("proposal-live", args=[proposal.pk]))
    assert poll.status_code == 286
    assert "ct0.example.net" in text(poll)
    assert "hn-0 is to be empty" in text(poll)


def test_every_alternative_has_a_page(staff: Client, fleet: list[Node]) -> None:
    proposal = ask(staff, goal="evacuate", nodes=[fleet[0].pk])
    work_out(proposal)
    for alternative in proposal.alternatives.all():
        page = text(staff.get(reverse("alternative", args=[alternative.pk])))
        assert 'class="change-bar"' in page
        assert page.count('<td class="numeric">') >= 4 * 4


def test_hostile_names_are_shown_and_never_run(staff: Client, fleet: list[Node]) -> None:
    make_container(node=fleet[0], hostname=HOSTILE, apart_group=HOSTILE, requires=[HOSTILE])
    make_container(node=fleet[0], hostname="x", pinned=True, pin_reason=HOSTILE)
    proposal = ask(staff, goal="evacuate", nodes=[fleet[0].pk])
    work_out(proposal)
    page = text(staff.get(reverse("proposal", args=[proposal.pk])))
    assert "&lt;script&gt;" in page
    assert HOSTILE not in page


def test_the_fleet_file_is_what_propose_reads(staff: Client, fleet: list[Node], tmp_path: Path) -> None:
    answer = staff.get(reverse("fleet-file"))
    path = tmp_path / "fleet.json"
    path.write_bytes(answer.content)
    seen = read_fleet(path)
    assert seen.node_names == ("hn-0", "hn-1", "hn-2")
    assert len(seen.names) == 4
    assert json.loads(answer.content)["format"] == "fleet/1"


@pytest.mark.parametrize("count", [1, 40])
def test_the_page_takes_as_many_queries_for_any_fleet(
    staff: Client, fleet: list[Node], count: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(count):
        make_container(
            node=fleet[0], ctid=f"{number + 500}", memory_limit_mib=64, disk_limit_mib=100, cpu_limit_percent=5
        )
    proposal = ask(staff, goal="evacuate", nodes=[fleet[0].pk])
    work_out(proposal)
    states = [one.state for one in proposal.alternatives.all()]
    assert states
    assert set(states) == {Alternative.State.READY}
    with django_assert_max_num_queries(12):
        staff.get(reverse("proposal", args=[proposal.pk]))


def test_the_goals_need_what_they_need(staff: Client, fleet: list[Node]) -> None:
    for values, field in (
        ({"goal": "evacuate"}, "nodes"),
        ({"goal": "evacuate", "nodes": [fleet[1].pk]}, "nodes"),
        ({"goal": "place"}, "container"),
        ({"goal": "place", "container": "nobody"}, "container"),
        ({"goal": "rebalance", "level_percent": "nan"}, "level_percent"),
        ({"goal": "rebalance", "level_percent": "101"}, "level_percent"),
        ({"goal": "home", "nodes": [fleet[0].pk]}, "nodes"),
        ({"goal": "world-peace"}, "goal"),
    ):
        response = staff.post(reverse("proposal-new"), values)
        assert response.status_code == 422
        assert list(response.context["form"].errors) == [field], values


def test_a_link_brings_what_it_is_about(staff: Client, fleet: list[Node]) -> None:
    page = text(staff.get(reverse("proposal-new"), {"goal": "evacuate", "node": fleet[1].pk}))
    assert f'<option value="{fleet[1].pk}" selected>' in page
    container = fleet[0].containers.get(ctid="101")
    page = text(staff.get(reverse("proposal-new"), {"goal": "place", "container": container.pk}))
    assert 'value="101@hn-0"' in page
    for odd in ("x", "9" * 40, "-1", "²"):
        assert staff.get(reverse("proposal-new"), {"goal": odd, "node": odd, "container": odd}).status_code == 200


def test_it_is_discarded_once(staff: Client, fleet: list[Node]) -> None:
    proposal = ask(staff, goal="evacuate", nodes=[fleet[0].pk])
    staff.post(reverse("proposal-discard", args=[proposal.pk]))
    proposal.refresh_from_db()
    assert proposal.state == Proposal.State.DISCARDED
    assert not proposal.alternatives.exists()
    page = text(staff.post(reverse("proposal-discard", args=[proposal.pk]), follow=True))
    assert "is discarded already" in page


def test_the_same_is_asked_for_anew(staff: Client, fleet: list[Node]) -> None:
    proposal = ask(staff, goal="evacuate", nodes=[fleet[0].pk], survives_a_loss="on")
    response = staff.post(reverse("proposal-again", args=[proposal.pk]))
    other = Proposal.objects.latest("pk")
    assert response["Location"] == reverse("proposal", args=[other.pk])
    assert other.pk != proposal.pk
    assert (list(other.nodes.all()), other.survives_a_loss) == ([fleet[0]], True)
