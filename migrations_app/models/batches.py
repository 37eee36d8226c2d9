"""Batches: the migrations of one wish, with their order, windows and caps."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from migrations_app.models.execution import Migration
from migrations_app.models.inventory import Container, Node
from migrations_app.models.placement import Alternative


class BatchQuerySet(models.QuerySet["Batch"]):
    def active(self) -> Self:
        return self.filter(state__in=Batch.ACTIVE_STATES)

    def due(self, now: datetime) -> Self:
        """Those to be looked after; a cancelled one is until what was under way has ended."""
        return self.filter(state__in=(*Batch.ACTIVE_STATES, Batch.State.CANCELLED), next_tick_at__lte=now)


class Batch(models.Model):
    """The migrations of one wish; states change in batches.states only."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        STOPPED = "stopped", "The line is stopped"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

    # Paused and stopped ones still follow what is under way; they only begin nothing new.
    ACTIVE_STATES = (State.RUNNING, State.PAUSED, State.STOPPED)

    name = models.CharField(max_length=120)
    alternative = models.ForeignKey(Alternative, on_delete=models.SET_NULL, null=True, related_name="batches")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    next_tick_at = models.DateTimeField(null=True)
    # Why the line was stopped: a failure name (a runbook page), and what was seen.
    failure = models.CharField(max_length=60, blank=True)
    failure_detail = models.TextField(blank=True)

    # The window, by the wall clock of a zone; both hours null: at any time. An end before its start is the next day's.
    not_before = models.DateTimeField(null=True)
    deadline = models.DateTimeField(null=True)
    weekdays = models.JSONField(default=list)  # 0 is Monday; empty: every day
    opens_at = models.TimeField(null=True)
    closes_at = models.TimeField(null=True)
    time_zone = models.CharField(max_length=64, default="UTC")

    # How many at once: in all, from or to one node, between two nodes, of one customer.
    most_at_once = models.PositiveIntegerField(default=4)
    most_per_node = models.PositiveIntegerField(default=2)
    most_per_link = models.PositiveIntegerField(default=1)
    most_per_customer = models.PositiveIntegerField(default=1)
    bandwidth_limit_kib = models.PositiveIntegerField(null=True)  # of each migration; null: no cap
    canaries = models.PositiveIntegerField(default=1)  # so many go alone and must go well, before the others begin
    # Promised: a longer interruption stops the line.
    freeze_budget_seconds = models.FloatField()
    fall_back_to_dump = models.BooleanField(default=True)
    rehearse = models.BooleanField(default=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(opens_at=None, closes_at=None) | Q(opens_at__isnull=False, closes_at__isnull=False),
                name="batch_window_has_both_ends",
            ),
        ]
        indexes = [models.Index(fields=["state", "next_tick_at"], name="batch_due")]

    def __str__(self) -> str:
        return f"b{self.pk}: {self.name}"


class BatchItem(models.Model):
    """One move of a batch: what was planned, why, and the migration that it became."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        MOVING = "moving", "Under way"
        DONE = "done", "Done"
        SKIPPED = "skipped", "Skipped"
        FAILED = "failed", "Failed"

    ENDED_STATES = (State.DONE, State.SKIPPED, State.FAILED)

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveIntegerField()
    # Positions of earlier items that have to be done before: they make room, or bring the container half-way.
    after = models.JSONField(default=list)
    container = models.ForeignKey(Container, on_delete=models.PROTECT, related_name="batch_items")
    source = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="+")
    target = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="+")
    parks = models.BooleanField(default=False)  # only a stop on the way
    method = models.CharField(max_length=8, choices=Migration.Method.choices, default=Migration.Method.AUTO)
    reason = models.TextField(blank=True)
    is_canary = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    why = models.TextField(blank=True)  # skipped or failed: why; waiting: what it waits for
    migration = models.OneToOneField(Migration, on_delete=models.SET_NULL, null=True, related_name="batch_item")

    bytes_forecast = models.BigIntegerField(null=True)
    seconds_forecast = models.FloatField(null=True)
    freeze_seconds_forecast = models.FloatField(null=True)
    # When it is likely to be under way, by the timetable that was worked out last.
    planned_from = models.DateTimeField(null=True)
    planned_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "position"], name="batch_position_once"),
            models.CheckConstraint(condition=~Q(source=F("target")), name="batch_source_is_not_target"),
        ]
        ordering = ["batch", "position"]

    def __str__(self) -> str:
        return f"b{self.batch_id}/{self.position} {self.container}"
