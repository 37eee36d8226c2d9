"""Queue doors: an id in, one use case. Every one is safe to run twice."""

from __future__ import annotations

import time

from django.conf import settings
from django.utils import timezone

from migrations_app import wiring
from migrations_app.bell import ring
from migrations_app.usecases.advance_batch import advance_batch
from migrations_app.usecases.advance_migration import LeaseTaken, advance_migration
from migrations_app.usecases.advance_names import advance_names
from migrations_app.usecases.begin_checks import begin_checks
from migrations_app.usecases.begin_sampling import begin_sampling
from migrations_app.usecases.check_pair import check_pair as check_one_pair
from migrations_app.usecases.deliver_notice import deliver_notice
from migrations_app.usecases.expire_approval import expire_approval
from migrations_app.usecases.follow_preparation import follow_preparation
from migrations_app.usecases.keep_passing_on import keep_passing_on as keep_one_passed_on
from migrations_app.usecases.plan_checks import plan_checks
from migrations_app.usecases.read_zone import read_zone as read_one_zone
from migrations_app.usecases.roll_up import roll_up as roll_up_samples
from migrations_app.usecases.sample_nodes import sample_nodes
from migrations_app.usecases.scan_node import scan_node
from migrations_app.usecases.thin_samples import thin_samples
from migrations_app.usecases.work_out_alternative import work_out_alternative


def advance(migration_id: int) -> None:
    """The lease decides who acts; a migration that wants to go on at once rings again itself."""
    try:
        result = advance_migration(migration_id=migration_id, outside=wiring.outside(), settings=settings.OVZ)
    except LeaseTaken:
        return
    if result.next_tick_at is not None and result.next_tick_at <= timezone.now():
        ring("advance", migration_id)


def look_after(batch_id: int) -> None:
    advance_batch(batch_id=batch_id, now=timezone.now(), settings=settings.OVZ)


def keep_passing_on(forward_id: int) -> None:
    keep_one_passed_on(forward_id=forward_id, outside=wiring.outside(), settings=settings.OVZ)


def scan(node_id: int) -> None:
    scan_node(node_id=node_id, outside=wiring.outside(), settings=settings.OVZ)


def prepare(preparation_id: int) -> None:
    follow_preparation(preparation_id=preparation_id, outside=wiring.outside())


def deliver(notice_id: int) -> None:
    deliver_notice(notice_id=notice_id, mailer=wiring.mailer(), now=timezone.now(), settings=settings.OVZ)


def expire(approval_id: int) -> None:
    expire_approval(approval_id=approval_id, now=timezone.now())


def sample(round_id: int) -> None:
    """Every part of the fleet is rung for by itself, so that no worker is long at it."""
    for first, last in begin_sampling(round_id=round_id, now=timezone.now(), settings=settings.OVZ):
        ring("sample_part", f"{first}-{last}")


def sample_part(bounds: str) -> None:
    first, _, last = bounds.partition("-")
    sample_nodes(first_id=int(first), last_id=int(last), outside=wiring.outside(), settings=settings.OVZ)


def roll_up(round_id: int) -> None:
    roll_up_samples(round_id=round_id, clock=timezone.now, settings=settings.OVZ)


def thin(round_id: int) -> None:
    thin_samples(round_id=round_id, now=timezone.now(), settings=settings.OVZ)


def work_out(alternative_id: int) -> None:
    work_out_alternative(alternative_id=alternative_id, clock=time.monotonic, now=timezone.now(), settings=settings.OVZ)


def names(publication_id: int) -> None:
    """The lease decides who acts; a difference that wants to go on at once rings again itself."""
    publication = advance_names(publication_id=publication_id, outside=wiring.outside(), settings=settings.OVZ)
    if publication is not None and publication.next_look_at and publication.next_look_at <= timezone.now():
        ring("names", publication_id)


def read_zone(zone_id: int) -> None:
    read_one_zone(zone_id=zone_id, outside=wiring.outside(), settings=settings.OVZ)


def plan_pairs(round_id: int) -> None:
    plan_checks(round_id=round_id, now=timezone.now(), settings=settings.OVZ)


def pairs(round_id: int) -> None:
    for check_id in begin_checks(round_id=round_id, now=timezone.now(), settings=settings.OVZ):
        ring("check_pair", check_id)


def check_pair(check_id: int) -> None:
    """Its claim decides who acts; a check that wants to go on at once rings again itself."""
    due = check_one_pair(check_id=check_id, outside=wiring.outside(), settings=settings.OVZ)
    if due is not None and due <= timezone.now():
        ring("check_pair", check_id)


def canary(sung_at: str) -> str:
    """Prove that a worker takes tasks and that the result is saved."""
    return sung_at
