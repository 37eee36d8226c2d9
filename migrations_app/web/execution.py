"""Pages of migrations: scheduling, watching, and the few things a person may do to one under way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from migrations_app.models import Finding, LogLine, Migration, StepRun
from migrations_app.usecases import accept_services as accepting
from migrations_app.usecases import bring_back as returning
from migrations_app.usecases import release_forward as releasing
from migrations_app.usecases.answer_parked import NotParked, answer_parked
from migrations_app.usecases.cancel_migration import NotCancellable, cancel_migration
from migrations_app.usecases.pause_migration import NotPausable, pause_migration
from migrations_app.usecases.resume_migration import NotResumable, resume_migration
from migrations_app.usecases.retire_source import NotRetirable, retire_source
from migrations_app.usecases.schedule_migration import ScheduleRefused, schedule_migration
from migrations_app.web import addresses, compatibility, live, runbook
from migrations_app.web.access import PanelRequest, get_container, get_migration, staff_page
from migrations_app.web.forms import MigrationFilter, ScheduleForm, possible_targets
from migrations_app.web.live import NOTHING_NEW, STOP_POLLING, LivePart
from migrations_app.web.migration_changes import Changes

ROWS_PER_PAGE = 50
LOG_LINES_AT_ONCE = 300
State = Migration.State
_GRAVEST_FIRST = list(Finding.Severity)


@dataclass(frozen=True, kw_only=True)
class Offers:
    """What a person may do to a migration now; the use case has the last word."""

    pause: bool
    resume: bool
    cancel: bool
    retry: bool
    roll_back: bool
    keep: bool
    keep_old_copy: bool
    retire: bool
    end_forward: bool
    bring_back: bool
    accept_services: bool

    @staticmethod
    def of(migration: Migration, now: datetime) -> Offers:
        can_go_back = migration.point_of_no_return_at is None
        moving = migration.state in (State.SCHEDULED, State.RUNNING) and can_go_back and not migration.is_frozen
        retirable = migration.state == State.DONE and migration.retired_at is None
        return Offers(
            pause=moving and migration.state == State.RUNNING and not migration.wish,
            resume=migration.state == State.PAUSED or migration.wish == Migration.Wish.PAUSE,
            cancel=(moving or migration.state == State.PAUSED) and migration.wish != Migration.Wish.CANCEL,
            retry=migration.state == State.PARKED,
            roll_back=migration.state == State.PARKED and can_go_back,
            keep=migration.state == State.PARKED and can_go_back and migration.failure == "RunsOnTarget",
            keep_old_copy=migration.state == State.PARKED and migration.parked_from == State.RETIRING,
            bring_back=returning.offered_for(migration),
            accept_services=accepting.offered_for(migration),
            end_forward=releasing.offered_for(migration),
            retire=retirable and migration.retire_after is not None and migration.retire_after <= now,
        )


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def schedule(request: PanelRequest, container_id: int) -> HttpResponse:
    container = get_container(container_id)
    budget = settings.OVZ["freeze_budget_seconds"]
    said = compatibility.said_of_targets(container.node_id)
    found = addresses.outlooks(container, list(possible_targets(container)))
    words = {"live_checks": said, "addresses": addresses.said_of(found)}
    form = ScheduleForm(request.POST or None, container=container, freeze_budget_seconds=budget, **words)
    if request.method == "POST" and form.is_valid():
        try:
            migration = schedule_migration(
                container=container, actor=request.user, now=timezone.now(), settings=settings.OVZ, **form.order()
            )
        except ScheduleRefused as refusal:
            addresses.propose_in(form, found)
            form.object_to_all(refusal.objections)
        else:
            return redirect("migration", migration.pk)
    context = {"container": container, "form": form, "active": container.migrations.active().first()}
    return render(request, "migrations_app/execution/schedule.html", context, status=422 if form.errors else 200)


@require_safe
@staff_page
def migration_list(request: PanelRequest) -> HttpResponse:
    form = MigrationFilter(request.GET)
    wanted = form.choose(Migration.objects.select_related("container", "source", "target")).order_by(
        "-created_at", "-pk"
    )
    page = Paginator(wanted, ROWS_PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "groups": form.CHOICES, "group": form.group}
    return render(request, "migrations_app/execution/migrations.html", context)


@require_safe
@staff_page
def migration(request: PanelRequest, migration_id: int) -> HttpResponse:
    shown = get_migration(migration_id)
    part = _migration_part(shown, timezone.now())
    context = {"migration": shown, "live": live.draw(request, part), "refresh": not part.ended} | _log(shown, after=0)
    return render(request, "migrations_app/execution/migration.html", context)


@require_safe
@staff_page
def migration_live(request: PanelRequest, migration_id: int) -> HttpResponse:
    return live.answer(request, _migration_part(get_migration(migration_id), timezone.now()))


@require_safe
@staff_page
def migration_log(request: PanelRequest, migration_id: int) -> HttpResponse:
    """Answer with what was written since; the last line asks for the next ones."""
    shown = get_migration(migration_id)
    after = request.GET.get("after", "")
    log = _log(shown, after=int(after) if after.isdecimal() and len(after) < 19 else 0)
    if not log["lines"] and log["more_may_come"]:
        return HttpResponse(status=NOTHING_NEW)
    status = 200 if log["more_may_come"] else STOP_POLLING
    return render(request, "migrations_app/execution/_log_lines.html", {"migration": shown} | log, status=status)


@require_POST
@staff_page
def pause(request: PanelRequest, migration_id: int) -> HttpResponse:
    return _act(request, migration_id, pause_migration, NotPausable)


@require_POST
@staff_page
def resume(request: PanelRequest, migration_id: int) -> HttpResponse:
    return _act(request, migration_id, resume_migration, NotResumable)


@require_POST
@staff_page
def cancel(request: PanelRequest, migration_id: int) -> HttpResponse:
    return _act(request, migration_id, cancel_migration, NotCancellable)


@require_POST
@staff_page
def retry(request: PanelRequest, migration_id: int) -> HttpResponse:
    return _act(request, migration_id, answer_parked, NotParked, answer="retry")


@require_POST
@staff_page
def roll_back(request: PanelRequest, migration_id: int) -> HttpResponse:
    return _act(request, migration_id, answer_parked, NotParked, answer="roll_back")


@require_POST
@staff_page
def keep(request: PanelRequest, migration_id: int) -> HttpResponse:
    return _act(request, migration_id, answer_parked, NotParked, answer="keep")


@require_POST
@staff_page
def end_forward(request: PanelRequest, migration_id: int) -> HttpResponse:
    return _act(request, migration_id, releasing.release_forward, releasing.NotForwarding)


@require_POST
@staff_page
def bring_back(request: PanelRequest, migration_id: int) -> HttpResponse:
    """Go to the return trip that was ordered."""
    first = get_migration(migration_id)
    try:
        back = returning.bring_back(migration=first, actor=request.user, now=timezone.now(), settings=settings.OVZ)
    except returning.NotBroughtBack as refusal:
        messages.error(request, str(refusal))
        return redirect("migration", first.pk)
    return redirect("migration", back.pk)


@require_POST
@staff_page
def accept_seen_services(request: PanelRequest, migration_id: int) -> HttpResponse:
    return _act(request, migration_id, accepting.accept_services, accepting.NothingToAccept)


@require_POST
@staff_page
def retire(request: PanelRequest, migration_id: int) -> HttpResponse:
    return _act(request, migration_id, retire_source, NotRetirable)


def _act(
    request: PanelRequest, migration_id: int, verb: Callable[..., None], refusal: type[Exception], **said: str
) -> HttpResponse:
    shown = get_migration(migration_id)
    try:
        verb(migration=shown, actor=request.user, now=timezone.now(), **said)
    except refusal as reason:
        messages.error(request, str(reason))
    return redirect("migration", shown.pk)


def _migration_part(migration: Migration, now: datetime) -> LivePart:
    steps = list(migration.steps.order_by("position"))
    step = next((step for step in steps if step.state == StepRun.State.RUNNING), None)
    stage = migration.progress.get("stage", "") or (step.title if step else "")
    context = {
        "migration": migration,
        "steps": steps,
        "stage": stage,
        "findings": sorted(
            migration.findings.all(), key=lambda finding: _GRAVEST_FIRST.index(Finding.Severity(finding.severity))
        ),
        "offers": Offers.of(migration, now),
        "changes": Changes.of(migration, now),
        "forwards": list(migration.forwards.order_by("old")) if migration.changes_address else [],
        "services": list(migration.services.all()),
        "runbook": runbook.find(migration.failure) if migration.failure else None,
    }
    return LivePart(
        template="migrations_app/execution/_migration.html",
        context=context,
        url=reverse("migration-live", args=[migration.pk]),
        ended=_has_ended(migration),
        said=f"{migration.get_state_display()}. {stage}",
    )


def _has_ended(migration: Migration) -> bool:
    return migration.state in (State.DONE, State.ROLLED_BACK, State.CANCELLED)


def _log(migration: Migration, *, after: int) -> dict[str, Any]:
    newest_first = LogLine.objects.filter(migration=migration, pk__gt=after).order_by("-pk")[:LOG_LINES_AT_ONCE]
    lines = list(newest_first)[::-1]
    return {
        "lines": lines,
        "last_line": lines[-1].pk if lines else after,
        "more_may_come": not _has_ended(migration),
    }
