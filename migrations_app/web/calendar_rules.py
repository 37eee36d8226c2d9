"""Pages of the times in which nothing may begin."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from migrations_app.calendar_rules import touched
from migrations_app.models import FreezePeriod
from migrations_app.usecases.add_freeze_period import FreezePeriodRefused, add_freeze_period
from migrations_app.usecases.remove_freeze_period import remove_freeze_period
from migrations_app.web.access import PanelRequest, get_freeze_period, staff_page
from migrations_app.web.calendar_forms import FreezePeriodForm

ROWS_SHOWN = 200
PAST_SHOWN = timedelta(days=60)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def freeze_periods(request: PanelRequest) -> HttpResponse:
    now = timezone.now()
    form = FreezePeriodForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            period = add_freeze_period(**form.order(), actor=request.user, now=now)
        except FreezePeriodRefused as refusal:
            form.object_to_all(refusal.objections)
        else:
            messages.success(request, f"Nothing new begins in {period}.")
            return redirect("freeze-periods")
    context = {"form": form, "now": now} | _periods(now)
    template = "migrations_app/calendar_rules/freeze_periods.html"
    return render(request, template, context, status=422 if form.errors else 200)


@require_POST
@staff_page
def freeze_period_remove(request: PanelRequest, period_id: int) -> HttpResponse:
    period = get_freeze_period(period_id)
    remove_freeze_period(period=period, actor=request.user, now=timezone.now())
    messages.success(request, f"{period} is removed: what waited for its end may begin.")
    return redirect("freeze-periods")


def _periods(now: datetime) -> dict[str, object]:
    rows = FreezePeriod.objects.select_related("node", "customer", "created_by").order_by("starts_at", "pk")
    periods = list(rows.filter(ends_at__gt=now)[:ROWS_SHOWN])
    found = touched.by_period(periods, now)
    past = rows.filter(ends_at__lte=now, ends_at__gt=now - PAST_SHOWN).order_by("-ends_at")
    return {"periods": [(period, found[period.pk]) for period in periods], "past": past[:ROWS_SHOWN]}
