from __future__ import annotations

import json
import subprocess
import sys

import pytest

from migrations_app.basics.digests import canonical_json, sha256_hex


def test_equal_values_have_one_text() -> None:
    assert canonical_json({"b": [1.0, None], "a": {"y": True, "x": "é"}}) == (
        b'{"a":{"x":"\\u00e9","y":true},"b":[1,null]}'
    )
    assert canonical_json({"a": 1, "b": 2}) == canonical_json({"b": 2, "a": 1})


@pytest.mark.parametrize(
    ("number", "written"),
    [(5.0, "5.0"), (1e22, "10000000000000000000000"), (-0.0, "0"), (0.1, "0.1"), (1e-7, "0.0000001"), (1e3, "1000.0")],
)
def test_a_number_is_the_same_after_a_database_wrote_it_its_way(number: float, written: str) -> None:
    assert canonical_json([number]) == canonical_json([json.loads(written)])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1: "a"}, object(), b"x", {"a": {2, 3}}])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        canonical_json(value)


def test_the_digest_is_the_same_in_another_process() -> None:
    code = (
        "from migrations_app.basics.digests import *; print(sha256_hex(canonical_json({'a': {'y', } and 1, 'b': [2]})))"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == sha256_hex(canonical_json({"b": [2], "a": 1}))
