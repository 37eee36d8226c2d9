"""The use of one node or container over time: a section of its page, and the same numbers as JSON and CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone

from migrations_app.capacity import charts, outlook, resources, series, standing
from migrations_app.capacity.charts import RANGE_BY_NAME, RANGES, USUAL_RANGE, Chart, Range
from migrations_app.capacity.chunks import Kind, Subject
from migrations_app.capacity.forecast import Trend
from migrations_app.capacity.metrics import BY_NAME, STATISTICS
from migrations_app.capacity.series import Recent, Series
from migrations_app.models import Container, Node, Standing
from migrations_app.usecases.sample_nodes import MOST_BEATS
from migrations_app.web.export import csv_response

TABLE_ROWS, SKETCH_POINTS = 32, 300
# How far past the last sample a forecast is drawn, as a part of the time that is shown.
FORECAST_PART = 0.25
SHORTEST, LONGEST = timedelta(minutes=30), timedelta(days=800)
LONGEST_NAME = 253


@dataclass(frozen=True, kw_only=True)
class View:
    """Whose use is shown, with what its page needs to know of its node."""

    subject: Subject
    name: str
    recent: Recent
    replayed_until: datetime | None
    total: Mapping[str, float]
    urls: Mapping[str, str]

    @property
    def charts(self) -> Sequence[Chart]:
        return charts.OF[self.subject.kind]


def panel_settings() -> Mapping[str, Any]:
    return settings.OVZ


def node_view(node: Node) -> View:
    return _view(Subject(Kind.NODE, node.pk), node.name, node.pk, "node")


def container_view(container: Container, *, door: str = "container") -> View:
    return _view(Subject(Kind.CONTAINER, container.pk), str(container), container.node_id, door)


def _view(subject: Subject, name: str, node_id: int, door: str) -> View:
    row = Standing.objects.filter(pk=node_id).first() or Standing(node_id=node_id)
    names = {kind: f"{door}-use{suffix}" for kind, suffix in (("html", ""), ("json", "-json"), ("csv", "-csv"))}
    return View(
        subject=subject,
        name=name,
        recent=Recent(
            node_id=node_id,
            rolled_up_until=row.rolled_up_until,
            longest_seconds=float(MOST_BEATS * panel_settings()["sample_every_seconds"]),
        ),
        replayed_until=row.replayed_until,
        total=row.total if subject.kind == Kind.NODE else {},
        urls={kind: reverse(door_name, args=[subject.pk]) for kind, door_name in names.items()},
    )


def of_node(request: HttpRequest, node: Node) -> dict[str, Any]:
    return _section(request, node_view(node)) | {"page_url": reverse("node", args=[node.pk]), "may_compare": True}


def of_container(request: HttpRequest, container: Container, *, door: str = "container") -> dict[str, Any]:
    """Return the section for staff, or with its own door that for its owner, who compares it with nothing."""
    view = container_view(container, door=door)
    own: dict[str, Any] = {"page_url": reverse(door, args=[container.pk]), "may_compare": door == "container"}
    if door == "container":
        own["outlooks"] = outlook.of_container(view.subject, timezone.now())
    return _section(request, view) | own


def _section(request: HttpRequest, view: View) -> dict[str, Any]:
    chosen, now = chosen_range(request), timezone.now()
    found = series.read(view.subject, now - chosen.length, now, recent=view.recent)
    compared = request.GET.get("compare", "")[:LONGEST_NAME]
    return {
        "ranges": RANGES,
        "range": chosen,
        "urls": view.urls,
        "is_empty": found.is_empty(),
        "charts": drawings(view, found),
        "table": coarse_table(view.charts, found),
        "replayed_until": _shown_replay(view, found),
        "compare": compared,
        "compare_unknown": bool(compared) and _other(view, compared) is None,
        "zone": timezone.get_current_timezone_name(),
        "view": view,
    }


def chosen_range(request: HttpRequest) -> Range:
    return RANGE_BY_NAME.get(request.GET.get("range", ""), RANGE_BY_NAME[USUAL_RANGE])


def drawings(view: View, found: Series) -> list[dict[str, Any]]:
    """Return what the page shows of each chart before any script has run."""
    thin = found.thinned(SKETCH_POINTS)
    limits = resources.limits(panel_settings())
    return [
        {
            "chart": chart,
            "lines": [thin.columns[metric]["mean"] for metric in chart.metrics],
            "limit": thin.columns[chart.limit]["mean"] if chart.limit else (),
            "latest": [(BY_NAME[metric], _latest(found.columns[metric]["mean"])) for metric in chart.metrics],
            "reserve": _reserve(chart, view, limits),
        }
        for chart in view.charts
        if any(isfinite(number) for metric in chart.metrics for number in thin.columns[metric]["mean"])
    ]


def coarse_table(chosen: Sequence[Chart], found: Series) -> dict[str, Any]:
    """Return few enough rows to be listened to: each the mean and the highest of a longer time."""
    coarse = found.thinned(TABLE_ROWS)
    metrics = [BY_NAME[metric] for chart in chosen for metric in chart.metrics]
    rows = [
        (at, [(_known(coarse.columns[one.name]["mean"][number]), one.unit) for one in metrics])
        for number, at in enumerate(coarse.times())
    ]
    return {"metrics": metrics, "rows": rows, "step": coarse.step.total_seconds()}


def numbers(request: HttpRequest, view: View, *, may_compare: bool = True) -> dict[str, Any]:
    """Return everything that the script draws; the same range as the page, or the one that was zoomed into."""
    since, until = _bounds(request)
    found = series.read(view.subject, since, until, recent=view.recent)
    other = _other(view, request.GET.get("compare", "")[:LONGEST_NAME]) if may_compare else None
    compared = None if other is None else series.read(other.subject, since, until, recent=other.recent)
    trends = standing.daily_trends(view.subject, timezone.now()) if view.subject.kind == Kind.NODE else {}
    limits = resources.limits(panel_settings())
    return {
        "since": found.since.timestamp(),
        "step": found.step.total_seconds(),
        "length": found.length,
        "compared": other.name if other else "",
        "charts": [
            _chart(chart, found, compared)
            | {"reserve": _reserve(chart, view, limits), "forecast": _ahead(trends.get(chart.resource), since, until)}
            for chart in view.charts
        ],
    }


def _chart(chart: Chart, found: Series, compared: Series | None) -> dict[str, Any]:
    drawn = [
        {
            "label": BY_NAME[metric].title,
            **{name: _plain(found.columns[metric][name]) for name in ("mean", "min", "max")},
            "other": _plain(compared.columns[metric]["mean"]) if compared else None,
        }
        for metric in chart.metrics
    ]
    limit = _plain(found.columns[chart.limit]["mean"]) if chart.limit else None
    return {"name": chart.name, "title": chart.title, "unit": chart.unit, "series": drawn, "limit": limit}


def table(request: HttpRequest, view: View) -> StreamingHttpResponse:
    since, until = _bounds(request)
    found = series.read(view.subject, since, until, recent=view.recent)
    metrics = [BY_NAME[metric] for metric in found.columns]
    header = [f"{one.name} {name} [{one.unit}]" for one in metrics for name in STATISTICS]
    return csv_response("use", ["from", *header], _csv_rows(found))


def _csv_rows(found: Series) -> Iterator[list[object]]:
    columns = [found.columns[metric][name] for metric in found.columns for name in STATISTICS]
    for number, at in enumerate(found.times()):
        yield [at.isoformat(), *(_known(column[number]) for column in columns)]


def _bounds(request: HttpRequest) -> tuple[datetime, datetime]:
    """Return the time asked for; what cannot be read is as if it had not been asked."""
    now = timezone.now()
    try:
        since, until = (datetime.fromtimestamp(float(request.GET[name]), UTC) for name in ("since", "until"))
    except (KeyError, ValueError, OverflowError, OSError):
        return now - chosen_range(request).length, now
    if not SHORTEST <= until - since <= LONGEST or until > now + LONGEST or since < now - 2 * LONGEST:
        return now - chosen_range(request).length, now
    return since, min(until, max(now, since + SHORTEST))


def _other(view: View, name: str) -> View | None:
    """Return what it is to be compared with, by its name."""
    if not name.strip():
        return None
    name = name.strip()
    if view.subject.kind == Kind.NODE:
        node = Node.objects.filter(name=name).first()
        return node_view(node) if node else None
    here = Container.objects.filter(Q(hostname=name) | Q(ctid=name), gone_at=None).order_by("pk")
    container = here.first()
    return container_view(container) if container else None


def _reserve(chart: Chart, view: View, limits: Mapping[str, float]) -> float | None:
    """Return the line above which a node's reserve begins."""
    total = view.total.get(chart.resource)
    return round(total * limits[chart.resource], 2) if total else None


def _ahead(trend: Trend | None, since: datetime, until: datetime) -> list[list[float]] | None:
    """Return [when, amount, lowest, highest] for two moments: the band between them is straight."""
    if trend is None:
        return None
    days = (until - since) / timedelta(days=1) * FORECAST_PART
    ends = ((0.0, trend.at(0)), (days, trend.at(days)))
    return [[until.timestamp() + ahead * 86_400, *(round(one, 3) for one in amounts)] for ahead, amounts in ends]


def _shown_replay(view: View, found: Series) -> datetime | None:
    return view.replayed_until if view.replayed_until and view.replayed_until > found.since else None


def _latest(column: Sequence[float]) -> float | None:
    return next((number for number in reversed(column) if isfinite(number)), None)


def _plain(column: Sequence[float]) -> list[float | None]:
    return [round(number, 3) if isfinite(number) else None for number in column]


def _known(number: float) -> float | None:
    return round(number, 3) if isfinite(number) else None
