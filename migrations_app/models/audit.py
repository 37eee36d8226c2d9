"""Who did what, when, and why."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class AuditLine(models.Model):
    """One act of a person or of the panel itself; written by audit.trail only, never changed.

    Each holds the digest of the one before, so that none can be changed, moved or taken away unseen. The database
    itself refuses changes too (triggers of the schema migration 0006).
    """

    number = models.PositiveBigIntegerField(unique=True)  # 1, 2, 3 ... without a gap
    at = models.DateTimeField(db_index=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    actor_name = models.CharField(max_length=150, blank=True)  # as it was then; empty: the panel itself
    verb = models.CharField(max_length=40, db_index=True)
    subject = models.CharField(max_length=200)
    detail = models.JSONField(default=dict)
    previous = models.CharField(max_length=64)  # digest of the line before; zeros for the first
    digest = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index(fields=["subject", "at"], name="audit_subject_at")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_name or 'panel'} {self.verb} {self.subject}"


class AuditHead(models.Model):
    """The last line of the chain, in one row; who writes the next line holds it."""

    ONE = 1

    number = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="audit_head_is_one")]

    def __str__(self) -> str:
        return f"line {self.number}"
