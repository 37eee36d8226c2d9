"""A trail that was written before there was a chain."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres.server import server

ROOT = Path(__file__).parents[2]
OLD_LINES = """
from django.db import connection
with connection.cursor() as cursor:
    for number in range(5):
        cursor.execute(
            "INSERT INTO migrations_app_auditline (at, verb, subject, detail) VALUES (%s, 'pause', 'm1', %s)",
            [f"2026-01-0{number + 1} 10:00:00+00:00", '{"share": 1.0, "after": 1e22}'],
        )
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'panel.sqlite3'}"
    else:
        with server() as url:
            yield url


def test_it_is_chained_and_can_be_added_to(database: str) -> None:
    def manage(*words: str, said: str = "") -> str:
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": database},
            input=said,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    manage("migrate", "migrations_app", "0007_compatibility")
    manage("shell", "--no-imports", said=OLD_LINES)
    manage("migrate")
    assert "5 lines" in manage("audit", "verify")
    manage("add_customer", "Shop", "owner@shop.example", "--time-zone", "UTC")
    assert "6 lines" in manage("audit", "verify")
    manage("migrate", "migrations_app", "0007_compatibility")
