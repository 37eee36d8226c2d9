"""What others wrote and we serve is byte for byte what they published, under the version we name."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pytest

VENDOR = Path(__file__).resolve().parents[2] / "static" / "vendor"
LISTED = [line.split(maxsplit=2) for line in (VENDOR / "VERSIONS").read_text().splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(("name", "wanted"), [line[:2] for line in LISTED])
def test_it_is_the_file_that_was_published(name: str, wanted: str) -> None:
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == wanted


def test_it_lists_every_file() -> None:
    assert {line[0] for line in LISTED} == {path.name for path in VENDOR.iterdir()} - {"VERSIONS"}


@pytest.mark.parametrize("packed", sorted(VENDOR.glob("*.gz")), ids=lambda path: path.name)
def test_the_packed_twin_holds_the_same_bytes(packed: Path) -> None:
    assert gzip.decompress(packed.read_bytes()) == packed.with_suffix("").read_bytes()
