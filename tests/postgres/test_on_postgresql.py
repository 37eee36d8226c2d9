"""What SQLite cannot show: the engine, the verbs and the races once more, on a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.postgres.server import server

pytestmark = pytest.mark.postgres

ROOT = Path(__file__).parents[2]
# Long, and about Python's side of things.
LEFT_OUT = ("tests/execution/test_die_anywhere.py", "tests/batches/test_killed_anywhere.py")
ROOMS = (
    "races",
    "audit",
    "approvals",
    "execution",
    "usecases",
    "notices",
    "inventory",
    "capacity",
    "batches",
    "calendar_rules",
    "compatibility",
    "zones",
    "addresses",
)


def test_everything_that_writes_rows_works_on_postgresql() -> None:
    rooms = [f"tests/{room}" for room in ROOMS if (ROOT / "tests" / room).is_dir()]
    left_out = [f"--ignore={path}" for path in LEFT_OUT]
    with server() as url:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs", *left_out, *rooms],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url},
            check=False,
            capture_output=True,
            text=True,
            timeout=1800,
        )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "SKIPPED" not in done.stdout, done.stdout[-2000:]
