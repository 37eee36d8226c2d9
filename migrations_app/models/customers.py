"""The people whose containers move."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Customer(models.Model):
    """Somebody who owns containers; the sign-in is optional, the address is not."""

    name = models.CharField(max_length=120)
    email = models.EmailField()
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="customer"
    )
    time_zone = models.CharField(max_length=64, default="UTC")

    def __str__(self) -> str:
        return self.name
