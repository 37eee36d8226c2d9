"""When work must not happen."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from migrations_app.models.customers import Customer
from migrations_app.models.inventory import Node


class FreezePeriod(models.Model):
    """A time in which nothing new begins: everywhere, on one node, or with one customer's containers."""

    name = models.CharField(max_length=120)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    node = models.ForeignKey(Node, on_delete=models.CASCADE, null=True, blank=True, related_name="freeze_periods")
    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, null=True, blank=True, related_name="freeze_periods"
    )
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="freeze_period_ends_after_start"),
            models.CheckConstraint(condition=Q(node=None) | Q(customer=None), name="freeze_period_has_one_scope"),
        ]
        indexes = [models.Index(fields=["ends_at"], name="freeze_period_end")]

    def __str__(self) -> str:
        return self.name
