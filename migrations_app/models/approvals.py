"""Approvals: what a second person is asked to say yes to, and what that person said."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class ApprovalQuerySet(models.QuerySet["Approval"]):
    def of(self, kind: str, subject_id: int) -> Self:
        return self.filter(subject_kind=kind, subject_id=subject_id)

    def open(self) -> Self:
        """Asked or approved: something may still come of it."""
        return self.filter(state__in=Approval.OPEN_STATES)

    def waiting(self, now: datetime) -> Self:
        return self.filter(state=Approval.State.ASKED, valid_until__gt=now)


class Approval(models.Model):
    """A request for approval of exactly one content; approvals.decisions alone changes its state."""

    class Kind(models.TextChoices):
        BATCH = "batch", "Batch"
        MIGRATION = "migration", "Migration"

    class State(models.TextChoices):
        ASKED = "asked", "Waits for approval"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        EXPIRED = "expired", "Expired"
        VOID = "void", "Void"
        USED = "used", "Used"

    OPEN_STATES = (State.ASKED, State.APPROVED)

    subject_kind = models.CharField(max_length=10, choices=Kind.choices)
    subject_id = models.PositiveBigIntegerField()
    title = models.CharField(max_length=200)
    content = models.JSONField()  # what the page shows, and nothing else
    digest = models.CharField(max_length=64)  # over kind, id and content
    reason = models.CharField(max_length=500, blank=True)

    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    valid_until = models.DateTimeField()
    next_look_at = models.DateTimeField()  # when it is seen to that it has expired

    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    comment = models.CharField(max_length=500, blank=True)
    overridden = models.BooleanField(default=False)  # in an emergency, by one person alone
    used_at = models.DateTimeField(null=True)
    ended_because = models.CharField(max_length=300, blank=True)  # void: why

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        permissions = [
            ("approve", "May approve what others plan"),
            ("override_approval", "May act without a second person in an emergency"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["subject_kind", "subject_id"],
                condition=Q(state__in=("asked", "approved")),
                name="approval_open_once",
            ),
            models.CheckConstraint(
                condition=Q(overridden=True) | Q(decided_by=None) | ~Q(decided_by=F("asked_by")),
                name="approval_by_another",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "next_look_at"], name="approval_due"),
            models.Index(fields=["subject_kind", "subject_id", "state"], name="approval_of_subject"),
        ]

    def __str__(self) -> str:
        return f"a{self.pk}: {self.title}"
