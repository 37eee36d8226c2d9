"""Pages of name servers, keys and zones."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from migrations_app.models import NameServer, Publication, UpdateKey, Zone, ZoneContent
from migrations_app.usecases.forget_names import StillInUse, forget_names
from migrations_app.usecases.register_name_server import NameServerNotTaken, register_name_server
from migrations_app.usecases.register_update_key import UpdateKeyNotTaken, register_update_key
from migrations_app.usecases.register_zone import ZoneNotTaken, register_zone
from migrations_app.usecases.request_zone_reading import request_zone_reading
from migrations_app.web import runbook
from migrations_app.web.access import PanelRequest, get_name_server, get_update_key, get_zone, staff_page
from migrations_app.web.names_forms import NameServerForm, UpdateKeyForm, ZoneForm

ROWS_PER_PAGE = 50
RECORDS_PER_PAGE = 200
HOME = "names"


@require_safe
@staff_page
def names(request: PanelRequest) -> HttpResponse:
    zones = Zone.objects.select_related("primary", "key").prefetch_related("secondaries").order_by("name")
    context = {
        "page": Paginator(zones, ROWS_PER_PAGE).get_page(request.GET.get("page")),
        "servers": NameServer.objects.order_by("name"),
        "keys": UpdateKey.objects.order_by("name"),
        "differences": Publication.objects.select_related("container", "created_by", "of").order_by("-pk")[:20],
    }
    return render(request, "migrations_app/zones/names.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def server_add(request: PanelRequest) -> HttpResponse:
    form = NameServerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            register_name_server(**form.cleaned_data, actor=request.user, now=timezone.now())
        except NameServerNotTaken as refusal:
            form.object_to(refusal.field, refusal.reason)
        else:
            return redirect(HOME)
    return _form_page(request, form, "Add a name server", "Add")


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def key_add(request: PanelRequest) -> HttpResponse:
    form = UpdateKeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            register_update_key(**form.cleaned_data, actor=request.user, now=timezone.now(), settings=settings.OVZ)
        except UpdateKeyNotTaken as refusal:
            form.object_to(refusal.field, refusal.reason)
        else:
            return redirect(HOME)
    return _form_page(request, form, "Add an update key", "Seal and keep")


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def zone_add(request: PanelRequest) -> HttpResponse:
    form = ZoneForm(request.POST or None)
    done = _take_zone(request, form, None, timezone.now())
    return redirect("zone", done.pk) if done else _form_page(request, form, "Add a zone", "Add and read it")


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def zone_change(request: PanelRequest, zone_id: int) -> HttpResponse:
    shown = get_zone(zone_id)
    plain = {name: getattr(shown, name) for name in ("name", "provider", "primary", "key")}
    known = plain | {"secondaries": shown.secondaries.all(), "more_names": "\n".join(shown.more_names)}
    form = ZoneForm(request.POST or None, initial=known)
    done = _take_zone(request, form, shown, timezone.now())
    return redirect("zone", done.pk) if done else _form_page(request, form, f"Change {shown}", "Save and read it")


@require_safe
@staff_page
def zone(request: PanelRequest, zone_id: int) -> HttpResponse:
    shown = get_zone(zone_id)
    content = ZoneContent.objects.filter(zone=shown).first()
    rrsets = content.rrsets if content else []
    context = {
        "zone": shown,
        "page": Paginator(rrsets, RECORDS_PER_PAGE).get_page(request.GET.get("page")),
        "servers": [shown.primary, *shown.secondaries.order_by("name")],
        "is_due": shown.next_read_at is not None and shown.next_read_at <= timezone.now(),
        "runbook": runbook.find(shown.fault) if shown.fault else None,
        "changes": shown.changes.select_related("publication").order_by("-publication_id")[:10],
    }
    return render(request, "migrations_app/zones/zone.html", context)


@require_POST
@staff_page
def zone_read(request: PanelRequest, zone_id: int) -> HttpResponse:
    shown = get_zone(zone_id)
    request_zone_reading(zone=shown, actor=request.user, now=timezone.now())
    messages.success(request, f"{shown} will be read within seconds.")
    return redirect("zone", shown.pk)


@require_POST
@staff_page
def zone_forget(request: PanelRequest, zone_id: int) -> HttpResponse:
    return _forget(request, get_zone(zone_id))


@require_POST
@staff_page
def server_forget(request: PanelRequest, server_id: int) -> HttpResponse:
    return _forget(request, get_name_server(server_id))


@require_POST
@staff_page
def key_forget(request: PanelRequest, key_id: int) -> HttpResponse:
    return _forget(request, get_update_key(key_id))


def _forget(request: PanelRequest, row: Zone | NameServer | UpdateKey) -> HttpResponse:
    try:
        forget_names(row=row, actor=request.user, now=timezone.now())
    except StillInUse as refusal:
        messages.error(request, str(refusal))
    return redirect(HOME)


def _take_zone(request: PanelRequest, form: ZoneForm, shown: Zone | None, now: datetime) -> Zone | None:
    if request.method != "POST" or not form.is_valid():
        return None
    try:
        return register_zone(**form.cleaned_data, zone=shown, actor=request.user, now=now)
    except ZoneNotTaken as refusal:
        form.object_to(refusal.field, refusal.reason)
        return None


def _form_page(
    request: PanelRequest, form: NameServerForm | UpdateKeyForm | ZoneForm, title: str, button: str
) -> HttpResponse:
    context = {"form": form, "title": title, "button": button}
    return render(request, "migrations_app/zones/form.html", context, status=422 if form.errors else 200)
