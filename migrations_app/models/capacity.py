"""How full nodes and containers were: raw samples for days, packed roll-ups for months, and where each node stands."""

from __future__ import annotations

from django.db import models

from migrations_app.models.execution import Migration
from migrations_app.models.inventory import Node


class Round(models.Model):
    """A recurring piece of work that concerns the whole fleet; schedules.py rings for it."""

    class Name(models.TextChoices):
        SAMPLE = "sample", "Sample the nodes"
        ROLL_UP = "roll_up", "Roll samples up"
        THIN = "thin", "Thin out what is old"
        PLAN_PAIRS = "plan_pairs", "Choose the night's pairs"
        PAIRS = "pairs", "Begin checks of pairs"

    name = models.CharField(max_length=10, choices=Name.choices, unique=True)
    next_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class Reading(models.Model):
    """What a node said at one moment, counters as they were: rates are made of two of them, whenever wanted."""

    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="readings")
    at = models.DateTimeField()
    body = models.BinaryField()  # capacity/packing.py reads it

    class Meta:
        constraints = [models.UniqueConstraint(fields=["node", "at"], name="reading_once_per_moment")]

    def __str__(self) -> str:
        return f"{self.node_id} at {self.at:%Y-%m-%d %H:%M:%S}"


class Chunk(models.Model):
    """All metrics of one node or container over one day, month or year, as packed arrays.

    A year of one container at the day's grain is one row, so a graph is one short range of the unique index.
    """

    class Kind(models.IntegerChoices):
        NODE = 1, "Node"
        CONTAINER = 2, "Container"

    class Grain(models.IntegerChoices):
        FIVE_MINUTES = 1, "5 minutes, a day in a row"
        HOUR = 2, "1 hour, a month in a row"
        DAY = 3, "1 day, a year in a row"

    kind = models.SmallIntegerField(choices=Kind.choices)
    subject = models.BigIntegerField()  # the primary key of the node or of the container
    grain = models.SmallIntegerField(choices=Grain.choices)
    starts_on = models.DateField()
    body = models.BinaryField()  # capacity/packing.py reads it

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "subject", "grain", "starts_on"], name="chunk_once_per_span")
        ]
        indexes = [models.Index(fields=["grain", "starts_on"], name="chunk_age")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.subject} from {self.starts_on}"


class Standing(models.Model):
    """Where a node stands: its last sample, its week, what is promised of it, and when it will be full."""

    node = models.OneToOneField(Node, on_delete=models.CASCADE, primary_key=True, related_name="standing")
    sampled_at = models.DateTimeField(null=True)
    # The class name of the failure of the last attempt, empty when it went well.
    missed = models.CharField(max_length=60, blank=True)
    missed_at = models.DateTimeField(null=True)
    rolled_up_until = models.DateTimeField(null=True)
    # Samples before this were put in by the lab and never measured.
    replayed_until = models.DateTimeField(null=True)
    # {metric: amount}: now, and the 95th percentile of the last seven days; a missing key is unknown.
    now = models.JSONField(default=dict)
    week = models.JSONField(default=dict)
    # {resource: amount}: what the node has, and what its containers may take together.
    total = models.JSONField(default=dict)
    promised = models.JSONField(default=dict)
    # {resource: [days, at the earliest, at the latest]}; null is "not in sight".
    full_in_days = models.JSONField(default=dict)
    # What each of its containers uses and is promised; capacity/fitting.py reads it.
    sizes = models.BinaryField(default=bytes)

    def __str__(self) -> str:
        return f"standing of {self.node_id}"


class MoveForecast(models.Model):
    """What the panel said of a migration before it began; what happened stands with the migration."""

    migration = models.OneToOneField(Migration, on_delete=models.CASCADE, primary_key=True, related_name="forecast")
    made_at = models.DateTimeField()
    basis = models.CharField(max_length=60)  # "pair", "nodes", "fleet" or "prior": whose history it was made of
    known_moves = models.PositiveIntegerField()
    size_mib = models.PositiveBigIntegerField(null=True)
    seconds = models.FloatField()
    seconds_low = models.FloatField()
    seconds_high = models.FloatField()
    freeze_seconds = models.FloatField()
    freeze_seconds_low = models.FloatField()
    freeze_seconds_high = models.FloatField()

    def __str__(self) -> str:
        return f"forecast of m{self.migration_id}"


class FillForecast(models.Model):
    """How much of a node's resource would be in use on a day, as said some days before; later, how much was."""

    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="fill_forecasts")
    resource = models.CharField(max_length=10)
    made_on = models.DateField()
    for_day = models.DateField()
    amount = models.FloatField()
    amount_low = models.FloatField()
    amount_high = models.FloatField()
    happened = models.FloatField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["node", "resource", "for_day"], name="fill_forecast_once"),
        ]
        indexes = [models.Index(fields=["for_day"], name="fill_forecast_day")]

    def __str__(self) -> str:
        return f"{self.resource} of {self.node_id} on {self.for_day}"
