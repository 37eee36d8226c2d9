"""Pages of what exists: nodes and containers."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from migrations_app.models import BatchItem, Container, Migration, Node, Preparation
from migrations_app.usecases.accept_preparation import PreparationRefused, accept_preparation
from migrations_app.usecases.add_node import NodeRefused, add_node
from migrations_app.usecases.pin_host_key import HostKeyMoved, pin_host_key
from migrations_app.usecases.request_scan import request_scan
from migrations_app.usecases.set_owner import set_owner
from migrations_app.usecases.show_install_command import NoPanelKey, install_command_for
from migrations_app.web import batch_shown, live, quiet_hours, runbook, use
from migrations_app.web.access import PanelRequest, get_container, get_node, get_preparation, staff_page
from migrations_app.web.export import csv_response
from migrations_app.web.forms import ContainerFilter, NodeForm, OwnerForm
from migrations_app.web.live import LivePart
from migrations_app.web.rule_forms import ContainerRulesForm, DutyForm, NodeRulesForm

ROWS_PER_PAGE = 50
SORT_COLUMNS = (
    ("hostname", "Container", ""),
    ("node", "Node", ""),
    ("status", "Status", ""),
    ("memory", "Memory", "numeric"),
    ("disk", "Disk", "numeric"),
)
CSV_HEADER = ("ctid", "hostname", "node", "status", "addresses", "owner", "memory_held_mib", "disk_used_mib", "seen_at")


@require_safe
@staff_page
def node_list(request: PanelRequest) -> HttpResponse:
    here = Count("containers", filter=Q(containers__gone_at=None))
    nodes = Node.objects.annotate(container_count=here).order_by("name")
    return render(request, "migrations_app/inventory/nodes.html", {"nodes": nodes})


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def node_add(request: PanelRequest) -> HttpResponse:
    form = NodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            node = add_node(**form.cleaned_data, actor=request.user, now=timezone.now())
        except NodeRefused as refusal:
            form.object_to(refusal.field, refusal.reason)
        else:
            return redirect("node", node.pk)
    return render(request, "migrations_app/inventory/node_add.html", {"form": form}, status=422 if form.errors else 200)


@require_safe
@staff_page
def node(request: PanelRequest, node_id: int) -> HttpResponse:
    return node_page(request, get_node(node_id))


def node_page(
    request: PanelRequest, shown: Node, *, duty_form: DutyForm | None = None, rules_form: NodeRulesForm | None = None
) -> HttpResponse:
    """Answer with the node's page; with a form that was refused, if there is one."""
    part = _node_part(shown, timezone.now())
    context = {
        "node": shown,
        "live": live.draw(request, part),
        "refresh": not part.ended and not (duty_form or rules_form),
        "duty_form": duty_form or DutyForm.of(shown),
        "rules_form": rules_form or NodeRulesForm.of(shown),
        "container_count": shown.containers.filter(gone_at=None).count(),
    }
    if shown.state == Node.State.READY:
        context["use"] = use.of_node(request, shown)
    status = 422 if duty_form or rules_form else 200
    return render(request, "migrations_app/inventory/node.html", context, status=status)


@require_safe
@staff_page
def node_live(request: PanelRequest, node_id: int) -> HttpResponse:
    return live.answer(request, _node_part(get_node(node_id), timezone.now()))


@require_POST
@staff_page
def node_pin(request: PanelRequest, node_id: int) -> HttpResponse:
    shown = get_node(node_id)
    try:
        pin_host_key(node=shown, shown_key=request.POST.get("shown_key", ""), actor=request.user, now=timezone.now())
    except HostKeyMoved as refusal:
        messages.error(request, str(refusal))
    return redirect("node", shown.pk)


@require_POST
@staff_page
def node_scan(request: PanelRequest, node_id: int) -> HttpResponse:
    shown = get_node(node_id)
    request_scan(node=shown, actor=request.user, now=timezone.now())
    messages.success(request, f"{shown} will be read within seconds.")
    return redirect("node", shown.pk)


@require_POST
@staff_page
def preparation_accept(request: PanelRequest, preparation_id: int) -> HttpResponse:
    preparation = get_preparation(preparation_id)
    try:
        accept_preparation(preparation=preparation, actor=request.user, now=timezone.now())
    except PreparationRefused as refusal:
        messages.error(request, str(refusal))
    return redirect("node", preparation.node_id)


@require_safe
@staff_page
def container_list(request: PanelRequest) -> HttpResponse:
    form = ContainerFilter(request.GET)
    page = Paginator(_chosen(form), ROWS_PER_PAGE).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "sort": form.sorted_by, "sort_columns": SORT_COLUMNS}
    context |= {"query": _query(form), "choice": _query(form, but="sort")}
    return render(request, "migrations_app/inventory/containers.html", context)


@require_safe
@staff_page
def container_csv(request: PanelRequest) -> StreamingHttpResponse:
    chosen = _chosen(ContainerFilter(request.GET))
    rows = (
        (
            row.ctid,
            row.hostname,
            row.node.name,
            row.status,
            " ".join(map(str, row.addresses)),
            row.owner and row.owner.name,
            row.memory_held_mib,
            row.disk_used_mib,
            row.seen_at.isoformat(),
        )
        for row in chosen
    )
    return csv_response("containers", CSV_HEADER, rows)


@require_safe
@staff_page
def container(request: PanelRequest, container_id: int) -> HttpResponse:
    return container_page(request, get_container(container_id))


def container_page(
    request: PanelRequest, shown: Container, *, rules_form: ContainerRulesForm | None = None
) -> HttpResponse:
    """Answer with the container's page; with the form that was refused, if there is one."""
    history = shown.migrations.select_related("source", "target").order_by("-created_at")
    context = {
        "container": shown,
        "history": history[:ROWS_PER_PAGE],
        "moves": _moves_of_batches(shown),
        "active": next((migration for migration in history if migration.is_active), None),
        "owner_form": OwnerForm(initial={"owner": shown.owner_id}),
        "rules_form": rules_form or ContainerRulesForm.of(shown),
        "missing_tags": _not_offered(shown.requires),
        "group_mates": _group_mates(shown),
        "use": use.of_container(request, shown),
        "quiet": quiet_hours.section(shown),
    }
    return render(request, "migrations_app/inventory/container.html", context, status=422 if rules_form else 200)


@require_POST
@staff_page
def container_owner(request: PanelRequest, container_id: int) -> HttpResponse:
    shown = get_container(container_id)
    form = OwnerForm(request.POST)
    if form.is_valid():
        owner = form.cleaned_data["owner"]
        set_owner(container=shown, customer=owner, actor=request.user, now=timezone.now())
        messages.success(request, f"{shown} belongs to {owner or 'nobody'} now.")
    else:
        messages.error(request, "No such customer.")
    return redirect("container", shown.pk)


def _moves_of_batches(container: Container) -> list[BatchItem]:
    """Return what is left to be done with it in batches that have not ended."""
    left = container.batch_items.filter(batch__state__in=batch_shown.UNENDED).exclude(state__in=BatchItem.ENDED_STATES)
    return list(left.select_related("batch", "target").order_by("batch", "position"))


def _not_offered(requires: list[str]) -> list[str]:
    """Return the required words that no node has among its tags: with one of these a container can go nowhere."""
    if not requires:
        return []
    offered = {tag for tags in Node.objects.values_list("tags", flat=True) for tag in tags}
    return sorted(set(requires) - offered)


def _group_mates(container: Container) -> list[Container]:
    if not container.apart_group:
        return []
    mates = Container.objects.filter(apart_group=container.apart_group, gone_at=None).exclude(pk=container.pk)
    return list(mates.select_related("node").order_by("hostname", "ctid")[:ROWS_PER_PAGE])


def _node_part(node: Node, now: datetime) -> LivePart:
    context = {
        "node": node,
        "install_command": _install_command(node),
        "runbook": runbook.find(node.fault) if node.fault else None,
        "preparations": node.preparations.exclude(state=Preparation.State.DONE).order_by("need"),
        "containers": _with_move(node.containers.filter(gone_at=None)).order_by("ctid"),
        "scan_is_due": _scan_is_due(node, now),
    }
    return LivePart(
        template="migrations_app/inventory/_node.html",
        context=context,
        url=reverse("node-live", args=[node.pk]),
        every_seconds=3,
        ended=not _is_settling(node, now),
        said=f"{node}: {node.get_state_display()}. {node.fault}",
    )


def _install_command(node: Node) -> str:
    """Return the line to run on the node; empty before its key is pinned, and until the panel has a key of its own."""
    if not node.host_key:
        return ""
    try:
        return install_command_for(node=node, settings=settings.OVZ)
    except NoPanelKey:
        return ""


def _is_settling(node: Node, now: datetime) -> bool:
    """Whether something is about to change here without a person's doing."""
    at_work = node.preparations.filter(state=Preparation.State.ACCEPTED).exists()
    return node.state != Node.State.READY or _scan_is_due(node, now) or at_work


def _scan_is_due(node: Node, now: datetime) -> bool:
    return node.next_scan_at is not None and node.next_scan_at <= now


def _chosen(form: ContainerFilter) -> QuerySet[Container]:
    return _with_move(form.choose(Container.objects.select_related("node", "owner")))


def _with_move(containers: QuerySet[Container]) -> QuerySet[Container]:
    """Add ``is_moving`` to each: whether a migration of it has not ended; ``is_planned``: it has not begun either."""
    active = Migration.objects.active().filter(container=OuterRef("pk"))
    return containers.annotate(
        is_moving=Exists(active), is_planned=Exists(active.filter(state=Migration.State.SCHEDULED))
    )


def _query(form: ContainerFilter, *, but: str = "") -> str:
    """Return the choice as a query, for the links to another order, another page, the file to take away."""
    given = {name: value for name, value in form.data.items() if value and name in form.fields}
    return urlencode({name: value for name, value in given.items() if name != but})
