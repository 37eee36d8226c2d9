"""From a wish to alternatives, and from one of them to a batch."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from migrations_app.models import Alternative, AuditLine, Batch, BatchItem, Container, Node, Proposal
from migrations_app.schedules import ring_for_everything_due
from migrations_app.usecases import work_out_alternative as working_out
from migrations_app.usecases.accept_alternative import AlternativeStale, NotAcceptable, accept_alternative
from migrations_app.usecases.plan_batch import BatchRefused, BatchTerms
from migrations_app.usecases.replan_batch import NotReplannable, replan_batch
from migrations_app.usecases.request_proposal import ProposalRefused, request_proposal
from migrations_app.usecases.work_out_alternative import MOST_TRIES, work_out_alternative
from tests.factories import make_container, make_migration, make_node
from tests.fakes.clock import START

pytestmark = pytest.mark.django_db


@pytest.fixture
def fleet() -> list[Node]:
    """Three nodes; on the first two containers of one processor each."""
    nodes = [make_node(name=f"hn-{number}") for number in range(3)]
    for number in range(2):
        make_container(node=nodes[0], ctid=str(101 + number), cpus=1)
    return nodes


def ask(actor: User, goal: str = "evacuate", **wish: Any) -> Proposal:
    return request_proposal(goal=goal, actor=actor, now=START, settings=settings.OVZ, **wish)


def work_out(
    alternative: Alternative, after: timedelta = timedelta(), clock: Callable[[], float] = time.monotonic
) -> None:
    work_out_alternative(alternative_id=alternative.pk, clock=clock, now=START + after, settings=settings.OVZ)
    alternative.refresh_from_db()


def ready(actor: User, goal: str = "evacuate", **wish: Any) -> Alternative:
    alternative = ask(actor, goal, **wish).alternatives.earliest("pk")
    work_out(alternative)
    assert alternative.state == "ready", alternative.failure_detail
    return alternative


def accept(alternative: Alternative, actor: User, name: str = "Empty hn-0") -> Batch:
    return accept_alternative(
        alternative=alternative, name=name, terms=BatchTerms(), actor=actor, now=START, settings=settings.OVZ
    )


def test_a_wish_has_three_alternatives_that_are_due_at_once(ada: User, fleet: list[Node]) -> None:
    proposal = ask(ada, nodes=[fleet[0]])
    kinds = [(one.kind, one.state, one.next_try_at) for one in proposal.alternatives.order_by("pk")]
    assert kinds == [(kind, "waiting", START) for kind in ("fewest_moves", "best_spread", "cheapest")]
    assert AuditLine.objects.get().verb == "request_proposal"


def test_the_conductor_rings_for_them(ada: User, fleet: list[Node]) -> None:
    ask(ada, nodes=[fleet[0]])
    Node.objects.update(next_scan_at=None)
    assert ring_for_everything_due(START + timedelta(seconds=1)) == 3
    assert ring_for_everything_due(START + timedelta(seconds=1)) == 0


@pytest.mark.parametrize(
    ("goal", "wish", "said"),
    [
        ("world-peace", lambda _: {}, "Choose one of the goals"),
        ("evacuate", lambda _: {}, "Choose at least one node"),
        ("evacuate", lambda nodes: {"nodes": [nodes[1]]}, "Nothing is on hn-1"),
        ("evacuate", lambda nodes: {"nodes": nodes}, "No other node is in service"),
        ("evacuate", lambda _: {"nodes": [make_node(name="fresh", state="new")]}, "fresh is not ready"),
        ("rebalance", lambda _: {"level": 1.5}, "above 0 and at most 100 %"),
        ("rebalance", lambda _: {"level": float("nan")}, "above 0 and at most 100 %"),
        ("place", lambda _: {}, "Choose a container"),
        ("place", lambda nodes: {"container": make_container(node=nodes[0], gone_at=START)}, "was not seen"),
        ("place", lambda nodes: {"container": make_container(node=nodes[0], pinned=True)}, "Unpin it first"),
        ("place", lambda _: {"container": make_migration().container}, "has not ended"),
        ("home", lambda nodes: {"nodes": [nodes[0]]}, "still where the batch put it"),
        ("home", lambda _: {"nodes": [make_node(duty="maintenance")]}, "put it in service first"),
    ],
)
def test_it_is_refused_in_words(
    ada: User, fleet: list[Node], goal: str, wish: Callable[[list[Node]], dict[str, Any]], said: str
) -> None:
    with pytest.raises(ProposalRefused, match=said):
        ask(ada, goal, **wish(fleet))
    assert not Proposal.objects.exists()


def test_it_is_worked_out_with_keys_forecasts_and_reasons(ada: User, fleet: list[Node]) -> None:
    found = ready(ada, nodes=[fleet[0]])
    targets = {fleet[1].pk, fleet[2].pk}
    assert {node for _, node in found.body["moves"]} <= targets
    assert [step["source"] for step in found.body["steps"]] == [fleet[0].pk] * 2
    assert all(step["seconds"] > 0 and step["method"] == "live" for step in found.body["steps"])
    assert set(found.body["reasons"]) == {str(ct) for ct, _ in found.body["moves"]}
    assert found.body["sums"]["customers"] == 2
    before, after = found.pressures[str(fleet[0].pk)]["cpu"]
    assert (before, after) == (0.5263, 0.0)


def test_who_is_held_on_a_node_that_is_to_be_empty_says_why(ada: User, fleet: list[Node]) -> None:
    held = make_container(node=fleet[0], pinned=True, pin_reason="a dongle")
    found = ready(ada, nodes=[fleet[0]])
    assert found.body["impossible"] == [{"ct": held.pk, "why": "It is pinned: a dongle."}]
    assert found.body["status"] == "impossible"


def test_it_is_worked_out_once(ada: User, fleet: list[Node]) -> None:
    found = ready(ada, nodes=[fleet[0]])
    made_at = found.made_at
    work_out(found, timedelta(minutes=5))
    assert (found.made_at, found.tries) == (made_at, 1)


def test_a_second_ring_leaves_the_one_at_work_alone(ada: User, fleet: list[Node]) -> None:
    alternative = ask(ada, nodes=[fleet[0]]).alternatives.earliest("pk")
    Alternative.objects.filter(pk=alternative.pk).update(tries=1, next_try_at=START + working_out.LOST_AFTER)
    work_out(alternative, timedelta(seconds=6))
    assert (alternative.state, alternative.tries) == ("waiting", 1)


def test_a_worker_that_was_killed_is_followed_by_another_until_it_is_given_up(ada: User, fleet: list[Node]) -> None:
    class Killed(BaseException):
        pass

    def killed() -> float:
        raise Killed

    alternative = ask(ada, nodes=[fleet[0]]).alternatives.earliest("pk")
    for tried in range(MOST_TRIES):
        with pytest.raises(Killed):
            work_out(alternative, tried * working_out.LOST_AFTER, clock=killed)
    work_out(alternative, MOST_TRIES * working_out.LOST_AFTER)
    assert (alternative.state, alternative.failure, alternative.tries) == ("failed", "ProposalFailed", MOST_TRIES)
    assert alternative.next_try_at is None


def test_a_killed_one_that_comes_through_at_last_is_ready(ada: User, fleet: list[Node]) -> None:
    alternative = ask(ada, nodes=[fleet[0]]).alternatives.earliest("pk")
    Alternative.objects.filter(pk=alternative.pk).update(tries=2, next_try_at=START)
    work_out(alternative)
    assert (alternative.state, alternative.tries) == ("ready", 3)


def test_a_trouble_of_ours_is_tried_again_and_then_told(
    ada: User, fleet: list[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(working_out, "plan", broken)
    alternative = ask(ada, nodes=[fleet[0]]).alternatives.earliest("pk")
    for _ in range(MOST_TRIES):
        assert alternative.state == "waiting"
        work_out(alternative)
    assert (alternative.state, alternative.failure_detail) == ("failed", "ZeroDivisionError: by zero")


def test_a_container_that_is_gone_meanwhile_is_told(ada: User, fleet: list[Node]) -> None:
    container = fleet[0].containers.get(ctid="101")
    alternative = ask(ada, "place", container=container).alternatives.earliest("pk")
    Container.objects.filter(pk=container.pk).update(gone_at=START)
    work_out(alternative)
    assert alternative.state == "failed"
    assert "is not there any more" in alternative.failure_detail


def test_one_container_is_placed_even_from_a_node_in_maintenance(ada: User, fleet: list[Node]) -> None:
    Node.objects.filter(pk=fleet[0].pk).update(duty="maintenance")
    container = fleet[0].containers.get(ctid="101")
    found = ready(ada, "place", container=container)
    assert [step["source"] for step in found.body["steps"]] == [fleet[0].pk]
    assert found.body["moves"][0][0] == container.pk


def test_an_even_fleet_is_left_alone(ada: User, fleet: list[Node]) -> None:
    found = ready(ada, "rebalance", level=0.9)
    assert found.body["moves"] == []


def test_accepting_makes_a_batch_with_its_order_and_reasons(ada: User, fleet: list[Node]) -> None:
    found = ready(ada, nodes=[fleet[0]])
    batch = accept(found, ada)
    assert batch.state == "draft"
    assert batch.alternative == found
    items = [(item.container_id, item.target_id) for item in batch.items.all()]
    assert items == [tuple(move) for move in found.body["moves"]]
    assert all("hn-0 is to be empty" in item.reason for item in batch.items.all())
    assert Proposal.objects.get().state == "accepted"
    assert set(AuditLine.objects.values_list("verb", flat=True)) >= {"plan_batch", "accept_alternative"}
    with pytest.raises(NotAcceptable, match="accepted already"):
        accept(Alternative.objects.get(pk=found.pk), ada)


def test_terms_that_do_not_fit_leave_the_proposal_open(ada: User, fleet: list[Node]) -> None:
    found = ready(ada, nodes=[fleet[0]])
    with pytest.raises(BatchRefused):
        accept(found, ada, name=" ")
    assert Proposal.objects.get().state == "open"


def test_what_is_not_ready_or_moves_nothing_is_not_accepted(ada: User, fleet: list[Node]) -> None:
    with pytest.raises(NotAcceptable, match="not ready"):
        accept(ask(ada, nodes=[fleet[0]]).alternatives.earliest("pk"), ada)
    with pytest.raises(NotAcceptable, match="moves nothing"):
        accept(ready(ada, "rebalance", level=0.9), ada)


def moved(fleet: list[Node]) -> None:
    fleet[0].containers.filter(ctid="101").update(node=fleet[1])


def gone(fleet: list[Node]) -> None:
    fleet[0].containers.filter(ctid="101").update(gone_at=START)


def pinned(fleet: list[Node]) -> None:
    fleet[0].containers.filter(ctid="101").update(pinned=True, pin_reason="a dongle")


def drained(fleet: list[Node]) -> None:
    Node.objects.exclude(pk=fleet[0].pk).update(duty="draining")


def filled(fleet: list[Node]) -> None:
    for node in fleet[1:]:
        make_container(node=node, cpus=4)


def on_its_way(fleet: list[Node]) -> None:
    make_migration(container=fleet[0].containers.get(ctid="101"), target=fleet[1])


@pytest.mark.parametrize(
    ("meanwhile", "said"),
    [
        (moved, "it is on hn-1 now, not on hn-0"),
        (gone, "it is not there any more"),
        (pinned, "It is pinned: a dongle"),
        (drained, "is being emptied"),
        (filled, "needs 1 cpu, 0 of 4 are free"),
        (on_its_way, "has not ended"),
    ],
)
def test_what_has_changed_meanwhile_is_told_and_nothing_is_planned(
    ada: User, fleet: list[Node], meanwhile: Callable[[list[Node]], None], said: str
) -> None:
    found = ready(ada, nodes=[fleet[0]])
    meanwhile(fleet)
    with pytest.raises(AlternativeStale, match=said):
        accept(found, ada)
    assert not Batch.objects.exists()
    assert Proposal.objects.get().state == "open"


@pytest.fixture
def away(ada: User, fleet: list[Node]) -> Batch:
    """The batch that emptied the first node is done."""
    batch = accept(ready(ada, nodes=[fleet[0]]), ada)
    for item in batch.items.all():
        Container.objects.filter(pk=item.container_id).update(node=item.target)
    batch.items.update(state=BatchItem.State.DONE)
    Batch.objects.filter(pk=batch.pk).update(state=Batch.State.DONE)
    return batch


def test_what_a_batch_moved_away_comes_home(ada: User, fleet: list[Node], away: Batch) -> None:
    make_container(node=fleet[1], cpus=1)
    found = ready(ada, "home", nodes=[fleet[0]])
    assert sorted(found.body["moves"]) == sorted([item.container_id, fleet[0].pk] for item in away.items.all())
    assert found.body["status"] == "optimal"
    assert found.proposal.alternatives.count() == 1


def test_only_what_is_still_where_it_was_put_comes_home(ada: User, fleet: list[Node], away: Batch) -> None:
    first, second = away.items.all()
    other = next(node for node in fleet[1:] if node.pk != first.target_id)
    Container.objects.filter(pk=first.container_id).update(node=other)
    found = ready(ada, "home", nodes=[fleet[0]])
    assert found.body["moves"] == [[second.container_id, fleet[0].pk]]


def test_what_finds_no_room_at_home_stays_and_says_why(ada: User, fleet: list[Node], away: Batch) -> None:
    make_container(node=fleet[0], cpus=3)
    found = ready(ada, "home", nodes=[fleet[0]])
    assert found.body["moves"] == []
    assert "hn-0: needs 1 cpu, 0.8 of 3.8 are free." in found.body["impossible"][0]["why"]


def test_a_batch_is_planned_anew(ada: User, fleet: list[Node]) -> None:
    batch = accept(ready(ada, nodes=[fleet[0]]), ada)
    proposal = replan_batch(batch=batch, actor=ada, now=START, settings=settings.OVZ)
    batch.refresh_from_db()
    assert batch.state == Batch.State.CANCELLED
    assert (proposal.goal, list(proposal.nodes.all())) == ("evacuate", [fleet[0]])
    alternative = proposal.alternatives.earliest("pk")
    work_out(alternative)
    assert len(alternative.body["moves"]) == 2


def test_a_batch_that_cannot_be_planned_anew_goes_on(ada: User, fleet: list[Node]) -> None:
    batch = accept(ready(ada, nodes=[fleet[0]]), ada)
    Container.objects.update(gone_at=START)
    with pytest.raises(NotReplannable, match="Nothing is on hn-0"):
        replan_batch(batch=batch, actor=ada, now=START, settings=settings.OVZ)
    batch.refresh_from_db()
    assert batch.state == Batch.State.DRAFT
    Batch.objects.update(alternative=None)
    batch.refresh_from_db()
    with pytest.raises(NotReplannable, match="came of no proposal"):
        replan_batch(batch=batch, actor=ada, now=START, settings=settings.OVZ)
