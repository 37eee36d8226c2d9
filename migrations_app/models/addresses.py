"""Where addresses can live: segments of the network, pools to give from, and what is promised to a move."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q

from migrations_app.models.execution import Migration
from migrations_app.models.inventory import Container, Node


class Segment(models.Model):
    """One wire: nodes on it hear each other, and an address of its networks can live on any of them."""

    name = models.CharField(max_length=63, unique=True)
    networks = models.JSONField(default=list)  # canonical: ["192.0.2.0/24", "2001:db8::/64"]
    nodes = models.ManyToManyField(Node, related_name="segments")

    def __str__(self) -> str:
        return self.name


class Pool(models.Model):
    """A span of addresses of a segment from which the panel may give."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="pools")
    first = models.GenericIPAddressField()
    last = models.GenericIPAddressField()
    # For containers of this node alone; null: for all nodes of the segment.
    node = models.ForeignKey(Node, on_delete=models.PROTECT, null=True, related_name="+")
    left_out = models.JSONField(default=list)  # [[address, what it is], ...]: the gateway, and whatever else is fixed

    class Meta:
        constraints = [models.UniqueConstraint(fields=["first"], name="pool_begins_once")]

    def __str__(self) -> str:
        return self.first if self.first == self.last else f"{self.first} to {self.last}"


class ReservationQuerySet(models.QuerySet["Reservation"]):
    def open(self) -> Self:
        return self.filter(released_at=None)


class Reservation(models.Model):
    """An address promised to one container; the database lets it be promised once at a time."""

    address = models.GenericIPAddressField()
    container = models.ForeignKey(Container, on_delete=models.CASCADE, related_name="reservations")
    migration = models.ForeignKey(Migration, on_delete=models.SET_NULL, null=True, related_name="reservations")
    reserved_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)  # given back, or seen at its container

    objects = ReservationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["address"], condition=Q(released_at=None), name="address_reserved_once"),
        ]

    def __str__(self) -> str:
        return f"{self.address} for {self.container_id}"
