"""The trail as pages: who did what, when, why, and what was before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from migrations_app.audit import export
from migrations_app.models import AuditLine
from migrations_app.web.access import PanelRequest, staff_page
from migrations_app.web.export import csv_response
from migrations_app.web.forms import PanelForm

ROWS_PER_PAGE = 50
CSV_HEADER = ("number", "at", "who", "verb", "subject", "why", "before", "after", "more", "digest")
APART = ("reason", "before", "after")
EMPTY: tuple[Any, ...] = (None, "", [], {})  # says nothing; the export has it


class DayField(forms.DateField):
    widget = forms.DateInput(attrs={"type": "date"})

    def to_python(self, value: Any) -> date | None:
        day = super().to_python(value)
        if day is not None and not 2000 <= day.year <= 2999:
            raise forms.ValidationError("That year is out of range.")
        return day


class AuditFilter(PanelForm):
    """Which lines to show; nonsense shows them all."""

    PANEL = "panel"

    q = forms.CharField(required=False, max_length=100, label="Search")
    who = forms.ChoiceField(
        required=False, choices=lambda: [("", "anybody"), (AuditFilter.PANEL, "the panel"), *_staff()]
    )
    verb = forms.ChoiceField(required=False, choices=lambda: [("", "anything"), *_verbs()])
    since = DayField(required=False, label="From")
    until = DayField(required=False, label="To")

    def choose(self, lines: QuerySet[AuditLine]) -> QuerySet[AuditLine]:
        wanted = self.cleaned_data if self.is_valid() else {}
        if words := wanted.get("q"):
            with_text = lines.annotate(detail_text=Cast("detail", TextField()))
            lines = with_text.filter(Q(subject__icontains=words) | Q(detail_text__icontains=words))
        if who := wanted.get("who"):
            lines = lines.filter(actor=None) if who == self.PANEL else lines.filter(actor_id=int(who))
        if wanted.get("verb"):
            lines = lines.filter(verb=wanted["verb"])
        if wanted.get("since"):
            lines = lines.filter(at__gte=_midnight(wanted["since"]))
        if wanted.get("until"):
            lines = lines.filter(at__lt=_midnight(wanted["until"] + timedelta(days=1)))
        return lines

    @property
    def query(self) -> str:
        return urlencode({name: value for name, value in self.data.items() if value and name in self.fields})


@require_safe
@staff_page
def audit(request: PanelRequest) -> HttpResponse:
    form = AuditFilter(request.GET)
    page = Paginator(_chosen(form).order_by("-number"), ROWS_PER_PAGE).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "lines": [_shown(line) for line in page], "query": form.query}
    return render(request, "migrations_app/audit/audit.html", context)


@require_safe
@staff_page
def audit_csv(request: PanelRequest) -> StreamingHttpResponse:
    return csv_response("audit", CSV_HEADER, _csv_rows(_chosen(AuditFilter(request.GET))))


@require_safe
@staff_page
def audit_jsonl(request: PanelRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        export.json_lines(_chosen(AuditFilter(request.GET))),
        content_type="application/jsonl; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="audit.jsonl"', "X-Content-Type-Options": "nosniff"},
    )


def _chosen(form: AuditFilter) -> QuerySet[AuditLine]:
    return form.choose(AuditLine.objects.all())


def _staff() -> list[tuple[str, str]]:
    """Whoever may have done something here: staff, by name."""
    people = User.objects.filter(is_staff=True).order_by("username").values_list("pk", "username")
    return [(str(pk), name) for pk, name in people]


def _verbs() -> list[tuple[str, str]]:
    verbs = AuditLine.objects.order_by("verb").values_list("verb", flat=True).distinct()
    return [(verb, verb.replace("_", " ")) for verb in verbs]


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _shown(line: AuditLine) -> dict[str, Any]:
    """Return the line as the page shows it: why, before and after apart from the rest of its detail."""
    more = [
        (name.replace("_", " "), _words(value))
        for name, value in line.detail.items()
        if name not in APART and value not in EMPTY
    ]
    return {"line": line, "more": more} | {name: _words(line.detail.get(name)) for name in APART}


def _words(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _csv_rows(lines: QuerySet[AuditLine]) -> Iterator[tuple[object, ...]]:
    for line in lines.order_by("number").iterator(chunk_size=export.LINES_AT_ONCE):
        shown = _shown(line)
        more = "; ".join(f"{name}: {value}" for name, value in shown["more"])
        apart = [shown[name] for name in APART]
        yield (line.number, line.at.isoformat(), line.actor_name, line.verb, line.subject, *apart, more, line.digest)
