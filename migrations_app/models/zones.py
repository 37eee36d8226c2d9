"""Names: who serves which zone, what was read there, and what was published."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from migrations_app.models.execution import Migration
from migrations_app.models.inventory import Container


class NameServer(models.Model):
    """A name server that is authoritative for zones of ours, as the panel reaches it."""

    name = models.CharField(max_length=253, unique=True)
    address = models.GenericIPAddressField()
    second_address = models.GenericIPAddressField(null=True, blank=True)  # of the other family
    port = models.PositiveIntegerField(default=53)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["address", "port"], name="name_server_address_once")]

    def __str__(self) -> str:
        return self.name


class UpdateKey(models.Model):
    """A TSIG key. Its secret is sealed (basics/cipher.py), in the context ``update key NAME``."""

    ALGORITHMS = ("hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-sha224", "hmac-sha1")

    name = models.CharField(max_length=253, unique=True)
    algorithm = models.CharField(max_length=20)
    sealed_secret = models.TextField()

    def __str__(self) -> str:
        return self.name


class Zone(models.Model):
    """A zone of ours; its name is kept without the dot at its end."""

    class Provider(models.TextChoices):
        RFC2136 = "rfc2136", "The panel updates it (RFC 2136)"
        MANUAL = "manual", "People change it, the panel looks"

    name = models.CharField(max_length=253, unique=True)
    provider = models.CharField(max_length=8, choices=Provider.choices)
    primary = models.ForeignKey(NameServer, on_delete=models.PROTECT, related_name="zones")
    secondaries = models.ManyToManyField(NameServer, related_name="followed_zones", blank=True)
    key = models.ForeignKey(UpdateKey, on_delete=models.PROTECT, null=True, related_name="zones")
    # Asked for one by one where the server gives no transfer.
    more_names = models.JSONField(default=list)

    next_read_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    serial = models.BigIntegerField(null=True)
    is_whole = models.BooleanField(default=True)  # False: read name by name
    record_count = models.PositiveIntegerField(default=0)
    # The class name of the failure of the last attempt, empty when it went well.
    fault = models.CharField(max_length=60, blank=True)
    fault_detail = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name

    @property
    def origin(self) -> str:
        return f"{self.name}."


class ZoneContent(models.Model):
    """The records of a zone as last read, apart from its row: lists of zones need not load them."""

    zone = models.OneToOneField(Zone, on_delete=models.CASCADE, primary_key=True, related_name="content")
    rrsets = models.JSONField(default=list)  # [name, type, ttl, [value, ...]]

    def __str__(self) -> str:
        return f"content of {self.zone_id}"


class PublicationQuerySet(models.QuerySet["Publication"]):
    def busy(self) -> Self:
        return self.filter(state__in=Publication.BUSY_STATES)

    def due(self, now: datetime) -> Self:
        free = Q(lease_until=None) | Q(lease_until__lt=now)
        return self.busy().filter(free, next_look_at__lte=now)


class Publication(models.Model):
    """A difference, and what became of it; states change in zones.publications only."""

    class Kind(models.TextChoices):
        SWITCH = "switch", "Change addresses"
        LOWER = "lower", "Lower TTLs"
        RESTORE = "restore", "Restore TTLs"

    class State(models.TextChoices):
        WAITING = "waiting", "Being worked out"
        READY = "ready", "To be looked at"
        PUBLISHING = "publishing", "Being published"
        PUBLISHED = "published", "Published, not yet seen everywhere"
        VERIFIED = "verified", "Seen at every server"
        UNDOING = "undoing", "Being undone"
        UNDONE = "undone", "Undone"
        STALE = "stale", "Void: the zone has changed"
        FAILED = "failed", "Not to be had"

    BUSY_STATES = (State.WAITING, State.PUBLISHING, State.PUBLISHED, State.UNDOING)
    IN_FORCE = (State.PUBLISHED, State.VERIFIED)

    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.SWITCH)
    # Lowered for, or restored after, this one.
    of = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="ttl_changes")
    container = models.ForeignKey(Container, on_delete=models.SET_NULL, null=True, related_name="publications")
    # The migration that it belongs to, and that publishes it when the time has come.
    migration = models.ForeignKey(Migration, on_delete=models.SET_NULL, null=True, related_name="publications")
    pairs = models.JSONField(default=list)  # [[old address, new address or ""], ...]
    names = models.JSONField(default=list)  # asked of a resolver, for what lies in zones of others
    ttl_seconds = models.PositiveIntegerField(null=True)  # no changed record keeps a longer one; null: as they were
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    plan = models.JSONField(null=True)  # zones/plan.py
    digest = models.CharField(max_length=64, blank=True)
    # [[failure name, text, whether a person may lift it], ...]
    objections = models.JSONField(default=list)
    made_at = models.DateTimeField(null=True)
    is_forced = models.BooleanField(default=False)

    published_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    # When no cache that keeps to the rules knows the old values (or TTLs) any more; known once verified.
    settled_at = models.DateTimeField(null=True)
    # What the world says of names in others' zones: [[whether it is as wished, text], ...]
    elsewhere_seen = models.JSONField(default=list)
    # A failure name (a runbook page), and what was seen.
    failure = models.CharField(max_length=60, blank=True)
    failure_detail = models.TextField(blank=True)
    tries = models.PositiveIntegerField(default=0)
    next_look_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)

    objects = PublicationQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["state", "next_look_at"], name="publication_due")]

    def __str__(self) -> str:
        return f"d{self.pk}"

    @property
    def is_busy(self) -> bool:
        return self.state in self.BUSY_STATES

    @property
    def blocking(self) -> list[list[object]]:
        """Objections that stand: those a person lifted are left out."""
        return [one for one in self.objections if not (self.is_forced and one[2])]

    @property
    def lifted(self) -> list[list[object]]:
        """Objections that a person has lifted."""
        return [one for one in self.objections if self.is_forced and one[2]]


class ZoneChange(models.Model):
    """What a publication did to one zone; what it was before stands in the plan, and so does the way back."""

    class State(models.TextChoices):
        PENDING = "pending", "Not yet"
        BY_HAND = "by_hand", "By hand"
        DONE = "done", "Done"
        UNDONE = "undone", "Undone"
        REFUSED = "refused", "Refused"

    publication = models.ForeignKey(Publication, on_delete=models.CASCADE, related_name="zone_changes")
    zone = models.ForeignKey(Zone, on_delete=models.PROTECT, related_name="changes")
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    serial = models.BigIntegerField(null=True)  # the zone's after the change
    # [[server, address, serial, [trouble, ...]], ...] as last looked at
    seen = models.JSONField(default=list)
    detail = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["publication", "zone"], name="zone_change_once")]

    def __str__(self) -> str:
        return f"{self.publication_id} in {self.zone_id}"
