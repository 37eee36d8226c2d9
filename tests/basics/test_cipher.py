"""Secrets at rest."""

from __future__ import annotations

import pytest

from migrations_app.basics.cipher import SecretUnreadable, seal, unseal


def test_it_opens_what_it_sealed_and_shows_nothing_meanwhile() -> None:
    sealed = seal("canary", keys=["key"], context="update key a")
    assert "canary" not in sealed
    assert unseal(sealed, keys=["key"], context="update key a") == "canary"


def test_it_never_seals_twice_alike() -> None:
    assert seal("canary", keys=["key"], context="a") != seal("canary", keys=["key"], context="a")


def test_an_old_key_opens_until_it_is_taken_away() -> None:
    sealed = seal("canary", keys=["old"], context="a")
    assert unseal(sealed, keys=["new", "old"], context="a") == "canary"
    with pytest.raises(SecretUnreadable):
        unseal(sealed, keys=["new"], context="a")


def test_a_secret_opens_in_its_own_row_only() -> None:
    sealed = seal("canary", keys=["key"], context="update key a")
    with pytest.raises(SecretUnreadable, match="update key b"):
        unseal(sealed, keys=["key"], context="update key b")


@pytest.mark.parametrize("spoil", ["", "v1:", "v2:AAAA", "v1:%%%", "v1:AAAA", "canary"])
def test_what_was_never_sealed_does_not_open(spoil: str) -> None:
    with pytest.raises(SecretUnreadable):
        unseal(spoil, keys=["key"], context="a")


def test_a_changed_bit_is_noticed() -> None:
    sealed = seal("canary", keys=["key"], context="a")
    with pytest.raises(SecretUnreadable):
        unseal(sealed[:-6] + ("A" if sealed[-6] != "A" else "B") + sealed[-5:], keys=["key"], context="a")
