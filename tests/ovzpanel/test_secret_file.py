from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from ovzpanel.secret_file import make_private, read_or_make_secret


def test_it_makes_a_secret_once_and_reads_it_ever_after(tmp_path: Path) -> None:
    path = tmp_path / "state" / "secret_key"
    first = read_or_make_secret(path)
    assert len(first) >= 64
    assert read_or_make_secret(path) == first


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    read_or_make_secret(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_all_who_race_get_the_same_secret_and_leave_no_drafts(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: read_or_make_secret(path), range(32)))
    assert len(found) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret_key"]


def test_the_database_and_its_log_are_nobody_elses_to_read(tmp_path: Path) -> None:
    path = tmp_path / "state" / "panel.sqlite3"
    make_private(path)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE kept (secret TEXT)")
        modes = {entry.name: entry.stat().st_mode & 0o777 for entry in path.parent.iterdir()}
    assert modes == {"panel.sqlite3": 0o600, "panel.sqlite3-wal": 0o600, "panel.sqlite3-shm": 0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700
