"""Each capture is what a tool printed (.txt), how it ended, and what must be read from it (.json)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from migrations_app.vz.facts import FactUnreadable
from tests.vz.captures import CASES, FACTS, read


def plain(value: Any) -> Any:
    """Return the value as JSON has it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    return [plain(inner) for inner in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.stem}")
def test_it_reads_what_the_tool_printed(case: Path) -> None:
    wanted, fact, answer = read(case)
    if "unreadable" in wanted:
        with pytest.raises(FactUnreadable) as refusal:
            fact.read(answer)
        assert wanted["unreadable"] in str(refusal.value)
        assert str(refusal.value).startswith(fact.words)
    else:
        assert plain(fact.read(answer)) == wanted["value"]


def test_every_fact_has_a_capture() -> None:
    assert {case.parent.name for case in CASES} == set(FACTS)
