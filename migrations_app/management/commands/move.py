"""Schedule a migration from a terminal, and follow it if asked."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from migrations_app.models import Container, Migration, Node
from migrations_app.usecases.bring_back import NotBroughtBack, bring_back
from migrations_app.usecases.schedule_migration import ScheduleRefused, schedule_migration
from migrations_app.usecases.use_migration_approval import POLICY

LOOK_EVERY_SECONDS = 0.3


class Command(BaseCommand):
    help = "Move a container to another node. The worker (`work`) must run for it to happen."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ctid")
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--to", metavar="NODE")
        where.add_argument(
            "--back", action="store_true", help="to where its last move took it from; as that was ordered"
        )
        parser.add_argument("--method", default="auto", choices=Migration.Method.values)
        parser.add_argument(
            "--new-ip",
            metavar="ADDR",
            action="append",
            help="its address there; once for each that it has, in their order; auto: the next free of the pools",
        )
        parser.add_argument("--new-name", metavar="HOST", default="", help="its host name there")
        parser.add_argument(
            "--as",
            dest="author",
            metavar="USER",
            help="in whose name: where a second person has to approve, that one is asked for it by itself",
        )
        parser.add_argument("--at", metavar="TIME", help="ISO 8601 with its zone, such as 2026-12-01T02:00+01:00")
        parser.add_argument("--no-rehearsal", action="store_true", help="do not start the copy once before")
        parser.add_argument("--no-fallback", action="store_true", help="when live is not possible, do not dump instead")
        parser.add_argument("--wait", action="store_true", help="follow it; exit 0 only when it is done")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        migration = _bring_back(options["ctid"], _author(options["author"])) if options["back"] else _schedule(options)
        if options["wait"]:
            _follow(migration, self.stderr.write if not options["json"] else None)
        report = _report(migration)
        self.stdout.write(json.dumps(report) if options["json"] else _sentence(migration))
        if options["wait"] and migration.state != Migration.State.DONE:
            sys.exit(1)


def _schedule(options: dict[str, Any]) -> Migration:
    try:
        return schedule_migration(
            container=_container(options["ctid"]),
            target=_node(options["to"]),
            method=options["method"],
            actor=_author(options["author"]),
            now=timezone.now(),
            settings=settings.OVZ,
            not_before=_time(options["at"]),
            rehearse=not options["no_rehearsal"],
            fall_back_to_dump=not options["no_fallback"],
            new_addresses=options["new_ip"] or (),
            new_hostname=options["new_name"],
        )
    except ScheduleRefused as refusal:
        raise CommandError("\n".join(f"{field}: {reason}" for field, reason in refusal.objections)) from refusal


def _author(name: str | None) -> User | None:
    if name is None:
        return None
    try:
        return User.objects.get(username=name, is_staff=True, is_active=True)
    except User.DoesNotExist as cause:
        raise CommandError(f"Nobody of staff is called {name[:150]!r}.") from cause


def _bring_back(ctid: str, author: User | None) -> Migration:
    moves = _container(ctid).migrations.filter(point_of_no_return_at__isnull=False)
    last = moves.order_by("-point_of_no_return_at", "-pk").first()
    if last is None:
        raise CommandError(f"Container {ctid} has not been moved by this panel: there is nothing to take back.")
    approved: Sequence[str] = settings.OVZ["approval_for"]  # type: ignore[assignment]
    if author is None and last.needs_approval and POLICY in approved:
        raise CommandError("The way back changes an address or a name, so a second person is asked: say --as USER.")
    try:
        return bring_back(migration=last, actor=author, now=timezone.now(), settings=settings.OVZ)
    except NotBroughtBack as refusal:
        raise CommandError(str(refusal)) from refusal


def _container(ctid: str) -> Container:
    found = list(Container.objects.filter(ctid=ctid, gone_at=None).select_related("node"))
    if len(found) == 1:
        return found[0]
    if not found:
        raise CommandError(f"No node has a container {ctid[:40]!r}; `manage.py scan` reads the fleet.")
    nodes = ", ".join(container.node.name for container in found)
    raise CommandError(f"Several nodes have a container {ctid}: {nodes}. Schedule this one on its page.")


def _node(name: str) -> Node:
    try:
        return Node.objects.get(name=name)
    except Node.DoesNotExist as cause:
        known = ", ".join(Node.objects.order_by("name").values_list("name", flat=True)) or "none"
        raise CommandError(f"There is no node {name[:63]!r}; known: {known}.") from cause


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time_given = parse_datetime(text)
    except ValueError as cause:
        raise CommandError(f"--at: {cause}.") from cause
    if time_given is None or time_given.utcoffset() is None:
        raise CommandError("--at: give a date and time with its zone, such as 2026-12-01T02:00+01:00.")
    return time_given.astimezone(UTC)


def _follow(migration: Migration, say: Any) -> None:
    """Print each new line of the story until the migration has ended or waits for a person."""
    seen = 0
    while True:
        migration.refresh_from_db()
        for line in migration.log.filter(id__gt=seen).order_by("id"):
            seen = line.pk
            if say:
                say(f"{line.at:%H:%M:%S} {line.text}")
        if migration.state in (*Migration.ENDED_STATES, Migration.State.PARKED, Migration.State.PAUSED):
            return
        time.sleep(LOOK_EVERY_SECONDS)


def _sentence(migration: Migration) -> str:
    told = f"{migration}: {migration.get_state_display().lower()}."
    return f"{told} {migration.failure}: {migration.failure_detail}" if migration.failure else told


def _report(migration: Migration) -> dict[str, Any]:
    total = migration.finished_at - migration.started_at if migration.finished_at and migration.started_at else None
    waited = migration.started_at - migration.created_at if migration.started_at else None
    return {
        "id": migration.pk,
        "ctid": migration.ctid,
        "state": migration.state,
        "method": migration.method,
        "method_reason": migration.method_reason,
        "failure": migration.failure,
        "failure_detail": migration.failure_detail,
        "freeze_forecast_s": migration.freeze_forecast_seconds,
        "freeze_s": migration.freeze_seconds,
        "bytes": migration.bytes_moved,
        "certificate": migration.certificate,
        "waited_s": round(waited.total_seconds(), 2) if waited else None,
        "total_s": round(total.total_seconds(), 2) if total else None,
    }
