"""Pages of approvals: what waits for me, what I decided, and the one page on which a yes is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from migrations_app.approvals import difference, people, rules
from migrations_app.approvals.subject import Subject
from migrations_app.models import Approval, Batch, Migration
from migrations_app.usecases.ask_approval import NotAskable, ask_approval
from migrations_app.usecases.decide_approval import Decision, DecisionRefused, decide_approval
from migrations_app.usecases.find_subject import ASKABLE, find_subject
from migrations_app.usecases.override_approval import OverrideRefused, override_approval
from migrations_app.usecases.read_standing import read_standing
from migrations_app.usecases.use_batch_approval import POLICY
from migrations_app.usecases.use_migration_approval import POLICY as ADDRESSES
from migrations_app.web.access import PanelRequest, get_approval, get_batch, get_migration, staff_page

ROWS_PER_PAGE = 50
OVERRIDES_SHOWN = 10
State = Approval.State


@dataclass(frozen=True, kw_only=True)
class Offers:
    """What a person may do to a request now; the use case has the last word."""

    decide: bool
    override: bool
    ask_anew: bool
    hindrances: list[str]  # why it cannot be approved by this person


@dataclass(frozen=True, kw_only=True)
class Agreed:
    """Whether a second person has agreed; drift of the world shows when it begins."""

    may_begin: bool
    may_ask: bool
    last: Approval | None  # None: none is needed, or nobody has asked yet


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One line of what is known of a request."""

    label: str
    text: str = ""
    at: datetime | None = None


@require_safe
@staff_page
def approval_list(request: PanelRequest) -> HttpResponse:
    now, user = timezone.now(), request.user
    rows = Approval.objects.select_related("asked_by", "decided_by")
    mine = _waiting_for(user, now)
    context = {
        "waiting": mine.select_related("asked_by").order_by("valid_until"),
        "others": rows.open().filter(valid_until__gt=now).exclude(pk__in=mine.values("pk")).order_by("asked_at"),
        "page": Paginator(rows.filter(decided_by=user).order_by("-decided_at"), ROWS_PER_PAGE).get_page(
            request.GET.get("page")
        ),
        "overridden": rows.filter(overridden=True).order_by("-decided_at")[:OVERRIDES_SHOWN],
        "may_approve": user.has_perm(people.APPROVE),
    }
    return render(request, "migrations_app/approvals/approvals.html", context)


@require_safe
@staff_page
def approval(request: PanelRequest, approval_id: int) -> HttpResponse:
    shown = get_approval(approval_id)
    subject = find_subject(kind=shown.subject_kind, subject_id=shown.subject_id)
    changes = difference.between(shown.content, subject.content) if subject and not _is_over(shown) else []
    context = {
        "approval": shown,
        "facts": [fact for fact in _facts(shown) if fact.text or fact.at],
        "parts": difference.parts_of(shown.content),
        "changes": changes[: difference.MOST_SHOWN],
        "change_count": len(changes),
        "has_expired": shown.state in Approval.OPEN_STATES and shown.valid_until <= timezone.now(),
        "offers": _offers(shown, request.user, subject, timezone.now()),
    }
    return render(request, "migrations_app/approvals/approval.html", context)


@require_POST
@staff_page
def approval_decide(request: PanelRequest, approval_id: int) -> HttpResponse:
    shown = get_approval(approval_id)
    decision = request.POST.get("decision", "")
    if decision not in ("approve", "reject"):
        messages.error(request, "Choose to approve or to reject.")
        return redirect("approval", shown.pk)
    comment = _typed(request, "comment")
    try:
        decide_approval(
            approval=shown,
            decision=cast(Decision, decision),
            comment=comment,
            actor=request.user,
            now=timezone.now(),
        )
    except DecisionRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{shown.title}: {shown.get_state_display().lower()}.")
    return redirect("approval", shown.pk)


@require_POST
@staff_page
def approval_override(request: PanelRequest, approval_id: int) -> HttpResponse:
    shown = get_approval(approval_id)
    reason = _typed(request, "reason")
    try:
        override_approval(approval=shown, reason=reason, actor=request.user, now=timezone.now(), settings=settings.OVZ)
    except OverrideRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.warning(request, "Approved by you alone. Everybody has been told.")
    return redirect("approval", shown.pk)


@require_POST
@staff_page
def batch_ask_approval(request: PanelRequest, batch_id: int) -> HttpResponse:
    subject = find_subject(kind=Approval.Kind.BATCH, subject_id=get_batch(batch_id).pk)
    return _ask(request, subject)


@require_POST
@staff_page
def migration_ask_approval(request: PanelRequest, migration_id: int) -> HttpResponse:
    subject = find_subject(kind=Approval.Kind.MIGRATION, subject_id=get_migration(migration_id).pk)
    return _ask(request, subject)


@require_POST
@staff_page
def approval_ask_anew(request: PanelRequest, approval_id: int) -> HttpResponse:
    """Ask for what stands there now of what that request was about."""
    old = get_approval(approval_id)
    return _ask(request, find_subject(kind=old.subject_kind, subject_id=old.subject_id))


def waiting_count(request: HttpRequest) -> int:
    """Return how many requests wait for whoever looks; for the navigation of every page, so nearly free."""
    user = request.user
    if not (isinstance(user, User) and user.is_staff):
        return 0
    waiting = Approval.objects.waiting(timezone.now()).exclude(asked_by=user).count()
    return waiting if waiting and user.has_perm(people.APPROVE) else 0


def of_batch(batch: Batch, now: datetime) -> Agreed:
    """Return what the page of a batch shows of its approval."""
    wanted: Sequence[str] = settings.OVZ["approval_for"]  # type: ignore[assignment]
    if POLICY not in wanted or batch.state not in ASKABLE:
        return Agreed(may_begin=True, may_ask=False, last=None)
    last = Approval.objects.of(Approval.Kind.BATCH, batch.pk).select_related("asked_by", "decided_by").last()
    if last is not None and last.state == State.USED:
        subject = find_subject(kind=Approval.Kind.BATCH, subject_id=batch.pk)
        same = subject is not None and subject.digest == last.digest
        return Agreed(may_begin=same, may_ask=not same, last=last)
    is_open = last is not None and last.state in Approval.OPEN_STATES and now < last.valid_until
    approved = last is not None and last.state == State.APPROVED
    return Agreed(may_begin=is_open and approved, may_ask=not is_open, last=last)


def of_migration(migration: Migration, now: datetime) -> Agreed:
    """Return what the page of a migration shows of its approval; it asks by itself where somebody scheduled it."""
    wanted: Sequence[str] = settings.OVZ["approval_for"]  # type: ignore[assignment]
    if ADDRESSES not in wanted or not migration.is_active:
        return Agreed(may_begin=True, may_ask=False, last=None)
    last = Approval.objects.of(Approval.Kind.MIGRATION, migration.pk).select_related("asked_by", "decided_by").last()
    if last is not None and last.state in Approval.OPEN_STATES and now < last.valid_until:
        return Agreed(may_begin=last.state == State.APPROVED, may_ask=False, last=last)
    subject = find_subject(kind=Approval.Kind.MIGRATION, subject_id=migration.pk)
    was_used = last is not None and last.state == State.USED and subject is not None and last.digest == subject.digest
    may_ask = subject is not None and not subject.closed_because and not was_used
    return Agreed(may_begin=was_used, may_ask=may_ask, last=last)


def _ask(request: PanelRequest, subject: Subject | None) -> HttpResponse:
    if subject is None:
        return redirect("approvals")
    reason = _typed(request, "reason")
    try:
        asked = ask_approval(
            subject=subject, actor=request.user, now=timezone.now(), settings=settings.OVZ, reason=reason
        )
    except NotAskable as refusal:
        messages.error(request, str(refusal))
        return redirect("approvals")
    return redirect("approval", asked.pk)


def _waiting_for(user: User, now: datetime) -> QuerySet[Approval]:
    if not user.has_perm(people.APPROVE):
        return Approval.objects.none()
    return Approval.objects.waiting(now).exclude(asked_by=user)


def _is_over(approval: Approval) -> bool:
    """Used or rejected: what became of its subject since is no difference to anybody."""
    return approval.state in (State.USED, State.REJECTED)


def _facts(shown: Approval) -> list[Fact]:
    return [
        Fact(label="Asked by", text=f"{shown.asked_by},", at=shown.asked_at),
        Fact(label="Valid until", at=shown.valid_until),
        Fact(label="Reason", text=shown.reason),
        Fact(label="Decided by", text=f"{shown.decided_by}," if shown.decided_at else "", at=shown.decided_at),
        Fact(label="Comment", text=shown.comment),
        Fact(label="Used", at=shown.used_at),
    ]


def _offers(approval: Approval, user: User, subject: Subject | None, now: datetime) -> Offers:
    person, standing = people.find(user.pk), read_standing(approval=approval)
    hindrances = [objection.reason for objection in rules.of_approving(approval, person, standing, now)]
    asked = approval.state == State.ASKED
    stale = approval.state in (State.VOID, State.EXPIRED, State.REJECTED) or (
        approval.state in Approval.OPEN_STATES and (standing.digest != approval.digest or now >= approval.valid_until)
    )
    return Offers(
        decide=asked and not hindrances,
        override=asked and not rules.of_overriding(approval, person, standing, "a reason", now),
        ask_anew=stale and subject is not None and not subject.closed_because,
        hindrances=hindrances if asked else [],
    )


def _typed(request: PanelRequest, name: str) -> str:
    """Return what was typed, on one line and without what no database takes."""
    text = request.POST.get(name, "")[:2000]
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:500]
