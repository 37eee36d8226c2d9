"""Pages of segments and pools, and what the schedule page says about addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from migrations_app.addresses import chart, taken
from migrations_app.addresses.fill import Count, Fill
from migrations_app.addresses.reach import Outlook, outlook
from migrations_app.models import Container, Node, Pool, Segment
from migrations_app.usecases.add_pool import PoolRefused, add_pool
from migrations_app.usecases.add_segment import SegmentRefused, add_segment
from migrations_app.usecases.remove_pool import remove_pool
from migrations_app.usecases.remove_segment import remove_segment
from migrations_app.web.access import PanelRequest, get_pool, get_segment, staff_page
from migrations_app.web.addresses_forms import PoolForm, SegmentForm
from migrations_app.web.forms import ScheduleForm

SEGMENTS_PER_PAGE = 50


@dataclass(frozen=True, kw_only=True)
class PoolShown:
    pool: Pool
    fill: Fill


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def segments(request: PanelRequest) -> HttpResponse:
    form = SegmentForm(request.POST or None)
    if (added := _take_segment(request, form, None)) is not None:
        return redirect("segment", added.pk)
    rows = Segment.objects.prefetch_related("nodes", "pools__node").order_by("name")
    page = Paginator(rows, SEGMENTS_PER_PAGE).get_page(request.GET.get("page"))
    count = Count(taken.users())
    context = {"form": form, "page": page, "segments": [(row, _pools_of(row, count)) for row in page]}
    return render(request, "migrations_app/addresses/segments.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def segment(request: PanelRequest, segment_id: int) -> HttpResponse:
    shown = get_segment(segment_id)
    form = SegmentForm(request.POST) if request.method == "POST" else SegmentForm.of(shown)
    if _take_segment(request, form, shown) is not None:
        messages.success(request, "The segment is as you wrote it.")
        return redirect("segment", shown.pk)
    return _segment_page(request, shown, form, PoolForm(segment=shown))


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def pool_add(request: PanelRequest, segment_id: int) -> HttpResponse:
    shown = get_segment(segment_id)
    form = PoolForm(request.POST or None, segment=shown)
    if request.method == "POST" and form.is_valid():
        try:
            pool = add_pool(segment=shown, **form.cleaned_data, actor=request.user, now=timezone.now())
        except PoolRefused as refusal:
            form.object_to_all(refusal.objections)
        else:
            messages.success(request, f"The panel gives from {pool} now.")
            return redirect("segment", shown.pk)
    return _segment_page(request, shown, SegmentForm.of(shown), form)


@require_POST
@staff_page
def pool_remove(request: PanelRequest, pool_id: int) -> HttpResponse:
    pool = get_pool(pool_id)
    remove_pool(pool=pool, actor=request.user, now=timezone.now())
    messages.success(request, f"Nothing is given from {pool} any more.")
    return redirect("segment", pool.segment_id)


@require_POST
@staff_page
def segment_remove(request: PanelRequest, segment_id: int) -> HttpResponse:
    shown = get_segment(segment_id)
    remove_segment(segment=shown, actor=request.user, now=timezone.now())
    messages.success(request, f"Segment {shown} is removed, and its pools.")
    return redirect("segments")


def outlooks(container: Container, nodes: list[Node]) -> Mapping[int, Outlook]:
    """Return what would become of its addresses on each node; none where no segment is registered."""
    drawn = chart.read_chart()
    if not drawn.segments or not container.addresses:
        return {}
    users = taken.users()
    return {node.pk: outlook(drawn, container.addresses, container.node, node, users.keys()) for node in nodes}


def said_of(found: Mapping[int, Outlook]) -> Mapping[int, str]:
    """Return a few words for each node, to stand behind its name."""
    return {node_id: _words(one) for node_id, one in found.items()}


def propose_in(form: ScheduleForm, found: Mapping[int, Outlook]) -> None:
    """Where the address cannot be kept and none was given, write the next free ones into the form: one press more."""
    target, typed = form.cleaned_data.get("target"), form.data.get("new_addresses", "").strip()
    proposed = found.get(target.pk) if target else None
    if proposed is None or typed or proposed.keeping != "no" or not proposed.is_whole:
        return
    form.object_to("new_addresses", "The next free ones are filled in: press again to take them, or write others.")
    form.data = {**dict(form.data.items()), "new_addresses": " ".join(proposed.proposed)}


def _words(one: Outlook) -> str:
    if one.keeping == "unknown":
        return ""
    if one.keeping == "yes":
        return "; its address stays"
    return f"; new address {', '.join(one.proposed)}" if one.is_whole else "; new address, none free in a pool"


def _take_segment(request: PanelRequest, form: SegmentForm, shown: Segment | None) -> Segment | None:
    if request.method != "POST" or not form.is_valid():
        return None
    try:
        return add_segment(**form.cleaned_data, segment=shown, actor=request.user, now=timezone.now())
    except SegmentRefused as refusal:
        form.object_to_all(refusal.objections)
        return None


def _segment_page(request: PanelRequest, shown: Segment, form: SegmentForm, pool_form: PoolForm) -> HttpResponse:
    context = {
        "segment": shown,
        "form": form,
        "pool_form": pool_form,
        "pools": _pools_of(shown, Count(taken.users())),
    }
    status = 422 if form.errors or pool_form.errors else 200
    return render(request, "migrations_app/addresses/segment.html", context, status=status)


def _pools_of(row: Segment, count: Count) -> list[PoolShown]:
    rows = {pool.pk: pool for pool in row.pools.all()}
    return [PoolShown(pool=rows[shape.id], fill=count.fill_of(shape)) for shape in chart.shape_of(row).pools]
