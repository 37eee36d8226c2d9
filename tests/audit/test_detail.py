from __future__ import annotations

import json

import pytest

from migrations_app.audit import detail


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"password": "hunter2"}, {"password": detail.HIDDEN}),
        ({"before": {"tsig_secret": "abc="}}, {"before": {"tsig_secret": detail.HIDDEN}}),
        ({"key": "-----BEGIN OPENSSH PRIVATE KEY-----\nabc"}, {"key": detail.HIDDEN}),
        ({"host_key": "ssh-ed25519 AAAA"}, {"host_key": "ssh-ed25519 AAAA"}),
        ({"secret": ""}, {"secret": ""}),
    ],
)
def test_secrets_are_not_kept(given: dict[str, object], kept: dict[str, object]) -> None:
    assert detail.fit(given) == kept


def test_it_is_bounded() -> None:
    deep: dict[str, object] = {}
    for _ in range(50):
        deep = {"in": deep}
    kept = detail.fit({"text": "x" * 10**6, "list": list(range(10**5)), "deep": deep})
    assert len(kept["text"]) == detail.LONGEST_TEXT
    assert len(kept["list"]) == detail.MOST_PARTS
    assert len(json.dumps(kept)) < 10_000


def test_what_a_database_refuses_is_left_out() -> None:
    assert detail.clean("a\0b\ud800c") == "ab?c"
