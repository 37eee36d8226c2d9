"""Migrations, their steps, and what was said about them."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from migrations_app.models.inventory import Container, Node


class MigrationQuerySet(models.QuerySet["Migration"]):
    def active(self) -> Self:
        return self.filter(state__in=Migration.ACTIVE_STATES)

    def acting(self) -> Self:
        """Active, or removing an old copy: in either case nodes hear its token, and no second one's beside it."""
        return self.filter(state__in=(*Migration.ACTIVE_STATES, Migration.State.RETIRING))

    def held(self) -> Self:
        """Planned, and not to begin before somebody lets it go."""
        return self.filter(state=Migration.State.SCHEDULED, next_tick_at=None)

    def under_way(self, now: datetime) -> Self:
        """At work on its nodes, or about to be: neither what is planned for later nor what waits for a person."""
        planned = Q(state=Migration.State.SCHEDULED) & (Q(next_tick_at=None) | Q(not_before__gt=now))
        waits = Q(state=Migration.State.PARKED, next_tick_at=None)
        return self.filter(state__in=Migration.ACTIVE_STATES).exclude(planned | waits)

    def due(self, now: datetime) -> Self:
        """Active, its next tick has come, and nobody holds it."""
        free = Q(lease_until=None) | Q(lease_until__lt=now)
        return self.filter(free, state__in=Migration.TICKING_STATES, next_tick_at__lte=now)


class Migration(models.Model):
    """One container going from one node to another; states change in execution.states only."""

    class Method(models.TextChoices):
        AUTO = "auto", "Choose for me"
        LIVE = "live", "Live"
        DUMP = "dump", "Dump"
        STREAM = "stream", "Stream"

    class State(models.TextChoices):
        SCHEDULED = "scheduled", "Scheduled"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        ROLLING_BACK = "rolling_back", "Rolling back"
        PARKED = "parked", "Needs a person"
        DONE = "done", "Done"
        RETIRING = "retiring", "Removing the old copy"
        ROLLED_BACK = "rolled_back", "Rolled back"
        CANCELLED = "cancelled", "Cancelled"

    class Wish(models.TextChoices):
        NONE = "", "None"
        PAUSE = "pause", "Pause"
        CANCEL = "cancel", "Cancel"

    ACTIVE_STATES = (State.SCHEDULED, State.RUNNING, State.PAUSED, State.ROLLING_BACK, State.PARKED)
    # Parked ones tick only where a tick was set: when what is missing may come back by itself.
    TICKING_STATES = (State.SCHEDULED, State.RUNNING, State.ROLLING_BACK, State.PARKED, State.RETIRING)
    ENDED_STATES = (State.DONE, State.RETIRING, State.ROLLED_BACK, State.CANCELLED)

    container = models.ForeignKey(Container, on_delete=models.PROTECT, related_name="migrations")
    # Copied from the container when scheduled: the identity under which nodes, gate and log know this move.
    ctid = models.CharField(max_length=36, db_column="ct_number")  # PostgreSQL has a column ctid of its own
    target_ctid = models.CharField(max_length=36)
    source = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="departures")
    target = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="arrivals")

    requested_method = models.CharField(max_length=8, choices=Method.choices)
    method = models.CharField(max_length=8, choices=Method.choices)  # AUTO until chosen
    method_reason = models.TextField(blank=True)
    fall_back_to_dump = models.BooleanField(default=True)
    full_backup = models.BooleanField(default=False)
    rehearse = models.BooleanField(default=True)
    bandwidth_limit_kib = models.PositiveIntegerField(null=True)  # KiB/s; null: no cap
    freeze_budget_seconds = models.FloatField()
    # Where it goes to another network: its addresses there, each in the place of the old one; empty: it keeps them.
    new_addresses = models.JSONField(default=list)
    old_addresses = models.JSONField(default=list)
    new_hostname = models.CharField(max_length=253, blank=True)
    old_hostname = models.CharField(max_length=253, blank=True)  # noted where it gets a new one
    # The migration that this one takes back.
    returns = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="return_trips")
    # A person's word that the old addresses need not be passed on any longer.
    forward_released_at = models.DateTimeField(null=True)
    not_before = models.DateTimeField()
    window_ends_at = models.DateTimeField(null=True)

    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=12, choices=State.choices, default=State.SCHEDULED)
    wish = models.CharField(max_length=6, choices=Wish.choices, default=Wish.NONE, blank=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    point_of_no_return_at = models.DateTimeField(null=True)

    next_tick_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    lease_holder = models.CharField(max_length=120, blank=True)
    # Fencing token: rises with every lease; the gate refuses a lower one than it has seen for the container.
    lease_token = models.BigIntegerField(default=0)

    # While parked: the state it would go on in. After a failed method: the recipe that follows the rollback.
    parked_from = models.CharField(max_length=12, blank=True)
    next_method = models.CharField(max_length=8, blank=True)
    # Since when the nodes could not be asked; null while they answer.
    trouble_since = models.DateTimeField(null=True)

    # Why it stopped: a failure name (a runbook page), what was seen, and what the person is asked.
    failure = models.CharField(max_length=60, blank=True)
    failure_detail = models.TextField(blank=True)

    # {"stage", "bytes_done", "bytes_total", "files_done", "files_total", "seconds_left"}; missing keys are unknown.
    progress = models.JSONField(default=dict)
    bytes_moved = models.BigIntegerField(default=0)
    freeze_forecast_seconds = models.FloatField(null=True)
    freeze_seconds = models.FloatField(null=True)
    frozen_at = models.DateTimeField(null=True)
    unfrozen_at = models.DateTimeField(null=True)
    # {"files_compared", "differences", "bytes", "seconds", "at"}: the empty difference run, once it was made.
    certificate = models.JSONField(null=True)
    retire_after = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    objects = MigrationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["container"],
                condition=Q(state__in=("scheduled", "running", "paused", "rolling_back", "parked")),
                name="one_active_migration_per_container",
            ),
            models.CheckConstraint(condition=~Q(source=F("target")), name="source_is_not_target"),
        ]
        indexes = [models.Index(fields=["state", "next_tick_at"], name="migration_due")]

    def __str__(self) -> str:
        return f"m{self.pk}: {self.ctid} from {self.source} to {self.target}"

    @property
    def is_active(self) -> bool:
        return self.state in self.ACTIVE_STATES

    @property
    def is_held(self) -> bool:
        return self.state == self.State.SCHEDULED and self.next_tick_at is None

    @property
    def changes_address(self) -> bool:
        return bool(self.new_addresses)

    @property
    def needs_approval(self) -> bool:
        """Whether it changes what a policy may want a second person for."""
        return self.changes_address or bool(self.new_hostname)

    @property
    def is_frozen(self) -> bool:
        """Frozen: the container answers nobody right now, so nothing may make it wait."""
        return self.frozen_at is not None and self.unfrozen_at is None


class ForwardQuerySet(models.QuerySet["Forward"]):
    def open(self) -> Self:
        return self.filter(ended_at=None)


class Forward(models.Model):
    """An old address that is passed on to the new one, and who still comes there; execution.forwards writes it."""

    class Kind(models.TextChoices):
        GRE = "gre", "Tunnel (GRE)"
        VXLAN = "vxlan", "Tunnel (VXLAN)"
        NAT = "nat", "Rewritten; callers are hidden"
        HERE = "here", "The old address came along"

    migration = models.ForeignKey(Migration, on_delete=models.CASCADE, related_name="forwards")
    old = models.GenericIPAddressField()
    new = models.GenericIPAddressField()
    kind = models.CharField(max_length=5, choices=Kind.choices)
    began_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True)
    next_look_at = models.DateTimeField(default=timezone.now)  # when it has had nobody for too long
    new_connections = models.PositiveBigIntegerField(default=0)
    counter = models.PositiveBigIntegerField(default=0)  # as the node said it last; it begins anew with its rules
    last_arrival_at = models.DateTimeField(null=True)
    packet_counter = models.PositiveBigIntegerField(default=0)  # the same for packets, which open connections send too
    last_packet_at = models.DateTimeField(null=True)
    callers = models.JSONField(default=list)  # newest first, a few
    mended = models.PositiveIntegerField(default=0)  # how often its rules were lost and made again
    ended_at = models.DateTimeField(null=True)
    # The return trip that looks after it, and ends it when the container is home.
    handed_to = models.ForeignKey(Migration, on_delete=models.SET_NULL, null=True, related_name="taken_over")

    objects = ForwardQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["migration", "old"], name="forward_once_per_address")]

    def __str__(self) -> str:
        return f"{self.old} to {self.new}"


class Mention(models.Model):
    """A line inside a container that names its old address, and what becomes of it; execution.mentions writes it."""

    migration = models.ForeignKey(Migration, on_delete=models.CASCADE, related_name="mentions")
    path = models.CharField(max_length=300)
    number = models.PositiveIntegerField()
    old_text = models.CharField(max_length=400)
    new_text = models.CharField(max_length=500)
    wanted = models.BooleanField(default=False)  # nothing is changed without a person's word
    changed = models.BooleanField(null=True)  # null: it has not come to that yet
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["migration", "path", "number"], name="mention_once_per_line")]
        ordering = ["migration", "path", "number"]

    def __str__(self) -> str:
        return f"{self.path}:{self.number}"


class SeenService(models.Model):
    """What a service of the container showed to callers before and after the move; execution.services writes it."""

    migration = models.ForeignKey(Migration, on_delete=models.CASCADE, related_name="services")
    address = models.CharField(max_length=45)  # before the move, spelled as in its order
    port = models.PositiveIntegerField()
    before = models.JSONField()  # a Look of ports/probe.py
    after = models.JSONField(null=True)
    # [name, aspect] of what was not the same twice before anything was done.
    unsteady = models.JSONField(default=list)
    contrasts = models.JSONField(default=list)  # as in strategies/likeness.py
    # [place, name, aspect, what it was then] of contrasts that a person found in order.
    accepted = models.JSONField(default=list)
    # What callers met while it moved: execution/silence.py.
    knocks = models.PositiveIntegerField(default=0)
    unanswered = models.PositiveIntegerField(default=0)
    silent_seconds = models.FloatField(default=0.0)
    longest_silence_seconds = models.FloatField(default=0.0)
    unwatched_seconds = models.FloatField(default=0.0)  # nobody knocked: its worker was gone
    watched_by = models.CharField(max_length=120, blank=True)
    watched_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["migration", "address", "port"], name="service_once_per_place")]
        ordering = ["migration", "address", "port"]

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class StepRun(models.Model):
    """One step of one migration's plan and how it went; written by execution.recorder only."""

    class State(models.TextChoices):
        PENDING = "pending", "To do"
        RUNNING = "running", "Under way"
        DONE = "done", "Done"
        SKIPPED = "skipped", "Was so already"
        FAILED = "failed", "Failed"
        UNDONE = "undone", "Undone"

    migration = models.ForeignKey(Migration, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=40)
    title = models.CharField(max_length=120)
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    # Raised when the step is begun anew; part of the remote job's key, so a new try is a new job.
    attempt = models.PositiveIntegerField(default=1)
    retries = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)
    evidence = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["migration", "position"], name="step_position_once")]
        ordering = ["migration", "position"]

    def __str__(self) -> str:
        return f"m{self.migration_id}/{self.position} {self.name}"


class Finding(models.Model):
    """What the pre-check found: exactly what, how bad, and what to do."""

    class Severity(models.TextChoices):
        BLOCKER = "blocker", "Stops the migration"
        WARNING = "warning", "Worth a look"
        NOTE = "note", "For the record"

    migration = models.ForeignKey(Migration, on_delete=models.CASCADE, related_name="findings")
    at = models.DateTimeField()
    check_id = models.CharField(max_length=40)
    severity = models.CharField(max_length=8, choices=Severity.choices)
    text = models.TextField()
    way_out = models.TextField(blank=True)
    command = models.TextField(blank=True)  # the exact command that would put it right, where there is one

    class Meta:
        constraints = [models.UniqueConstraint(fields=["migration", "check_id"], name="finding_once_per_check")]

    def __str__(self) -> str:
        return f"{self.severity} {self.check_id}"


class LogLine(models.Model):
    """A line of a migration's story for staff; remote text is cleaned and bounded before it gets here."""

    class Level(models.TextChoices):
        INFO = "info", "Info"
        WARNING = "warning", "Warning"
        ERROR = "error", "Error"

    migration = models.ForeignKey(Migration, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField()
    level = models.CharField(max_length=8, choices=Level.choices, default=Level.INFO)
    step = models.CharField(max_length=40, blank=True)
    text = models.TextField()

    class Meta:
        ordering = ["migration", "id"]

    def __str__(self) -> str:
        return self.text
