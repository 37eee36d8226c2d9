"""Pages of how full things are: the fleet, and the numbers behind the graphs of a node or a container."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from migrations_app.capacity import accuracy, fitting, overview, resources
from migrations_app.capacity.overview import NodeRow
from migrations_app.capacity.resources import RESOURCES
from migrations_app.web import use
from migrations_app.web.access import PanelRequest, get_container, get_node, staff_page
from migrations_app.web.export import csv_response
from migrations_app.web.forms import FitForm

ROWS_PER_PAGE = 50
FORECASTS_SHOWN = timedelta(days=92)
SORTS = ("heat", "name", "cpu", "memory", "disk", "inodes", "network", "full")
COLUMNS = (*((resource.name, resource.title) for resource in RESOURCES), ("network", "Network"))
CSV_HEADER = ("node", "sampled_at", "cpu_share", "memory_share", "disk_share", "inodes_share", "network_share")


@require_safe
@staff_page
def fleet(request: PanelRequest) -> HttpResponse:
    view, sort = _choice(request)
    form = FitForm(request.GET) if any(name in request.GET for name in FitForm.base_fields) else FitForm()
    rows = _rows(view, promises=form.is_valid())
    page = Paginator(overview.ordered(rows, sort), ROWS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "view": view,
        "views": overview.VIEWS.items(),
        "sort": sort,
        "columns": COLUMNS,
        "query": _query(view, sort),
        "maps": _maps(rows) if page.paginator.num_pages > 1 else [],
        "silent": sum(row.is_silent for row in rows),
        "soon": [row for row in overview.ordered(rows, "full")[:5] if row.full],
        "hot": sum(row.heat >= 1 for row in rows),
        "form": form,
        "fits": fitting.fits(rows, form.size(), _limits()) if form.is_valid() else None,
        "replayed_until": max((row.replayed_until for row in rows if row.replayed_until), default=None),
    }
    return render(request, "migrations_app/capacity/fleet.html", context)


@require_safe
@staff_page
def fleet_csv(request: PanelRequest) -> StreamingHttpResponse:
    view, sort = _choice(request)
    rows = (
        (row.name, row.sampled_at and row.sampled_at.isoformat(), *(row.shares.get(name) for name, _ in COLUMNS))
        for row in overview.ordered(_rows(view), sort)
    )
    return csv_response("capacity", CSV_HEADER, rows)


@require_safe
@staff_page
def forecasts(request: PanelRequest) -> HttpResponse:
    told = accuracy.moves()
    since = timezone.now().date() - FORECASTS_SHOWN
    context = {
        "moves": told[:ROWS_PER_PAGE],
        "move_scores": [
            accuracy.score("Duration", [one.duration for one in told]),
            accuracy.score("Freeze", [one.freeze for one in told if one.freeze]),
        ],
        "dots": [(one.duration.forecast, one.duration.happened) for one in told],
        "fill_scores": accuracy.fill_scores(),
        "fills": [(resource, days) for resource in RESOURCES if (days := accuracy.fill_days(resource, since))],
    }
    return render(request, "migrations_app/capacity/forecasts.html", context)


@require_safe
@staff_page
def node_use(request: PanelRequest, node_id: int) -> HttpResponse:
    return render(request, "migrations_app/capacity/_use.html", {"use": use.of_node(request, get_node(node_id))})


@require_safe
@staff_page
def node_use_json(request: PanelRequest, node_id: int) -> JsonResponse:
    return JsonResponse(use.numbers(request, use.node_view(get_node(node_id))))


@require_safe
@staff_page
def node_use_csv(request: PanelRequest, node_id: int) -> StreamingHttpResponse:
    return use.table(request, use.node_view(get_node(node_id)))


@require_safe
@staff_page
def container_use(request: PanelRequest, container_id: int) -> HttpResponse:
    context = {"use": use.of_container(request, get_container(container_id))}
    return render(request, "migrations_app/capacity/_use.html", context)


@require_safe
@staff_page
def container_use_json(request: PanelRequest, container_id: int) -> JsonResponse:
    return JsonResponse(use.numbers(request, use.container_view(get_container(container_id))))


@require_safe
@staff_page
def container_use_csv(request: PanelRequest, container_id: int) -> StreamingHttpResponse:
    return use.table(request, use.container_view(get_container(container_id)))


def _choice(request: HttpRequest) -> tuple[str, str]:
    view, sort = request.GET.get("show", ""), request.GET.get("sort", "")
    return view if view in overview.VIEWS else "now", sort if sort in SORTS else "heat"


def _rows(view: str, *, promises: bool = False) -> list[NodeRow]:
    every_seconds = use.panel_settings()["sample_every_seconds"]
    return overview.fleet(view, limits=_limits(), now=timezone.now(), sample_seconds=every_seconds, promises=promises)


def _limits() -> Mapping[str, float]:
    return resources.limits(use.panel_settings())


def _maps(rows: Sequence[NodeRow]) -> list[tuple[str, list[float | None]]]:
    return [(title, [row.pressures.get(name) for row in rows]) for name, title in COLUMNS]


def _query(view: str, sort: str) -> str:
    return urlencode({"show": view, "sort": sort})
