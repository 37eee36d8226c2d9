"""Every way around the second person that has been tried somewhere: refused, and written down."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.db import IntegrityError, transaction

from migrations_app.audit import chain
from migrations_app.models import Approval, AuditLine, Batch, BatchItem, Container, Migration
from migrations_app.usecases.ask_approval import NotAskable
from migrations_app.usecases.decide_approval import DecisionRefused
from migrations_app.usecases.expire_approval import expire_approval
from migrations_app.usecases.override_approval import OverrideRefused, override_approval
from migrations_app.usecases.pause_batch import pause_batch
from migrations_app.usecases.plan_batch import BatchTerms
from migrations_app.usecases.put_back_item import put_back_item
from migrations_app.usecases.resume_batch import resume_batch
from migrations_app.usecases.set_terms import set_terms
from migrations_app.usecases.skip_item import skip_item
from migrations_app.usecases.use_approval import ApprovalMissing
from tests.approvals.stage import HOUR, approve, ask, decide, make_batch, start
from tests.factories import make_node
from tests.fakes.clock import START

pytestmark = pytest.mark.django_db
State = Approval.State


@pytest.fixture
def batch(ada: User) -> Batch:
    return make_batch(ada)


def refused(approval: Approval, actor: User, decision: str = "approve", **more: Any) -> set[str]:
    """Return why, by the names of the objections; the attempt is in the trail, and nothing was decided."""
    before = approval.state
    with pytest.raises(DecisionRefused) as refusal:
        decide(approval, actor, decision, **more)
    line = AuditLine.objects.order_by("-number")[0]
    assert (line.verb, line.actor) == (f"refuse_{decision}", actor)
    assert line.detail["reason"]
    assert approval.decided_by is None or approval.state == before
    return {objection.id for objection in refusal.value.objections}


def nothing_begins(batch: Batch, actor: User, match: str, **more: Any) -> None:
    with pytest.raises(ApprovalMissing, match=match):
        start(batch, actor, **more)
    batch.refresh_from_db()
    assert batch.state == Batch.State.DRAFT
    assert not Migration.objects.exists()
    assert AuditLine.objects.order_by("-number")[0].verb == "refuse_start"
    assert chain.verify() is None


def make_approver(name: str, email: str) -> User:
    user = User.objects.create_user(name, email, is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="approve"))
    return user


def new_terms(batch: Batch, actor: User, **terms: Any) -> None:
    set_terms(batch=batch, terms=BatchTerms(**terms), actor=actor, now=START + HOUR, settings=settings.OVZ)


def test_without_any_approval_nothing_begins(batch: Batch, ada: User) -> None:
    nothing_begins(batch, ada, "needs the approval of a second person")


def test_what_was_only_asked_for_does_not_begin(batch: Batch, ada: User) -> None:
    ask(batch, ada)
    nothing_begins(batch, ada, "waits for approval")


def test_the_author_cannot_approve_although_somebody_else_asked(batch: Batch, ada: User, boris: User) -> None:
    ada.user_permissions.add(Permission.objects.get(codename="approve"))
    assert refused(ask(batch, boris), ada) == {"own"}


def test_who_asked_cannot_approve_although_somebody_else_planned(batch: Batch, boris: User) -> None:
    assert refused(ask(batch, boris), boris) == {"own"}


def test_who_changed_it_is_an_author_too(batch: Batch, ada: User, boris: User) -> None:
    new_terms(batch, boris, most_at_once=2)
    assert refused(ask(batch, ada, now=START + HOUR), boris) == {"own"}


def test_a_superuser_cannot_approve_what_is_their_own(boris: User) -> None:
    root = User.objects.create_superuser("root", "root@panel.example")
    assert refused(ask(make_batch(root), boris), root) == {"own"}


def test_the_database_itself_holds_no_approval_by_who_asked(batch: Batch, ada: User) -> None:
    approval = ask(batch, ada)
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.filter(pk=approval.pk).update(state="approved", decided_by=ada)


def test_it_cannot_be_approved_after_an_edit(batch: Batch, ada: User, boris: User) -> None:
    approval = ask(batch, ada)
    new_terms(batch, ada, most_at_once=9)
    assert {"state", "changed"} <= refused(approval, boris)
    assert approval.state == State.VOID


def test_an_edit_after_the_approval_voids_it(batch: Batch, ada: User, boris: User) -> None:
    approval = approve(batch, asked_by=ada, by=boris)
    new_terms(batch, ada, most_at_once=9)
    approval.refresh_from_db()
    assert (approval.state, approval.ended_because) == (State.VOID, "its terms were set anew")
    nothing_begins(batch, ada, "terms were set anew")


def test_an_edit_that_is_taken_back_does_not_bring_the_approval_back(batch: Batch, ada: User, boris: User) -> None:
    approve(batch, asked_by=ada, by=boris)
    new_terms(batch, ada, most_at_once=9)
    new_terms(batch, ada)
    nothing_begins(batch, ada, "void")


def test_a_move_left_out_or_put_back_voids_it(batch: Batch, ada: User, boris: User) -> None:
    item = batch.items.all()[0]
    for change in (
        lambda: skip_item(item=item, reason="", actor=ada, now=START),
        lambda: put_back_item(item=item, actor=ada, now=START),
    ):
        approval = approve(batch, asked_by=ada, by=boris)
        change()
        approval.refresh_from_db()
        assert approval.state == State.VOID


def test_it_counts_once(batch: Batch, ada: User, boris: User) -> None:
    approval = approve(batch, asked_by=ada, by=boris)
    start(batch, ada)
    approval.refresh_from_db()
    assert (approval.state, approval.used_at) == (State.USED, START + 2 * HOUR)
    line = AuditLine.objects.get(verb="start_batch")
    assert (line.detail["approval"], line.detail["approved_by"]) == (str(approval), "boris")
    # Even where somebody sets the batch back, what was used allows no second start of something else.
    Batch.objects.filter(pk=batch.pk).update(state="draft", name="Another")
    with pytest.raises(ApprovalMissing, match="used"):
        start(batch, ada)


def test_it_cannot_be_used_for_another_batch(batch: Batch, ada: User, boris: User) -> None:
    approval = approve(batch, asked_by=ada, by=boris)
    twin = make_batch(ada)
    Approval.objects.filter(pk=approval.pk).update(subject_id=twin.pk)
    nothing_begins(twin, ada, "void")
    nothing_begins(batch, ada, "needs the approval")


def test_a_retry_with_other_moves_needs_another(batch: Batch, ada: User, boris: User) -> None:
    approve(batch, asked_by=ada, by=boris)
    start(batch, ada)
    pause_batch(batch=batch, actor=ada, now=START + 3 * HOUR, settings=settings.OVZ)
    resume_batch(batch=batch, actor=ada, now=START + 3 * HOUR, settings=settings.OVZ)
    pause_batch(batch=batch, actor=ada, now=START + 3 * HOUR, settings=settings.OVZ)
    new_terms(batch, ada, freeze_budget_seconds=60.0)
    with pytest.raises(ApprovalMissing, match="new approval"):
        resume_batch(batch=batch, actor=ada, now=START + 3 * HOUR, settings=settings.OVZ)
    batch.refresh_from_db()
    assert batch.state == Batch.State.PAUSED
    assert AuditLine.objects.order_by("-number")[0].verb == "refuse_resume"
    approve(batch, asked_by=ada, by=boris)
    resume_batch(batch=batch, actor=ada, now=START + 3 * HOUR, settings=settings.OVZ)
    assert batch.state == Batch.State.RUNNING


@pytest.mark.parametrize("email", ["ada@panel.example", " ADA@Panel.Example ", "ada+two@panel.example"])
def test_two_accounts_of_one_person_are_one_person(batch: Batch, ada: User, email: str) -> None:
    assert refused(ask(batch, ada), make_approver("ada-too", email)) == {"same-person"}


def test_an_account_without_a_mailbox_is_nobodys_second_person(batch: Batch, ada: User) -> None:
    assert refused(ask(batch, ada), make_approver("nobody", "")) == {"no-mailbox"}


def test_staff_alone_may_not_approve(batch: Batch, ada: User, boris: User) -> None:
    other = User.objects.create_user("dora", "dora@panel.example", is_staff=True)
    assert refused(ask(batch, ada), other) == {"no-right"}


def test_a_right_lost_between_the_look_and_the_click_is_lost(batch: Batch, ada: User, boris: User) -> None:
    approval = ask(batch, ada)
    assert boris.has_perm("migrations_app.approve")  # and the account in hand goes on believing it
    User.objects.get(pk=boris.pk).user_permissions.clear()
    assert refused(approval, boris) == {"no-right"}


@pytest.mark.parametrize("loss", ["right", "account", "role"])
def test_a_right_lost_before_the_start_takes_the_approval_along(
    batch: Batch, ada: User, boris: User, loss: str
) -> None:
    approve(batch, asked_by=ada, by=boris)
    if loss == "right":
        boris.user_permissions.clear()
    else:
        User.objects.filter(pk=boris.pk).update(**{"account": {"is_active": False}, "role": {"is_staff": False}}[loss])
    nothing_begins(batch, ada, "lost the right")


def test_the_shell_needs_it_as_well(batch: Batch, ada: User) -> None:
    with pytest.raises(ApprovalMissing):
        start(batch, None)  # type: ignore[arg-type]


def test_a_row_changed_past_the_panel_is_found_out(batch: Batch, ada: User, boris: User) -> None:
    """Whoever writes straight into the table of moves: the digest is made of what stands there."""
    approve(batch, asked_by=ada, by=boris)
    BatchItem.objects.filter(batch=batch, position=1).update(target=make_node())
    nothing_begins(batch, ada, "changed since")


def test_content_changed_past_the_panel_is_found_out(batch: Batch, ada: User, boris: User) -> None:
    approval = ask(batch, ada)
    Approval.objects.filter(pk=approval.pk).update(content={"name": "harmless"})
    assert refused(approval, boris) == {"tampered"}


def test_a_digest_moved_along_is_found_out(batch: Batch, ada: User, boris: User) -> None:
    approval = approve(batch, asked_by=ada, by=boris)
    other = approve(make_batch(ada), asked_by=ada, by=boris)
    Approval.objects.filter(pk=approval.pk).update(digest=other.digest, content=other.content)
    nothing_begins(batch, ada, "changed since")


@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("column", ["target", "method", "after", "container"])
def test_one_changed_move_hides_in_no_batch(batch: Batch, ada: User, boris: User, which: int, column: str) -> None:
    approval = approve(batch, asked_by=ada, by=boris)
    item = batch.items.all()[which]
    if column == "container":
        Container.objects.filter(pk=item.container_id).update(ctid="99999")
    else:
        values = {"target": make_node(), "method": "dump", "after": [0, 1]}
        BatchItem.objects.filter(pk=item.pk).update(**{column: values[column]})
    nothing_begins(batch, ada, "changed since")
    approval.refresh_from_db()
    assert approval.state == State.VOID


def test_an_expired_request_cannot_be_approved(batch: Batch, ada: User, boris: User) -> None:
    approval = ask(batch, ada)
    assert "expired" in refused(approval, boris, now=approval.valid_until)
    assert approval.state == State.EXPIRED


def test_an_expired_approval_starts_nothing(batch: Batch, ada: User, boris: User) -> None:
    approval = approve(batch, asked_by=ada, by=boris)
    nothing_begins(batch, ada, "expired", now=approval.valid_until)
    approval.refresh_from_db()
    assert approval.state == State.EXPIRED


def test_a_clock_that_goes_back_revives_nothing(batch: Batch, ada: User, boris: User) -> None:
    approval = approve(batch, asked_by=ada, by=boris)
    expire_approval(approval_id=approval.pk, now=approval.valid_until + HOUR)
    nothing_begins(batch, ada, "expired", now=approval.valid_until - HOUR)


def test_a_clock_before_the_request_is_not_believed(batch: Batch, ada: User, boris: User) -> None:
    asked = ask(batch, ada)
    assert refused(asked, boris, now=START - HOUR) == {"clock"}
    decide(asked, boris, now=START + 2 * HOUR)
    nothing_begins(batch, ada, "clock", now=START + HOUR)


def test_a_decided_one_is_not_decided_again(batch: Batch, ada: User, boris: User) -> None:
    approval = approve(batch, asked_by=ada, by=boris)
    other = make_approver("dora", "dora@panel.example")
    assert "state" in refused(approval, other, "reject")
    assert (approval.state, approval.decided_by) == (State.APPROVED, boris)


def test_a_rejected_one_starts_nothing(batch: Batch, ada: User, boris: User) -> None:
    decide(ask(batch, ada), boris, "reject")
    nothing_begins(batch, ada, "rejected")


def test_drift_of_the_world_voids_it_and_is_shown(batch: Batch, ada: User, boris: User) -> None:
    approval = approve(batch, asked_by=ada, by=boris)
    item = batch.items.all()[0]
    Container.objects.filter(pk=item.container_id).update(hostname="renamed.example.net")
    nothing_begins(batch, ada, "changed since")
    approval.refresh_from_db()
    assert approval.state == State.VOID
    assert decide(ask(batch, ada, now=START + 2 * HOUR), boris, now=START + 2 * HOUR).state == State.APPROVED
    start(batch, ada)


def test_an_emergency_needs_a_right_of_its_own(batch: Batch, ada: User, boris: User) -> None:
    """The right to approve is none to act alone, nor is being staff."""
    for person in (ada, boris):
        with pytest.raises(OverrideRefused) as refusal:
            override_approval(approval=ask(batch, ada), reason="Fire.", actor=person, now=START, settings=settings.OVZ)
        assert {objection.id for objection in refusal.value.objections} == {"no-right"}
        assert AuditLine.objects.order_by("-number")[0].verb == "refuse_override"
    nothing_begins(batch, ada, "waits for approval")


def test_a_started_batch_is_not_asked_for(batch: Batch, ada: User, boris: User) -> None:
    approve(batch, asked_by=ada, by=boris)
    start(batch, ada)
    with pytest.raises(NotAskable):
        ask(batch, ada)


def test_it_is_valid_as_long_as_the_setting_says(batch: Batch, ada: User) -> None:
    assert ask(batch, ada).valid_until == START + timedelta(hours=settings.OVZ["approval_hours"])


def test_where_no_policy_asks_for_it_one_person_is_enough(batch: Batch, ada: User) -> None:
    start(batch, ada, approval_for=["addresses"])
    assert batch.state == Batch.State.RUNNING
