"""Pages that decide an alternative: edit it by hand, or accept it as a batch."""

from __future__ import annotations

import time

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from migrations_app.models import Alternative, Proposal
from migrations_app.usecases.accept_alternative import AlternativeStale, NotAcceptable, accept_alternative
from migrations_app.usecases.edit_alternative import EditRefused, edit_alternative
from migrations_app.usecases.plan_batch import BatchRefused
from migrations_app.web.access import PanelRequest, get_alternative, staff_page
from migrations_app.web.batch_forms import AcceptForm
from migrations_app.web.placement_draft import Draft


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def edit(request: PanelRequest, alternative_id: int) -> HttpResponse:
    """Check without a button where scripts run, with one where they do not; only saving keeps anything."""
    base = get_alternative(alternative_id)
    if not _is_editable(base):
        messages.error(request, f"{base} cannot be edited: it is not ready, or its proposal is decided.")
        return redirect("proposal", base.proposal_id)
    now = timezone.now()
    draft = Draft(base, request.POST, request.GET.get("page"), settings=settings.OVZ, now=now)
    if request.POST.get("do") == "save" and draft.is_understood:
        try:
            made = edit_alternative(
                proposal=base.proposal,
                plan=draft.plan,
                actor=request.user,
                now=now,
                clock=time.monotonic,
                settings=settings.OVZ,
            )
        except EditRefused as refusal:
            draft.object_to_all(refusal.objections)
        else:
            return redirect("alternative", made.pk)
    elif request.method == "POST":
        draft.check(time.monotonic)
    refused = request.POST.get("do") == "save" and draft.is_refused
    context = {"alternative": base, "draft": draft}
    return render(request, "migrations_app/placement/edit.html", context, status=422 if refused else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def accept(request: PanelRequest, alternative_id: int) -> HttpResponse:
    shown = get_alternative(alternative_id)
    form = AcceptForm(
        request.POST or None, initial={"name": _name(shown), "time_zone": str(timezone.get_current_timezone())}
    )
    stale: AlternativeStale | None = None
    if request.method == "POST" and form.is_valid():
        try:
            batch = accept_alternative(
                alternative=shown, actor=request.user, now=timezone.now(), settings=settings.OVZ, **form.named()
            )
        except NotAcceptable as refusal:
            form.object_to("", str(refusal))
        except BatchRefused as refusal:
            form.object_to_all(refusal.objections)
        except AlternativeStale as drift:
            stale = drift
        else:
            return redirect("batch", batch.pk)
    context = {"alternative": shown, "proposal": shown.proposal, "form": form, "stale": stale}
    refused = bool(form.errors or stale)
    return render(request, "migrations_app/placement/accept.html", context, status=422 if refused else 200)


def _is_editable(alternative: Alternative) -> bool:
    return alternative.state == Alternative.State.READY and alternative.proposal.state == Proposal.State.OPEN


def _name(alternative: Alternative) -> str:
    proposal = alternative.proposal
    nodes = ", ".join(node.name for node in proposal.nodes.order_by("name"))
    about = nodes or (str(proposal.container) if proposal.container else "")
    return f"{proposal.get_goal_display()}: {about}"[:120] if about else proposal.get_goal_display()
