"""Pages of batches: the list, one batch as it goes, and what a person may do to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from migrations_app.batches import summary
from migrations_app.models import Batch, BatchItem
from migrations_app.usecases.cancel_batch import BatchNotCancellable, cancel_batch
from migrations_app.usecases.pause_batch import BatchNotPausable, pause_batch
from migrations_app.usecases.put_back_item import NotPutBack, put_back_item
from migrations_app.usecases.replan_batch import NotReplannable, replan_batch
from migrations_app.usecases.resume_batch import BatchNotResumable, resume_batch
from migrations_app.usecases.set_terms import TermsRefused, set_terms
from migrations_app.usecases.skip_item import NotSkippable, skip_item
from migrations_app.usecases.start_batch import NotStartable, start_batch
from migrations_app.usecases.use_approval import ApprovalMissing
from migrations_app.web import approvals, batch_timeline, live, runbook
from migrations_app.web.access import PanelRequest, get_batch, get_batch_item, staff_page
from migrations_app.web.batch_forms import BatchTermsForm
from migrations_app.web.batch_shown import Offers, in_order, item_rows, rows, window_words
from migrations_app.web.export import csv_response
from migrations_app.web.forms import KIB_PER_MIB
from migrations_app.web.live import LivePart

ROWS_PER_PAGE, ITEMS_PER_PAGE, MOVING_SHOWN = 50, 100, 20
State, ItemState = Batch.State, BatchItem.State
CSV_HEADER = (
    *("number", "ctid", "hostname", "from", "to", "stop_on_the_way", "method", "canary", "state", "why"),
    *("begins", "ends", "seconds_forecast", "seconds", "freeze_seconds_forecast", "freeze_seconds"),
    *("after", "migration", "reason"),
)


@require_safe
@staff_page
def batch_list(request: PanelRequest) -> HttpResponse:
    page = Paginator(in_order(Batch.objects.all()), ROWS_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "migrations_app/batches/batches.html", {"page": page, "rows": rows(page)})


@require_safe
@staff_page
def batch(request: PanelRequest, batch_id: int) -> HttpResponse:
    shown = get_batch(batch_id)
    part = _batch_part(shown, request.GET.get("page"), timezone.now())
    context = {"batch": shown, "live": live.draw(request, part), "refresh": not part.ended}
    context["window"] = window_words(shown)
    return render(request, "migrations_app/batches/batch.html", context)


@require_safe
@staff_page
def batch_live(request: PanelRequest, batch_id: int, page: int) -> HttpResponse:
    return live.answer(request, _batch_part(get_batch(batch_id), page, timezone.now()))


@require_safe
@staff_page
def batch_csv(request: PanelRequest, batch_id: int) -> StreamingHttpResponse:
    shown = get_batch(batch_id)
    lines = (
        (
            row.number,
            row.item.container.ctid,
            row.item.container.hostname,
            row.item.source.name,
            row.item.target.name,
            row.item.parks,
            row.item.method,
            row.item.is_canary,
            row.item.state,
            row.item.why,
            row.begins and row.begins.isoformat(),
            row.ends and row.ends.isoformat(),
            row.item.seconds_forecast,
            row.seconds,
            row.item.freeze_seconds_forecast,
            row.freeze_seconds,
            row.after,
            row.item.migration_id,
            row.item.reason,
        )
        for row in item_rows(shown, _items(shown))
    )
    return csv_response(f"batch-{shown.pk}", CSV_HEADER, lines)


@require_POST
@staff_page
def start(request: PanelRequest, batch_id: int) -> HttpResponse:
    return _act(request, batch_id, start_batch, NotStartable)


@require_POST
@staff_page
def pause(request: PanelRequest, batch_id: int) -> HttpResponse:
    return _act(request, batch_id, pause_batch, BatchNotPausable)


@require_POST
@staff_page
def resume(request: PanelRequest, batch_id: int) -> HttpResponse:
    return _act(request, batch_id, resume_batch, BatchNotResumable)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def cancel(request: PanelRequest, batch_id: int) -> HttpResponse:
    """Say what is given up, and ask once more: what was cancelled does not come back by itself."""
    shown = get_batch(batch_id)
    if request.method == "POST":
        also_running = request.POST.get("also_running") == "on"
        return _act(request, batch_id, cancel_batch, BatchNotCancellable, also_running=also_running)
    counts = summary.of_batch(shown, timezone.now()).counts
    return render(request, "migrations_app/batches/cancel.html", {"batch": shown, "counts": counts})


@require_POST
@staff_page
def replan(request: PanelRequest, batch_id: int) -> HttpResponse:
    shown = get_batch(batch_id)
    try:
        proposal = replan_batch(batch=shown, actor=request.user, now=timezone.now(), settings=settings.OVZ)
    except NotReplannable as refusal:
        messages.error(request, str(refusal))
        return redirect("batch", shown.pk)
    return redirect("proposal", proposal.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def terms(request: PanelRequest, batch_id: int) -> HttpResponse:
    shown = get_batch(batch_id)
    form = BatchTermsForm(request.POST or None, initial=_terms_of(shown))
    if request.method == "POST" and form.is_valid():
        try:
            set_terms(batch=shown, terms=form.terms(), actor=request.user, now=timezone.now(), settings=settings.OVZ)
        except TermsRefused as refusal:
            form.object_to_all(refusal.objections)
        else:
            messages.success(request, "What has not begun goes by these terms from now on.")
            return redirect("batch", shown.pk)
    context = {"batch": shown, "form": form}
    return render(request, "migrations_app/batches/terms.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def item_skip(request: PanelRequest, item_id: int) -> HttpResponse:
    item = get_batch_item(item_id)
    if request.method == "POST":
        try:
            skip_item(item=item, reason=request.POST.get("reason", ""), actor=request.user, now=timezone.now())
        except NotSkippable as refusal:
            messages.error(request, str(refusal))
        return redirect("batch", item.batch_id)
    return render(request, "migrations_app/batches/skip.html", {"item": item, "batch": item.batch})


@require_POST
@staff_page
def item_put_back(request: PanelRequest, item_id: int) -> HttpResponse:
    item = get_batch_item(item_id)
    try:
        put_back_item(item=item, actor=request.user, now=timezone.now())
    except NotPutBack as refusal:
        messages.error(request, str(refusal))
    return redirect("batch", item.batch_id)


def _act(
    request: PanelRequest, batch_id: int, verb: Callable[..., None], refusal: type[Exception], **said: bool
) -> HttpResponse:
    shown = get_batch(batch_id)
    try:
        verb(batch=shown, actor=request.user, now=timezone.now(), settings=settings.OVZ, **said)
    except (refusal, ApprovalMissing) as reason:
        messages.error(request, str(reason))
    return redirect("batch", shown.pk)


def _batch_part(batch: Batch, page: int | str | None, now: datetime) -> LivePart:
    """Draw what is true to the minute, so that a poll finds nothing new while nothing is."""
    told = summary.of_batch(batch, now)
    items: Page[BatchItem] = Paginator(_items(batch), ITEMS_PER_PAGE).get_page(page)
    shown = item_rows(batch, items)
    context = {
        "batch": batch,
        "summary": told,
        "offers": Offers.of(batch, told),
        "agreed": approvals.of_batch(batch, now),
        "moving": _items(batch).filter(state=ItemState.MOVING)[:MOVING_SHOWN],
        "runbook": runbook.find(batch.failure) if batch.failure else None,
        "page": items,
        "rows": shown,
        "timeline": batch_timeline.of_rows(batch, shown, now.replace(second=0, microsecond=0)),
        "now": now,
    }
    return LivePart(
        template="migrations_app/batches/_batch.html",
        context=context,
        url=reverse("batch-live", args=[batch.pk, items.number]),
        every_seconds=10 if batch.state == State.DRAFT else 3,
        ended=batch.finished_at is not None,
        said=f"{batch.get_state_display()}. {told.ended} of {told.total} moves have ended.",
    )


def _items(batch: Batch) -> QuerySet[BatchItem]:
    return batch.items.select_related("container", "source", "target", "migration").order_by("position")


def _terms_of(batch: Batch) -> dict[str, object]:
    known = {name: getattr(batch, name) for name in BatchTermsForm.base_fields if hasattr(batch, name)}
    cap_kib = batch.bandwidth_limit_kib
    return known | {"bandwidth_limit_mib": -(-cap_kib // KIB_PER_MIB) if cap_kib else None}
