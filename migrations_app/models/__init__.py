"""Records: one file per room; fields, constraints, querysets; no journeys."""

from __future__ import annotations

from migrations_app.models.addresses import Pool, Reservation, Segment
from migrations_app.models.approvals import Approval
from migrations_app.models.audit import AuditHead, AuditLine
from migrations_app.models.batches import Batch, BatchItem
from migrations_app.models.calendar_rules import FreezePeriod
from migrations_app.models.capacity import Chunk, FillForecast, MoveForecast, Reading, Round, Standing
from migrations_app.models.compatibility import PairCheck
from migrations_app.models.customers import Customer
from migrations_app.models.execution import Finding, Forward, LogLine, Mention, Migration, SeenService, StepRun
from migrations_app.models.inventory import Container, Node, Preparation
from migrations_app.models.notices import Notice
from migrations_app.models.placement import Alternative, Proposal
from migrations_app.models.zones import NameServer, Publication, UpdateKey, Zone, ZoneChange, ZoneContent

__all__ = [
    "Alternative",
    "Approval",
    "AuditHead",
    "AuditLine",
    "Batch",
    "BatchItem",
    "Chunk",
    "Container",
    "Customer",
    "FillForecast",
    "Finding",
    "Forward",
    "FreezePeriod",
    "LogLine",
    "Mention",
    "Migration",
    "MoveForecast",
    "NameServer",
    "Node",
    "Notice",
    "PairCheck",
    "Pool",
    "Preparation",
    "Proposal",
    "Publication",
    "Reading",
    "Reservation",
    "Round",
    "SeenService",
    "Segment",
    "Standing",
    "StepRun",
    "UpdateKey",
    "Zone",
    "ZoneChange",
    "ZoneContent",
]
