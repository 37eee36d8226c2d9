from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from migrations_app.adapters.ssh_key import PanelKeyUnreadable, public_line, read_or_make_key


def test_it_makes_a_key_once(tmp_path: Path) -> None:
    path = tmp_path / "state" / "node_key"
    first = public_line(read_or_make_key(path))
    assert public_line(read_or_make_key(path)) == first
    assert first.startswith("ssh-ed25519 AAAA")
    assert first.endswith(" ovzpanel")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(file.name for file in path.parent.iterdir()) == ["node_key", "node_key.pub"]
    assert (path.parent / "node_key.pub").read_text() == f"{first}\n"


def test_two_first_starts_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "node_key"
    with ThreadPoolExecutor(8) as pool:
        lines = set(pool.map(lambda _: public_line(read_or_make_key(path)), range(8)))
    assert len(lines) == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == ["node_key", "node_key.pub"]


def test_it_refuses_a_key_that_others_may_read(tmp_path: Path) -> None:
    path = tmp_path / "node_key"
    read_or_make_key(path)
    path.chmod(0o644)
    with pytest.raises(PanelKeyUnreadable, match="chmod 600"):
        read_or_make_key(path)


def test_it_does_not_replace_a_damaged_key(tmp_path: Path) -> None:
    path = tmp_path / "node_key"
    path.write_text("damaged")
    path.chmod(0o600)
    with pytest.raises(PanelKeyUnreadable, match="remove the file"):
        read_or_make_key(path)
    assert path.read_text() == "damaged"
