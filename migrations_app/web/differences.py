"""Pages of differences: ask for one, look at it, publish it, undo it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from migrations_app.models import Container, Publication
from migrations_app.usecases.lift_objections import lift_objections
from migrations_app.usecases.plan_names import plan_names
from migrations_app.usecases.plan_ttls import TtlsNotAsked, plan_ttls
from migrations_app.usecases.publish_names import publish_names
from migrations_app.usecases.undo_names import undo_names
from migrations_app.usecases.verify_names import verify_names
from migrations_app.web import live, runbook
from migrations_app.web.access import PanelRequest, get_container, get_publication, staff_page
from migrations_app.web.live import LivePart
from migrations_app.web.names_forms import AskForm
from migrations_app.zones import held, publications
from migrations_app.zones.held import HeldByMigration
from migrations_app.zones.names import without_dot
from migrations_app.zones.plan import Plan
from migrations_app.zones.publications import NotLiftable, NotPublishable, NotUndoable
from migrations_app.zones.swap import SwapRefused

Kind, State = Publication.Kind, Publication.State
REFUSALS = (HeldByMigration, NotLiftable, NotPublishable, NotUndoable, TtlsNotAsked, SwapRefused)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def ask(request: PanelRequest) -> HttpResponse:
    return _ask(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def ask_of_container(request: PanelRequest, container_id: int) -> HttpResponse:
    return _ask(request, get_container(container_id))


@require_safe
@staff_page
def difference(request: PanelRequest, publication_id: int) -> HttpResponse:
    shown = get_publication(publication_id)
    part = _part(shown, timezone.now())
    context = {
        "publication": shown,
        "live": live.draw(request, part),
        "refresh": not part.ended,
        "holder": held.holder_of(shown),
    }
    return render(request, "migrations_app/zones/difference.html", context)


@require_safe
@staff_page
def difference_live(request: PanelRequest, publication_id: int) -> HttpResponse:
    return live.answer(request, _part(get_publication(publication_id), timezone.now()))


@require_safe
@staff_page
def difference_text(request: PanelRequest, publication_id: int) -> HttpResponse:
    """Give the whole difference as plain text, to be mailed or kept."""
    shown = get_publication(publication_id)
    lines = [f"difference {shown}, {shown.get_state_display().lower()}", f"sha256 {shown.digest}"]
    lines += [f"objection: {text}" for _, text, _ in shown.objections]
    lines += publications.plan_of(shown).describe() if shown.plan else []
    headers = {"Content-Disposition": f'attachment; filename="difference-{shown}.txt"'}
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8", headers=headers)


@require_POST
@staff_page
def publish(request: PanelRequest, publication_id: int) -> HttpResponse:
    shown = get_publication(publication_id)
    digest, is_forced, now = request.POST.get("digest", ""), request.POST.get("force") == "yes", timezone.now()
    _try(
        request,
        lambda: publish_names(publication=shown, digest=digest, is_forced=is_forced, actor=request.user, now=now),
    )
    return redirect("difference", shown.pk)


@require_POST
@staff_page
def lift(request: PanelRequest, publication_id: int) -> HttpResponse:
    shown, digest, now = get_publication(publication_id), request.POST.get("digest", ""), timezone.now()
    _try(request, lambda: lift_objections(publication=shown, digest=digest, actor=request.user, now=now))
    return redirect("difference", shown.pk)


@require_POST
@staff_page
def undo(request: PanelRequest, publication_id: int) -> HttpResponse:
    shown = get_publication(publication_id)
    _try(request, lambda: undo_names(publication=shown, actor=request.user, now=timezone.now()))
    return redirect("difference", shown.pk)


@require_POST
@staff_page
def verify(request: PanelRequest, publication_id: int) -> HttpResponse:
    shown = get_publication(publication_id)
    verify_names(publication=shown, actor=request.user, now=timezone.now())
    return redirect("difference", shown.pk)


@require_POST
@staff_page
def lower(request: PanelRequest, publication_id: int) -> HttpResponse:
    return _ttls(request, publication_id, Kind.LOWER)


@require_POST
@staff_page
def restore(request: PanelRequest, publication_id: int) -> HttpResponse:
    return _ttls(request, publication_id, Kind.RESTORE)


@require_POST
@staff_page
def again(request: PanelRequest, publication_id: int) -> HttpResponse:
    """Put the same question once more, for a difference that is void or old."""
    old = get_publication(publication_id)
    made: list[Publication] = []
    _try(request, lambda: made.append(_asked_again(old, request, timezone.now())))
    return redirect("difference", made[0].pk if made else old.pk)


def _asked_again(old: Publication, request: PanelRequest, now: datetime) -> Publication:
    if old.kind != Kind.SWITCH and old.of is not None:
        return plan_ttls(of=old.of, kind=Kind(old.kind), actor=request.user, now=now)
    return plan_names(
        pairs=[(first, second) for first, second in old.pairs],
        names=old.names,
        ttl_seconds=old.ttl_seconds,
        container=old.container,
        actor=request.user,
        now=now,
    )


def _ttls(request: PanelRequest, publication_id: int, kind: Publication.Kind) -> HttpResponse:
    shown = get_publication(publication_id)
    made: list[Publication] = []
    now = timezone.now()
    _try(request, lambda: made.append(plan_ttls(of=shown, kind=kind, actor=request.user, now=now)))
    return redirect("difference", made[0].pk if made else shown.pk)


def _try(request: PanelRequest, act: Callable[[], object]) -> None:
    try:
        act()
    except REFUSALS as refusal:
        messages.error(request, str(refusal))


def _ask(request: PanelRequest, container: Container | None) -> HttpResponse:
    low = settings.OVZ["low_ttl_seconds"]
    blank = AskForm.of_container(container, ttl_seconds=low) if container else AskForm(initial={"ttl_seconds": low})
    form = AskForm(request.POST) if request.method == "POST" else blank
    if request.method == "POST" and form.is_valid():
        made = _asked(request, form, container)
        if made is not None:
            return redirect("difference", made.pk)
    context = {"form": form, "container": container}
    return render(request, "migrations_app/zones/ask.html", context, status=422 if form.errors else 200)


def _asked(request: PanelRequest, form: AskForm, container: Container | None) -> Publication | None:
    more = {name: form.cleaned_data[name] for name in ("names", "ttl_seconds")}
    try:
        return plan_names(pairs=form.pairs(), container=container, actor=request.user, now=timezone.now(), **more)
    except SwapRefused as refusal:
        form.object_to(refusal.field, refusal.reason)
        return None


def _part(shown: Publication, now: datetime) -> LivePart:
    plan = publications.plan_of(shown) if shown.plan else None
    context: dict[str, Any] = {
        "publication": shown,
        "plan": plan,
        "zones": _zones(shown, plan) if plan else [],
        "elsewhere": _elsewhere(shown, plan) if plan else [],
        "holder": held.holder_of(shown),
        "can_force": bool(shown.objections) and all(one[2] for one in shown.objections),
        "is_settled": shown.settled_at is not None and shown.settled_at <= now,
        "runbook": runbook.find(shown.failure) if shown.failure else None,
        "ttl_changes": shown.ttl_changes.order_by("pk"),
        "in_force": shown.state in Publication.IN_FORCE,
        "is_switch": shown.kind == Kind.SWITCH,
        "may_lower": bool(plan) and shown.ttl_seconds is not None and shown.state == State.READY,
    }
    return LivePart(
        template="migrations_app/zones/_difference.html",
        context=context,
        url=reverse("difference-live", args=[shown.pk]),
        ended=not shown.is_busy,
        said=f"The difference is {shown.get_state_display().lower()}.",
    )


def _zones(shown: Publication, plan: Plan) -> list[dict[str, Any]]:
    rows = {row.zone.origin: row for row in shown.zone_changes.select_related("zone")}
    return [
        {
            "name": without_dot(name),
            "changes": plan.in_zone(name),
            "server": plan.in_zone(name)[0].server,
            "is_guarded": plan.in_zone(name)[0].guarantee == "guarded",
            "row": rows.get(name),
        }
        for name in plan.zones
    ]


def _elsewhere(shown: Publication, plan: Plan) -> list[dict[str, Any]]:
    seen = [*shown.elsewhere_seen, *([None] * len(plan.elsewhere))]
    return [{"item": item, "seen": told} for item, told in zip(plan.elsewhere, seen, strict=False)]
