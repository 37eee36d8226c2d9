"""The outbox: who is told what, once each."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from migrations_app.models.approvals import Approval
from migrations_app.models.execution import Migration


class Notice(models.Model):
    """One mail to one address about a migration or an approval; written with what it tells, sent afterwards."""

    class Kind(models.TextChoices):
        SCHEDULED = "scheduled", "Scheduled"
        STARTED = "started", "Started"
        FINISHED = "finished", "Finished"
        FAILED = "failed", "Failed"
        ASKED = "asked", "Approval asked for"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        OVERRIDDEN = "overridden", "Approved in an emergency"

    class Audience(models.TextChoices):
        STAFF = "staff", "Staff"
        CUSTOMER = "customer", "Customer"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        GIVEN_UP = "given_up", "Given up"

    migration = models.ForeignKey(Migration, on_delete=models.CASCADE, related_name="notices", null=True)
    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="notices", null=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    audience = models.CharField(max_length=8, choices=Audience.choices)
    recipient = models.EmailField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    created_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    tries = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            # A migration may fail, be helped on by a person, and fail again: each time is told.
            models.UniqueConstraint(
                fields=["migration", "kind", "audience", "recipient"],
                condition=~Q(kind="failed"),
                name="notice_once",
            ),
            models.UniqueConstraint(fields=["approval", "kind", "recipient"], name="notice_of_approval_once"),
            models.CheckConstraint(
                condition=Q(migration=None, approval__isnull=False) | Q(migration__isnull=False, approval=None),
                name="notice_of_one_thing",
            ),
        ]
        indexes = [models.Index(fields=["state", "next_try_at"], name="notice_due")]

    def __str__(self) -> str:
        thing = f"a{self.approval_id}" if self.approval_id else f"m{self.migration_id}"
        return f"{self.kind} of {thing} to {self.recipient}"
