from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

import pytest

from lab.dataset import Dataset, change, make

SMALL = Dataset(total_bytes=4 << 20, files=500, seed=7)


def files_of(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


def digest(directory: Path) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in files_of(directory))).hexdigest()


def test_it_makes_exactly_so_many_files_and_bytes(tmp_path: Path) -> None:
    make(tmp_path / "set", SMALL)
    sizes = [path.stat().st_size for path in files_of(tmp_path / "set")]
    assert (len(sizes), sum(sizes)) == (500, 4 << 20)
    assert max(sizes) > 10 * sorted(sizes)[250]


def test_about_half_of_it_is_compressible(tmp_path: Path) -> None:
    make(tmp_path / "set", SMALL)
    pieces = [path.read_bytes() for path in files_of(tmp_path / "set")]
    shrinking = sum(len(zlib.compress(piece)) < 0.8 * len(piece) for piece in pieces)
    assert 180 < shrinking < 320


def test_the_same_seed_makes_the_same_data_and_another_does_not(tmp_path: Path) -> None:
    make(tmp_path / "one", SMALL)
    make(tmp_path / "two", SMALL)
    make(tmp_path / "three", Dataset(total_bytes=4 << 20, files=500, seed=8))
    assert digest(tmp_path / "one") == digest(tmp_path / "two") != digest(tmp_path / "three")


def test_a_change_touches_its_share_of_files_and_no_size(tmp_path: Path) -> None:
    make(tmp_path / "set", SMALL)
    before = {path: path.read_bytes() for path in files_of(tmp_path / "set")}
    assert change(tmp_path / "set", SMALL, share=0.02, seed=1) == 10
    after = {path: path.read_bytes() for path in files_of(tmp_path / "set")}
    assert sum(after[path] != before[path] for path in before) == 10
    assert all(len(after[path]) == len(before[path]) for path in before)


def test_more_files_than_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="20000 files of at least 64 bytes do not make 1000"):
        Dataset(total_bytes=1000, files=20000)
