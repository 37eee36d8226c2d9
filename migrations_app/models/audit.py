"""Who did what, when, and why."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class AuditLine(models.Model):
    """One act of a person or of the panel itself; written by audit.trail only, never changed."""

    at = models.DateTimeField(db_index=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    verb = models.CharField(max_length=40)
    subject = models.CharField(max_length=200)
    detail = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["subject", "at"], name="audit_subject_at")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor or 'panel'} {self.verb} {self.subject}"
