"""The database itself refuses to change the trail."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection

from migrations_app.audit import chain
from migrations_app.models import AuditLine
from tests.audit.stage import TABLE, schema, write_lines

pytestmark = pytest.mark.django_db


def test_it_refuses_to_change_a_line() -> None:
    write_lines(2)
    with pytest.raises(IntegrityError, match="append-only"):
        AuditLine.objects.filter(number=1).update(verb="another")


@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}"])
def test_it_refuses_to_drop_lines(statement: str) -> None:
    if statement.startswith("TRUNCATE") and connection.vendor != "postgresql":
        pytest.skip("SQLite has no TRUNCATE")
    write_lines(2)
    connection.check_constraints()  # what waits for the end of the transaction stands in the way of a TRUNCATE
    with connection.cursor() as cursor:
        # The one that conftest takes away.
        cursor.execute(next(words for words in schema.TRIGGERS[connection.vendor] if "audit_line_kept" in words))
        with pytest.raises(IntegrityError, match="append-only"):
            cursor.execute(statement.format(TABLE))


def test_it_takes_new_lines_all_the_same() -> None:
    write_lines(2)
    write_lines(2)
    assert chain.head().number == 4
