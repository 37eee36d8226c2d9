from __future__ import annotations

import pytest

from ovzpanel import settings


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, ["addresses", "batches"]), ("", []), ("batches", ["batches"]), (" batches , ", ["batches"])],
)
def test_what_needs_a_second_person_is_a_choice(
    monkeypatch: pytest.MonkeyPatch, text: str | None, words: list[str]
) -> None:
    monkeypatch.delenv("OVZ_APPROVAL_FOR", raising=False)
    if text is not None:
        monkeypatch.setenv("OVZ_APPROVAL_FOR", text)
    assert settings._approval_for() == words


def test_a_misspelt_word_does_not_silently_ask_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVZ_APPROVAL_FOR", "batch")
    with pytest.raises(ValueError, match="batch is none of"):
        settings._approval_for()
