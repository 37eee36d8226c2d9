"""Pages of live moves: which node can move containers live to which, and why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from migrations_app.compatibility import causes, likeness, matrix, nights, turns
from migrations_app.compatibility.likeness import NodeClass
from migrations_app.compatibility.matrix import Matrix, Told
from migrations_app.models import Node, PairCheck
from migrations_app.usecases.plan_checks import plan_checks_now
from migrations_app.usecases.request_check import CheckRefused, request_check
from migrations_app.web import live, runbook
from migrations_app.web.access import PanelRequest, get_node, staff_page
from migrations_app.web.export import csv_response
from migrations_app.web.live import LivePart
from migrations_app.web.use import panel_settings

# More nodes than this are shown by classes: nobody reads a wider table.
MOST_NODES = 24
MOST_CLASSES_SHOWN = 24
PAST_CHECKS, NEWEST_CHECKS = 10, 10
LONGEST_HINT = 90
CSV_HEADER = ("from", "to", "live", "by", "pairs_checked", "checked_at", "because")
SAID = {"possible": "; last check: live is possible", "impossible": "; last check: not possible live because "}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One pair of the table; without ``told`` it is a node and itself."""

    target: str
    told: Told | None
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Line:
    name: str
    cells: Sequence[Cell]


@require_safe
@staff_page
def pairs(request: PanelRequest) -> HttpResponse:
    known = matrix.read()
    view = _view(request.GET, known)
    part = _pairs_part(known, view)
    context = {
        "live": live.draw(request, part),
        "view": view,
        "refresh": not part.ended,
        "next_night": nights.next_one(timezone.now(), panel_settings()["compatibility_hour"]),
        "per_night": panel_settings()["compatibility_per_night"],
    }
    return render(request, "migrations_app/compatibility/matrix.html", context)


@require_safe
@staff_page
def pairs_live(request: PanelRequest) -> HttpResponse:
    known = matrix.read()
    return live.answer(request, _pairs_part(known, _view(_query_of_page(request), known)))


@require_safe
@staff_page
def pairs_csv(request: PanelRequest) -> StreamingHttpResponse:
    known = matrix.read()
    return csv_response("live-moves", CSV_HEADER, _rows(_lines(known, _view(request.GET, known), whole=True)))


@require_safe
@staff_page
def pair(request: PanelRequest, source_id: int, target_id: int) -> HttpResponse:
    source, target = get_node(source_id), get_node(target_id)
    part = _pair_part(source, target)
    context = {"source": source, "target": target, "live": live.draw(request, part), "refresh": not part.ended}
    return render(request, "migrations_app/compatibility/pair.html", context)


@require_safe
@staff_page
def pair_live(request: PanelRequest, source_id: int, target_id: int) -> HttpResponse:
    return live.answer(request, _pair_part(get_node(source_id), get_node(target_id)))


@require_POST
@staff_page
def check(request: PanelRequest, source_id: int, target_id: int) -> HttpResponse:
    source, target = get_node(source_id), get_node(target_id)
    try:
        request_check(source=source, target=target, actor=request.user, now=timezone.now())
    except CheckRefused as refusal:
        messages.error(request, str(refusal))
    return redirect("compatibility-pair", source.pk, target.pk)


@require_POST
@staff_page
def check_all(request: PanelRequest) -> HttpResponse:
    count = plan_checks_now(actor=request.user, now=timezone.now(), settings=panel_settings())
    said = f"{count} pairs wait for their check now." if count else "Nothing to check: all pairs wait already, or none."
    messages.success(request, said)
    return redirect("compatibility")


def said_of_targets(source_id: int) -> Mapping[int, str]:
    """Return what to say of live moves beside each target of this node, where anything is known."""
    known = matrix.read()
    told = {node.pk: known.of_pair(source_id, node.pk) for node in known.nodes if node.pk != source_id}
    return {pk: _hint(one) for pk, one in told.items() if one.word in SAID}


def _hint(told: Told) -> str:
    because = told.summary.rstrip(".") if told.word == "impossible" else ""
    return SAID[told.word] + (because if len(because) <= LONGEST_HINT else because[: LONGEST_HINT - 3] + "...")


def _query_of_page(request: PanelRequest) -> QueryDict:
    """Return the query of the page that a poll is for; empty where the browser's word is no address."""
    try:
        return QueryDict(urlsplit(request.htmx.current_url or "").query)
    except ValueError:
        return QueryDict()


def _view(query: QueryDict, known: Matrix) -> str:
    """Return how to show the fleet: by nodes where they are few, unless asked otherwise."""
    wanted = query.get("by", "nodes")
    return "nodes" if wanted == "nodes" and len(known.nodes) <= MOST_NODES else "classes"


def _pairs_part(known: Matrix, view: str) -> LivePart:
    unended = PairCheck.objects.exclude(state=PairCheck.State.ENDED)
    waiting = unended.filter(state=PairCheck.State.WAITING).count()
    under_way = list(unended.filter(state__in=PairCheck.OPEN_STATES).select_related("source", "target")[:20])
    newest = PairCheck.objects.ended().select_related("source", "target").order_by("-ended_at")[:NEWEST_CHECKS]
    context = {
        "matrix": known,
        "view": view,
        "can_choose": len(known.nodes) <= MOST_NODES,
        "lines": _lines(known, view),
        "classes": known.classes[:MOST_CLASSES_SHOWN],
        "left_out": max(len(known.classes) - MOST_CLASSES_SHOWN, 0),
        "waiting": waiting,
        "under_way": under_way,
        "newest": newest,
    }
    return LivePart(
        template="migrations_app/compatibility/_matrix.html",
        context=context,
        url=reverse("compatibility-live"),
        every_seconds=5,
        ended=not waiting and not under_way,
        said=f"{len(under_way)} checks under way, {waiting} waiting.",
    )


def _lines(known: Matrix, view: str, *, whole: bool = False) -> list[Line]:
    if view == "nodes":
        nodes = known.nodes
        return [Line(name=one.name, cells=[_node_cell(known, one, other) for other in nodes]) for one in nodes]
    classes = known.classes if whole else known.classes[:MOST_CLASSES_SHOWN]
    return [Line(name=one.name, cells=[_class_cell(known, one, other) for other in classes]) for one in classes]


def _node_cell(known: Matrix, source: Node, target: Node) -> Cell:
    if source.pk == target.pk:
        return Cell(target=target.name, told=None)
    url = reverse("compatibility-pair", args=[source.pk, target.pk])
    return Cell(target=target.name, told=known.of_pair(source.pk, target.pk), url=url)


def _class_cell(known: Matrix, here: NodeClass, there: NodeClass) -> Cell:
    if here is there and len(here.nodes) == 1:
        return Cell(target=there.name, told=None)
    told = known.of_classes.get((here.name, there.name), matrix.NOTHING)
    ends = told.pair or (here.nodes[0].pk, there.nodes[-1].pk)
    return Cell(target=there.name, told=told, url=reverse("compatibility-pair", args=ends))


def _rows(lines: Sequence[Line]) -> Iterator[Sequence[object]]:
    for line in lines:
        for cell in line.cells:
            if (told := cell.told) is not None:
                by = "its classes" if told.by_class else "own check"
                at = told.at and told.at.isoformat()
                yield (line.name, cell.target, told.word, by if at else "", told.checked, at, told.summary)


def _pair_part(source: Node, target: Node) -> LivePart:
    now = timezone.now()
    here = PairCheck.objects.filter(source=source, target=target).select_related("asked_by", "container")
    past = list(here.ended().order_by("-ended_at")[:PAST_CHECKS])
    under_way = here.exclude(state=PairCheck.State.ENDED).first()
    newest = past[0] if past else None
    found = causes.in_order(causes.read(newest.causes)) if newest else []
    context = {
        "source": source,
        "target": target,
        "newest": newest,
        "is_outdated": newest is not None and not _still_like(newest, source, target),
        "age_seconds": _age_seconds(newest, now),
        "told": matrix.read().of_pair(source.pk, target.pk),
        "found": [(cause, runbook.find(cause.id)) for cause in found],
        "past": past,
        "under_way": under_way,
        "must_wait": under_way is not None and _must_wait(under_way, now),
    }
    return LivePart(
        template="migrations_app/compatibility/_pair.html",
        context=context,
        url=reverse("compatibility-pair-live", args=[source.pk, target.pk]),
        ended=under_way is None,
        said=_said(under_way, newest),
    )


def _said(under_way: PairCheck | None, newest: PairCheck | None) -> str:
    if under_way is not None:
        return under_way.get_state_display()
    return newest.get_verdict_display() if newest else "Never checked"


def _still_like(check: PairCheck, source: Node, target: Node) -> bool:
    return (check.source_likeness, check.target_likeness) == (likeness.of(source), likeness.of(target))


def _age_seconds(newest: PairCheck | None, now: datetime) -> int | None:
    """Return whole minutes, as seconds: a page that keeps itself fresh is still for so long."""
    if newest is None or newest.ended_at is None:
        return None
    return int((now - newest.ended_at).total_seconds() // 60) * 60


def _must_wait(check: PairCheck, now: datetime) -> bool:
    return check.state == PairCheck.State.WAITING and bool(
        {check.source_id, check.target_id} & turns.nodes_at_work(now)
    )
