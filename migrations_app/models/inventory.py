"""What exists: nodes and the containers last seen on them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from migrations_app.models.customers import Customer


class Node(models.Model):
    """A hardware node, as staff named it and as the last scan found it."""

    class State(models.TextChoices):
        NEW = "new", "Asking for its host key"
        KEY_OFFERED = "key_offered", "Compare its host key"
        KEY_PINNED = "key_pinned", "Install the gate"
        READY = "ready", "Ready"

    class Duty(models.TextChoices):
        IN_SERVICE = "in_service", "In service"
        DRAINING = "draining", "Draining"
        MAINTENANCE = "maintenance", "Maintenance"

    name = models.CharField(max_length=63, unique=True)
    address = models.CharField(max_length=253)
    port = models.PositiveIntegerField(default=22)
    state = models.CharField(max_length=16, choices=State.choices, default=State.NEW)
    # One line as in a public key file: "ssh-ed25519 AAAA...".
    # Offered: what the node showed; pinned: what a person compared.
    offered_host_key = models.TextField(blank=True)
    host_key = models.TextField(blank=True)

    next_scan_at = models.DateTimeField(null=True)
    scanned_at = models.DateTimeField(null=True)
    # The class name of the failure of the last attempt to reach or read the node, empty when it went well.
    fault = models.CharField(max_length=60, blank=True)
    fault_detail = models.TextField(blank=True)

    kernel = models.CharField(max_length=120, blank=True)
    architecture = models.CharField(max_length=20, blank=True)
    cpu_count = models.PositiveIntegerField(null=True)
    load_1m = models.FloatField(null=True)
    memory_total_mib = models.PositiveBigIntegerField(null=True)
    memory_available_mib = models.PositiveBigIntegerField(null=True)
    disk_total_mib = models.PositiveBigIntegerField(null=True)
    disk_free_mib = models.PositiveBigIntegerField(null=True)
    inodes_total = models.PositiveBigIntegerField(null=True)
    inodes_free = models.PositiveBigIntegerField(null=True)
    network_rx_bytes = models.PositiveBigIntegerField(null=True)
    network_tx_bytes = models.PositiveBigIntegerField(null=True)
    link_mbps = models.PositiveIntegerField(null=True)
    clock_offset_seconds = models.FloatField(null=True)
    ntp_client = models.CharField(max_length=40, blank=True)
    can_checkpoint = models.BooleanField(null=True)
    # Tool name to version; a missing tool has an empty version.
    tools = models.JSONField(default=dict)
    # What live moves depend on beside these: processor flags and loaded modules, as far as they matter.
    cpu_flags = models.JSONField(default=list)
    modules = models.JSONField(default=list)

    # Draining: to be empty, and nothing comes. In maintenance: the same, and nobody wonders when it is silent.
    duty = models.CharField(max_length=12, choices=Duty.choices, default=Duty.IN_SERVICE)
    duty_since = models.DateTimeField(null=True)
    duty_note = models.CharField(max_length=500, blank=True)
    # How much of it may be used, in percent; null: as everywhere.
    cpu_limit_percent = models.PositiveIntegerField(null=True)
    memory_limit_percent = models.PositiveIntegerField(null=True)
    disk_limit_percent = models.PositiveIntegerField(null=True)
    # How many virtual CPUs are sold for each processor.
    cpu_overcommit = models.FloatField(default=1.0)
    tags = models.JSONField(default=list)  # what it offers: words that containers may require

    class Meta:
        constraints = [models.UniqueConstraint(fields=["address", "port"], name="node_address_once")]

    def __str__(self) -> str:
        return self.name


class Container(models.Model):
    """A container where it was last seen; the row moves along when the container does."""

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        STOPPED = "stopped", "Stopped"
        MOUNTED = "mounted", "Mounted"
        SUSPENDED = "suspended", "Suspended"
        PAUSED = "paused", "Paused"
        UNKNOWN = "unknown", "Unknown"

    ctid = models.CharField(max_length=36, db_column="ct_number")  # PostgreSQL has a column ctid of its own
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="containers")
    owner = models.ForeignKey(Customer, on_delete=models.SET_NULL, null=True, blank=True, related_name="containers")

    hostname = models.CharField(max_length=253, blank=True)
    name = models.CharField(max_length=120, blank=True)
    description = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.UNKNOWN)
    addresses = models.JSONField(default=list)
    layout = models.CharField(max_length=10, blank=True)
    os_template = models.CharField(max_length=120, blank=True)
    onboot = models.BooleanField(null=True)
    memory_held_mib = models.PositiveBigIntegerField(null=True)
    memory_limit_mib = models.PositiveBigIntegerField(null=True)  # null: unlimited or unknown
    disk_used_mib = models.PositiveBigIntegerField(null=True)
    disk_limit_mib = models.PositiveBigIntegerField(null=True)
    inodes_used = models.PositiveBigIntegerField(null=True)
    cpus = models.PositiveIntegerField(null=True)
    cpu_limit_percent = models.PositiveIntegerField(null=True)

    # What the planner has to keep to: stays where it is; needs a node with these tags; never beside one of its group.
    pinned = models.BooleanField(default=False)
    pin_reason = models.CharField(max_length=500, blank=True)
    requires = models.JSONField(default=list)
    apart_group = models.CharField(max_length=60, blank=True)

    first_seen_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)  # vanished from its node; kept, not deleted
    # Set when a scan found it on another node than the panel last knew, and nobody had asked the panel to move it.
    moved_by_hand_at = models.DateTimeField(null=True)
    moved_from = models.ForeignKey(Node, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["node", "ctid"], condition=Q(gone_at=None), name="container_once_per_node"),
        ]

    def __str__(self) -> str:
        return f"{self.ctid} ({self.hostname})" if self.hostname else self.ctid


class Preparation(models.Model):
    """Something a node lacks, offered for installation and done after a person's yes."""

    class State(models.TextChoices):
        OFFERED = "offered", "Offered"
        ACCEPTED = "accepted", "Accepted"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="preparations")
    need = models.CharField(max_length=20)  # rsync, vzdump, ntp
    command = models.TextField()  # exactly what will be run
    state = models.CharField(max_length=10, choices=State.choices, default=State.OFFERED)
    attempt = models.PositiveIntegerField(default=1)
    detail = models.TextField(blank=True)
    next_look_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["node", "need"], name="preparation_once_per_need")]

    def __str__(self) -> str:
        return f"{self.need} on {self.node}"
