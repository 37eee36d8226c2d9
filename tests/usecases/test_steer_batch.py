"""What people may do with a batch: start, pause, resume, cancel, set its terms, skip, put back."""

from __future__ import annotations

from datetime import time, timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import settings

from migrations_app.models import AuditLine, Batch, Container, Migration, Notice
from migrations_app.usecases.cancel_batch import BatchNotCancellable, cancel_batch
from migrations_app.usecases.pause_batch import BatchNotPausable, pause_batch
from migrations_app.usecases.plan_batch import BatchTerms
from migrations_app.usecases.put_back_item import NotPutBack, put_back_item
from migrations_app.usecases.resume_batch import BatchNotResumable, resume_batch
from migrations_app.usecases.set_terms import TermsRefused, set_terms
from migrations_app.usecases.skip_item import NotSkippable, skip_item
from migrations_app.usecases.start_batch import NotStartable
from tests.batches.stage import Fleet, migration_of, states, whys
from tests.factories import make_customer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_person_is_enough")]

WIDE = BatchTerms(canaries=0, most_per_node=9, most_per_link=9, most_per_customer=9)


@pytest.fixture
def fleet(db: None) -> Fleet:
    return Fleet()


def do(verb: Any, fleet: Fleet, batch: Batch, **more: Any) -> None:
    verb(batch=batch, actor=fleet.actor, now=fleet.now, settings=settings.OVZ, **more)


def test_paused_nothing_begins_and_what_is_under_way_goes_on(fleet: Fleet) -> None:
    batch = fleet.begin(fleet.moves(3), most_at_once=1)
    fleet.tick(batch)
    do(pause_batch, fleet, batch)
    fleet.run_to_rest(batch)
    fleet.run_for(30)
    assert (batch.state, states(batch)) == (Batch.State.PAUSED, ["done", "waiting", "waiting"])
    do(resume_batch, fleet, batch)
    fleet.run()
    assert states(batch) == ["done", "done", "done"]


def test_cancelled_what_waits_is_given_up_and_told(fleet: Fleet) -> None:
    batch = fleet.begin(fleet.moves(3, owner=make_customer()), most_at_once=1)
    fleet.tick(batch)
    do(cancel_batch, fleet, batch)
    assert states(batch) == ["moving", "skipped", "skipped"]
    assert Notice.objects.filter(kind="failed").count() == 2
    fleet.run()
    batch.refresh_from_db()
    assert (batch.state, states(batch)) == (Batch.State.CANCELLED, ["done", "skipped", "skipped"])
    assert (batch.finished_at is not None, batch.next_tick_at) == (True, None)
    assert not Migration.objects.active().exists()


def test_cancelled_with_what_is_under_way(fleet: Fleet) -> None:
    batch = fleet.begin(fleet.moves(2), most_at_once=1)
    fleet.run(until=lambda: bool(fleet.order))
    do(cancel_batch, fleet, batch)
    do(cancel_batch, fleet, batch, also_running=True)
    assert migration_of(batch.items.all()[0].container).wish == Migration.Wish.CANCEL
    assert AuditLine.objects.filter(verb="cancel_batch").count() == 1


def test_one_that_runs_on_its_target_is_not_cancelled(fleet: Fleet) -> None:
    batch = fleet.begin(fleet.moves(1))
    fleet.run(until=lambda: bool(fleet.order))
    Migration.objects.update(point_of_no_return_at=fleet.now)
    do(cancel_batch, fleet, batch, also_running=True)
    fleet.run()
    assert states(batch) == ["done"]


def test_a_draft_may_be_cancelled(fleet: Fleet) -> None:
    batch = fleet.plan(fleet.moves(2))
    do(cancel_batch, fleet, batch)
    assert (batch.state, states(batch)) == (Batch.State.CANCELLED, ["skipped", "skipped"])
    assert batch.finished_at == fleet.now


@pytest.mark.parametrize(
    ("state", "refused"),
    [
        ("draft", [BatchNotPausable, BatchNotResumable]),
        ("running", [BatchNotResumable, NotStartable, TermsRefused]),
        ("paused", [BatchNotPausable, NotStartable]),
        ("stopped", [BatchNotPausable, NotStartable]),
        ("done", [BatchNotPausable, BatchNotResumable, NotStartable, BatchNotCancellable, TermsRefused]),
        ("cancelled", [BatchNotPausable, BatchNotResumable, NotStartable, TermsRefused]),
    ],
)
def test_each_state_refuses_what_makes_no_sense_in_it(fleet: Fleet, state: str, refused: list[type[Exception]]) -> None:
    batch = fleet.plan(fleet.moves(1))
    verbs: dict[type[Exception], Any] = {
        NotStartable: lambda: fleet.start(batch),
        BatchNotPausable: partial(do, pause_batch, fleet, batch),
        BatchNotResumable: partial(do, resume_batch, fleet, batch),
        BatchNotCancellable: partial(do, cancel_batch, fleet, batch),
        TermsRefused: partial(do, set_terms, fleet, batch, terms=WIDE),
    }
    for refusal, verb in verbs.items():
        Batch.objects.filter(pk=batch.pk).update(state=state)
        if refusal in refused:
            with pytest.raises(refusal, match=r"is (a )?[A-Za-z ]+"):
                verb()
        else:
            verb()


def test_a_batch_whose_deadline_has_passed_does_not_start(fleet: Fleet) -> None:
    batch = fleet.plan(fleet.moves(1), deadline=fleet.now + timedelta(hours=1))
    fleet.clock.advance(7200)
    with pytest.raises(NotStartable, match="set another one first"):
        fleet.start(batch)


def test_new_terms_hold_for_what_has_not_begun(fleet: Fleet) -> None:
    batch = fleet.begin(fleet.moves(3), most_at_once=1)
    fleet.tick(batch)
    do(pause_batch, fleet, batch)
    terms = BatchTerms(canaries=0, bandwidth_limit_kib=1024, opens_at=time(10, 15), closes_at=time(4), rehearse=False)
    do(set_terms, fleet, batch, terms=terms)
    items = list(batch.items.select_related("migration"))
    assert items[1].planned_from == fleet.now.replace(minute=15, second=0)
    assert items[1].seconds_forecast > items[0].seconds_forecast
    do(resume_batch, fleet, batch)
    fleet.run()
    capped = list(Migration.objects.order_by("pk").values_list("bandwidth_limit_kib", "rehearse"))
    assert capped == [(None, True), (1024, False), (1024, False)]


def test_terms_that_cannot_be_kept_change_nothing(fleet: Fleet) -> None:
    batch = fleet.plan(fleet.moves(1), most_at_once=3)
    with pytest.raises(TermsRefused) as refusal:
        do(set_terms, fleet, batch, terms=BatchTerms(most_at_once=0, opens_at=time(1)))
    assert [field for field, _ in refusal.value.objections] == ["closes_at", "most_at_once"]
    batch.refresh_from_db()
    assert batch.most_at_once == 3


def test_terms_of_a_draft_choose_its_canaries_anew(fleet: Fleet) -> None:
    batch = fleet.plan(fleet.moves(4), canaries=1)
    do(set_terms, fleet, batch, terms=BatchTerms(canaries=3))
    assert batch.items.filter(is_canary=True).count() == 3


def test_a_move_can_be_left_out_with_a_reason(fleet: Fleet) -> None:
    batch = fleet.begin(fleet.moves(2), most_at_once=1)
    item = batch.items.all()[1]
    skip_item(item=item, reason="customer asked", actor=fleet.actor, now=fleet.now)
    assert (item.state, item.why) == ("skipped", "A person skipped it: customer asked")
    assert migration_of(item.container).state == "cancelled"
    fleet.run()
    assert states(batch) == ["done", "skipped"]


def test_what_is_under_way_cannot_be_left_out(fleet: Fleet) -> None:
    batch = fleet.tick(fleet.begin(fleet.moves(1)))
    with pytest.raises(NotSkippable, match="on the page of its migration"):
        skip_item(item=batch.items.get(), reason="", actor=fleet.actor, now=fleet.now)


def test_what_was_skipped_can_be_put_back(fleet: Fleet) -> None:
    batch = fleet.begin(fleet.moves(2), most_at_once=1)
    item = batch.items.all()[1]
    skip_item(item=item, reason="", actor=fleet.actor, now=fleet.now)
    put_back_item(item=item, actor=fleet.actor, now=fleet.now)
    fleet.run()
    assert (states(batch), whys(batch)) == (["done", "done"], ["", ""])
    assert Migration.objects.filter(container=item.container).count() == 2


def test_what_failed_can_be_put_back_once_the_line_stands(fleet: Fleet) -> None:
    fleet.ends["101"] = {"state": "rolled_back", "failure": "RestoreFailed", "failure_detail": "no"}
    batch = fleet.run_to_rest(fleet.begin(fleet.moves(2), most_at_once=1))
    fleet.ends.clear()
    put_back_item(item=batch.items.all()[0], actor=fleet.actor, now=fleet.now)
    do(resume_batch, fleet, batch)
    fleet.run()
    assert states(batch) == ["done", "done"]


def test_what_cannot_be_made_any_more_is_not_put_back(fleet: Fleet) -> None:
    batch = fleet.begin(fleet.moves(3), most_at_once=1)
    first, second, third = batch.items.all()
    with pytest.raises(NotPutBack, match="only what was skipped or failed"):
        put_back_item(item=first, actor=fleet.actor, now=fleet.now)
    skip_item(item=second, reason="", actor=fleet.actor, now=fleet.now)
    Container.objects.filter(pk=second.container_id).update(node=fleet.rows["node-3"])
    with pytest.raises(NotPutBack, match="ask for a new plan"):
        put_back_item(item=second, actor=fleet.actor, now=fleet.now)
    Container.objects.filter(pk=second.container_id).update(gone_at=fleet.now)
    with pytest.raises(NotPutBack, match="was not seen"):
        put_back_item(item=second, actor=fleet.actor, now=fleet.now)
    do(cancel_batch, fleet, batch)
    with pytest.raises(NotPutBack, match="as another batch"):
        put_back_item(item=third, actor=fleet.actor, now=fleet.now)
