"""Which nodes can move containers live to which others, by real checks on samples."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from migrations_app.models.inventory import Container, Node

# Nodes know a check by a number as they know a migration by one; no migration's number ever gets here.
NUMBERS_FROM = 10**17


class PairCheckQuerySet(models.QuerySet["PairCheck"]):
    def open(self) -> Self:
        """Begun and not ended: nodes are being asked, or hold its key."""
        return self.filter(state__in=PairCheck.OPEN_STATES)

    def ended(self) -> Self:
        return self.filter(state=PairCheck.State.ENDED)


class PairCheck(models.Model):
    """One try whether a sample of one node could move live to another; nothing is moved."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting for its turn"
        ASKING = "asking", "Asking both nodes"
        TRUSTING = "trusting", "Letting the source reach the target"
        CHECKING = "checking", "vzmigrate is checking"
        CLOSING = "closing", "Taking the key away"
        ENDED = "ended", "Ended"

    class Verdict(models.TextChoices):
        POSSIBLE = "possible", "Possible"
        IMPOSSIBLE = "impossible", "Not possible"
        UNKNOWN = "unknown", "Unknown"

    OPEN_STATES = (State.ASKING, State.TRUSTING, State.CHECKING, State.CLOSING)

    source = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="+")
    target = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    requested_at = models.DateTimeField()
    # Null: the panel's own, at night.
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    # The sample, and what both nodes were like when it was taken.
    container = models.ForeignKey(Container, on_delete=models.SET_NULL, null=True, related_name="+")
    ctid = models.CharField(max_length=36, blank=True, db_column="ct_number")
    source_likeness = models.CharField(max_length=16, blank=True)
    target_likeness = models.CharField(max_length=16, blank=True)

    # Raised when it is begun anew after it gave way; part of the remote job's key.
    attempt = models.PositiveIntegerField(default=1)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    next_look_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)
    # Fencing token, from the same well as those of migrations: a new one with every tick.
    token = models.BigIntegerField(default=0)

    verdict = models.CharField(max_length=10, choices=Verdict.choices, blank=True)
    summary = models.CharField(max_length=300, blank=True)  # the gravest cause, in words
    causes = models.JSONField(default=list)  # compatibility/causes.py reads them
    # Why its key could not be taken away yet; it goes on trying.
    closing_trouble = models.TextField(blank=True)

    objects = PairCheckQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "target"], condition=~Q(state="ended"), name="one_unended_check_per_pair"
            ),
            models.CheckConstraint(condition=~Q(source=F("target")), name="check_source_is_not_target"),
        ]
        indexes = [
            models.Index(fields=["state", "next_look_at"], name="pair_check_due"),
            models.Index(fields=["source", "target", "ended_at"], name="pair_check_result"),
            models.Index(fields=["ended_at"], name="pair_check_age"),
        ]

    def __str__(self) -> str:
        return f"check {self.pk}: {self.source} to {self.target}"

    @property
    def number(self) -> int:
        """What nodes know it by."""
        return NUMBERS_FROM + self.pk

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN_STATES
