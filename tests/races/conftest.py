from __future__ import annotations

import pytest
from django.conf import settings


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """SQLite lets one writer in at a time; test_on_postgresql runs these on a server."""
    if settings.DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
        for item in items:
            if "/tests/races/" in str(item.path):
                item.add_marker(pytest.mark.skip(reason="needs PostgreSQL: tests/postgres runs it there"))
