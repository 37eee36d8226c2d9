"""A chain of a few lines, and somebody who tampers with it past the panel, as the owner of the database can."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import connection

from migrations_app.audit import trail
from migrations_app.models import AuditLine
from tests.fakes.clock import START

TABLE = AuditLine._meta.db_table
schema = importlib.import_module("migrations_app.migrations.0008_audit_chain")


def write_lines(count: int, actor: User | None = None) -> None:
    for number in range(1, count + 1):
        trail.record(
            "set_owner", f"ct {number}", actor=actor, now=START + timedelta(minutes=number), before=None, after=number
        )


@contextmanager
def unguarded() -> Iterator[None]:
    """Take the trigger against changes away, as only the owner of the table can."""
    of_table = f" ON {TABLE}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER audit_line_unchanged{of_table}")
        yield
        cursor.execute(next(words for words in schema.TRIGGERS[connection.vendor] if "audit_line_unchanged" in words))


def tamper(statement: str, *values: object) -> None:
    with unguarded(), connection.cursor() as cursor:
        cursor.execute(statement.replace("LINES", TABLE), values)
