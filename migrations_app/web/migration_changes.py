"""What a migration changes beside the place: addresses, names, lines inside; and which of the lines a person wants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from migrations_app.approvals import difference
from migrations_app.models import Approval, Mention, Migration, Publication
from migrations_app.usecases.choose_lines import LinesNotChosen, choose_lines
from migrations_app.usecases.find_subject import find_subject
from migrations_app.web import approvals
from migrations_app.web.access import PanelRequest, get_migration, staff_page
from migrations_app.web.approvals import Agreed

# A form has at most a thousand fields; lines beyond these stay as they were chosen.
MOST_LINES_SHOWN = 500


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What the page of a migration shows of it."""

    pairs: list[tuple[str, str]]
    difference: Publication | None
    callers_are_hidden: bool
    lines_found: int
    lines_chosen: int
    agreed: Agreed

    @classmethod
    def of(cls, migration: Migration, now: datetime) -> Changes | None:
        """Return None where it changes neither address nor name."""
        if not migration.needs_approval:
            return None
        rows = migration.publications.filter(kind=Publication.Kind.SWITCH)
        forward = migration.steps.filter(name="choose_forward").order_by("position").last()
        return cls(
            pairs=list(zip(migration.old_addresses, migration.new_addresses, strict=False)),
            difference=rows.order_by("pk").last(),
            callers_are_hidden=forward is not None and forward.evidence.get("kind") == "nat",
            lines_found=migration.mentions.count(),
            lines_chosen=migration.mentions.filter(wanted=True).count(),
            agreed=approvals.of_migration(migration, now),
        )


@require_safe
@staff_page
def changes(request: PanelRequest, migration_id: int) -> HttpResponse:
    shown = get_migration(migration_id)
    context = {
        "migration": shown,
        "changes": Changes.of(shown, timezone.now()),
        "lines": _lines_shown(shown),
        "may_choose": shown.is_active and shown.point_of_no_return_at is None and not shown.is_frozen,
    }
    return render(request, "migrations_app/execution/changes.html", context)


@require_safe
@staff_page
def changes_text(request: PanelRequest, migration_id: int) -> HttpResponse:
    """Give all that is to be approved as plain text, to be mailed or kept."""
    shown = get_migration(migration_id)
    subject = find_subject(kind=Approval.Kind.MIGRATION, subject_id=shown.pk)
    if subject is None:
        raise Http404
    told = [f"{place}: {value}" for place, value in difference.as_lines(subject.content)]
    text = "\n".join([subject.title, f"sha256 {subject.digest}", *told]) + "\n"
    headers = {"Content-Disposition": f'attachment; filename="migration-m{shown.pk}.txt"'}
    return HttpResponse(text, content_type="text/plain; charset=utf-8", headers=headers)


@require_POST
@staff_page
def lines_choose(request: PanelRequest, migration_id: int) -> HttpResponse:
    shown = get_migration(migration_id)
    numbers = {
        int(word) for word in request.POST.getlist("line") if word.isascii() and word.isdecimal() and len(word) < 19
    }
    beyond = shown.mentions.filter(wanted=True).exclude(pk__in=[row.pk for row in _lines_shown(shown)])
    ids = numbers | set(beyond.values_list("pk", flat=True))
    try:
        count = choose_lines(migration=shown, ids=ids, actor=request.user, now=timezone.now())
    except LinesNotChosen as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{count} lines will be changed.")
    return redirect("migration-changes", shown.pk)


def _lines_shown(migration: Migration) -> list[Mention]:
    return list(migration.mentions.all()[:MOST_LINES_SHOWN])
