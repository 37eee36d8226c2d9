"""The first page after signing in: another one for each role."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from migrations_app.models import Batch, Migration, Node, Preparation
from migrations_app.web import batch_shown, customers, live
from migrations_app.web.access import PanelRequest, customer_of, signed_in, staff_page
from migrations_app.web.live import LivePart

ROWS_SHOWN = 10
State = Migration.State
Duty = Node.Duty


@require_safe
@signed_in
def home(request: PanelRequest) -> HttpResponse:
    if request.user.is_staff:
        part = _overview_part(timezone.now())
        return render(request, "migrations_app/home/overview.html", {"live": live.draw(request, part), "refresh": True})
    customer = customer_of(request.user)
    if customer is None:
        return render(request, "migrations_app/access/nothing_here.html")
    return customers.servers(request, customer)


@require_safe
@staff_page
def overview_live(request: PanelRequest) -> HttpResponse:
    return live.answer(request, _overview_part(timezone.now()))


def _overview_part(now: datetime) -> LivePart:
    migrations = Migration.objects.select_related("container", "source", "target")
    parked = migrations.filter(state=State.PARKED).order_by("created_at")
    batches = batch_shown.rows(batch_shown.in_order(Batch.objects.active()))
    stopped = [row for row in batches if row.batch.state == Batch.State.STOPPED]
    context = {
        "stopped_batches": stopped,
        "batches": [row for row in batches if row.batch.state != Batch.State.STOPPED],
        "running": migrations.filter(state__in=(State.RUNNING, State.PAUSED, State.ROLLING_BACK)).order_by(
            "started_at"
        ),
        "parked": parked,
        "planned": migrations.filter(state=State.SCHEDULED).order_by("not_before")[:ROWS_SHOWN],
        "ended": migrations.filter(state__in=Migration.ENDED_STATES).order_by("-finished_at")[:ROWS_SHOWN],
        "troubled_nodes": Node.objects.exclude(fault="").exclude(duty=Duty.MAINTENANCE).order_by("name"),
        "out_of_service": Node.objects.exclude(duty=Duty.IN_SERVICE).order_by("name"),
        "unfinished_nodes": Node.objects.filter(~Q(state=Node.State.READY), fault="").order_by("name"),
        "offered": Preparation.objects.filter(state__in=(Preparation.State.OFFERED, Preparation.State.FAILED))
        .select_related("node")
        .order_by("node__name", "need"),
        "retirable": migrations.filter(state=State.DONE, retired_at=None, retire_after__lte=now).order_by(
            "retire_after"
        ),
        "node_count": Node.objects.count(),
    }
    said = f"{len(parked)} migrations need a person; {len(stopped)} batches are stopped."
    return LivePart(
        template="migrations_app/home/_overview.html",
        context=context,
        url=reverse("overview-live"),
        every_seconds=5,
        said=said,
    )
