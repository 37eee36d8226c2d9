"""Pages of proposals: which container should be on which node, in several ways to choose from."""

from __future__ import annotations

import json

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from migrations_app.capacity import fleet_file as fleet_files
from migrations_app.models import Alternative, Proposal
from migrations_app.usecases.discard_proposal import NotDiscardable, discard_proposal
from migrations_app.usecases.request_proposal import ProposalRefused, request_proposal
from migrations_app.web import live
from migrations_app.web.access import PanelRequest, get_alternative, get_proposal, staff_page
from migrations_app.web.live import LivePart
from migrations_app.web.placement_forms import ProposalForm
from migrations_app.web.placement_shown import ShownAlternative, columns_of

ROWS_PER_PAGE = 50


@require_safe
@staff_page
def proposal_list(request: PanelRequest) -> HttpResponse:
    wanted = Proposal.objects.select_related("container", "created_by").prefetch_related("nodes").order_by("-pk")
    page = Paginator(wanted, ROWS_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "migrations_app/placement/proposals.html", {"page": page})


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def proposal_new(request: PanelRequest) -> HttpResponse:
    form = ProposalForm(request.POST or None, initial=ProposalForm.wished(request.GET))
    if request.method == "POST" and form.is_valid():
        try:
            made = request_proposal(**form.wish(), actor=request.user, now=timezone.now(), settings=settings.OVZ)
        except ProposalRefused as refusal:
            for field, reason in refusal.objections:
                form.object_to(field, reason)
        else:
            return redirect("proposal", made.pk)
    context = {"form": form}
    return render(request, "migrations_app/placement/proposal_new.html", context, status=422 if form.errors else 200)


@require_safe
@staff_page
def proposal(request: PanelRequest, proposal_id: int) -> HttpResponse:
    return _page(request, get_proposal(proposal_id), None)


@require_safe
@staff_page
def alternative(request: PanelRequest, alternative_id: int) -> HttpResponse:
    shown = get_alternative(alternative_id)
    return _page(request, shown.proposal, shown)


@require_safe
@staff_page
def proposal_live(request: PanelRequest, proposal_id: int) -> HttpResponse:
    return live.answer(request, _part(request, get_proposal(proposal_id), None))


@require_safe
@staff_page
def alternative_live(request: PanelRequest, alternative_id: int) -> HttpResponse:
    shown = get_alternative(alternative_id)
    return live.answer(request, _part(request, shown.proposal, shown))


@require_POST
@staff_page
def discard(request: PanelRequest, proposal_id: int) -> HttpResponse:
    shown = get_proposal(proposal_id)
    try:
        discard_proposal(proposal=shown, actor=request.user, now=timezone.now())
    except NotDiscardable as refusal:
        messages.error(request, str(refusal))
    return redirect("proposal", shown.pk)


@require_POST
@staff_page
def again(request: PanelRequest, proposal_id: int) -> HttpResponse:
    """Ask for the same once more: the fleet is another one by now."""
    shown = get_proposal(proposal_id)
    try:
        made = request_proposal(
            goal=shown.goal,
            nodes=list(shown.nodes.all()),
            container=shown.container,
            level=shown.level,
            survives_a_loss=shown.survives_a_loss,
            actor=request.user,
            now=timezone.now(),
            settings=settings.OVZ,
        )
    except ProposalRefused as refusal:
        messages.error(request, str(refusal))
        return redirect("proposal", shown.pk)
    return redirect("proposal", made.pk)


@require_safe
@staff_page
def fleet_file(request: PanelRequest) -> HttpResponse:
    told = fleet_files.told(settings=settings.OVZ, now=timezone.now())
    headers = {"Content-Disposition": 'attachment; filename="fleet.json"'}
    return HttpResponse(json.dumps(told, separators=(",", ":")), content_type="application/json", headers=headers)


def _page(request: PanelRequest, shown: Proposal, chosen: Alternative | None) -> HttpResponse:
    part = _part(request, shown, chosen)
    context = {"proposal": shown, "live": live.draw(request, part), "refresh": not part.ended}
    return render(request, "migrations_app/placement/proposal.html", context)


def _part(request: PanelRequest, proposal: Proposal, chosen: Alternative | None) -> LivePart:
    alternatives = list(proposal.alternatives.order_by("pk"))
    ready = [one for one in alternatives if one.state == Alternative.State.READY]
    asked = next((one for one in ready if chosen and one.pk == chosen.pk), None)
    shown = asked or next(iter(ready), None)
    waiting = sum(one.state == Alternative.State.WAITING for one in alternatives)
    context = {
        "proposal": proposal,
        "columns": columns_of(alternatives),
        "shown": ShownAlternative(shown, request.GET.get("page")) if shown else None,
        "is_open": proposal.state == Proposal.State.OPEN,
        "batches": [batch for one in alternatives for batch in one.batches.all()],
    }
    url = reverse("alternative-live", args=[chosen.pk]) if chosen else reverse("proposal-live", args=[proposal.pk])
    return LivePart(
        template="migrations_app/placement/_proposal.html",
        context=context,
        url=url,
        ended=not waiting,
        said=f"{len(ready)} of {len(alternatives)} alternatives are ready.",
    )
