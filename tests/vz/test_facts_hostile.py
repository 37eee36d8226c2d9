"""Whatever a node answers: a value, or FactUnreadable, and soon."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrations_app.vz.facts import Answer, Fact, FactUnreadable
from tests.vz.captures import CASES, FACTS, read

ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "cpt_version_ok": (3,),
    "cpt_caps_ok": ("101", 7),
    "ssh_to": ("10.0.0.2", 4),
    "arp_owner": ("10.0.0.2",),
    "forward_state": ("10.0.0.2",),
    "ct_mentions": ("101", "10.0.0.2"),
    "work": (4,),
    "digest": (4, "archive.tar"),
}
QUESTIONS = [
    kind(*ARGUMENTS.get(name, ("101",) if name.startswith(("ct_", "fence_")) else ())) for name, kind in FACTS.items()
]
SEEDS = [case.with_suffix(".txt").read_bytes().decode() for case in CASES if "too_deep" not in case.name]
NASTY = ["\0", "\r", "\x1b[31m", "\u202e", "\ud800", "=", ":", "\n", '"', "\\", "٤", "1e999", "9" * 25, "-1", " "]

texts = st.text(max_size=300)
answers = st.builds(Answer, exit_code=st.integers(0, 255), output=texts, error=texts)


@st.composite
def mangled(draw: st.DrawFn) -> Answer:
    """A real answer with a piece cut out and something nasty in its place."""
    seed = draw(st.sampled_from(SEEDS))
    start = draw(st.integers(0, len(seed)))
    end = draw(st.integers(start, min(len(seed), start + 40)))
    return Answer(exit_code=0, output=seed[:start] + draw(st.sampled_from(NASTY) | texts) + seed[end:])


def strings_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if dataclasses.is_dataclass(value):
        return [text for field in dataclasses.fields(value) for text in strings_in(getattr(value, field.name))]
    if isinstance(value, Mapping):
        return [text for pair in value.items() for part in pair for text in strings_in(part)]
    return [text for inner in value for text in strings_in(inner)] if isinstance(value, tuple | frozenset) else []


def outcome(fact: Fact[Any], answer: Answer) -> Any:
    """Return the value, or the text of the refusal, which must be fit for a page."""
    try:
        return fact.read(answer)
    except FactUnreadable as refusal:
        text = str(refusal)
    assert len(text) < 700
    return text


@pytest.mark.parametrize("fact", QUESTIONS, ids=lambda fact: fact.name)
@given(answer=answers | mangled())
@settings(max_examples=120)
def test_it_raises_nothing_but_unreadable(fact: Fact[Any], answer: Answer) -> None:
    said = strings_in(outcome(fact, answer))
    # The configuration files are handed on as they are; everything else is fit to be shown and stored.
    if fact.name not in {"ct_config", "vzconf"}:
        assert not any(mark in text for text in said for mark in ("\x1b", "\0", "\u202e"))


LONG = 1024 * 1024
FLOODS = {
    "one_long_line": "a" * LONG,
    "blank_lines": "\n" * LONG,
    "spaces": " " * LONG,
    "quotes": '"' * LONG,
    "equals": "=" * LONG,
    "open_brackets": "[" * LONG,
    "open_objects": '{"a":' * (LONG // 5),
    "digits": "9" * LONG,
    "escapes": "\x1b[" * (LONG // 2),
    "short_lines": "a=1\n" * (LONG // 4),
    "hostname_lines": '"hostname": "' + " " * LONG,
    "hostname_blanks": '"hostname": "' + '" ' * (LONG // 2) + "x",
    "mac_like": "00:" * (LONG // 3),
    "statuses": "CTID 101 exist mounted running\n" * (LONG // 31),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_megabyte_of_anything_is_read_or_refused_soon(flood: str) -> None:
    started = time.perf_counter()
    for fact in QUESTIONS:
        outcome(fact, Answer(exit_code=0, output=FLOODS[flood], error=FLOODS[flood]))
    assert time.perf_counter() - started < 10


@given(hostname=st.text(st.characters(blacklist_characters="\n\r", blacklist_categories=["Cs"]), max_size=80))
@settings(max_examples=300)
def test_no_host_name_changes_another_field_or_adds_a_container(hostname: str) -> None:
    text = (
        '[\n  {\n    "ctid": 101,\n    "hostname": "' + hostname + '",\n    "ip": ["10.0.0.1"],\n'
        '    "status": "running"\n  },\n  {\n    "ctid": 102,\n    "status": "stopped"\n  }\n]\n'
    )
    try:
        first, second = FACTS["containers"]().read(Answer(exit_code=0, output=text))
    except FactUnreadable:
        return
    assert (first.ctid, first.addresses, first.status) == ("101", ("10.0.0.1",), "running")
    assert (second.ctid, second.status) == ("102", "stopped")


INJECTIONS = [
    'x"}, {"ctid": 999, "q": "',
    '", "status": "stopped", "q": "',
    'x", "ctid": 102, "y": "z',
    'x"\t,\t"ip": ["10.9.9.9"], "q": "',
]


@pytest.mark.parametrize("hostname", INJECTIONS)
def test_text_that_looks_like_json_stays_text(hostname: str) -> None:
    text = (
        '[\n  {\n    "ctid": 101,\n    "hostname": "' + hostname + '",\n    "ip": ["10.0.0.1"],\n'
        '    "status": "running"\n  }\n]\n'
    )
    (container,) = FACTS["containers"]().read(Answer(exit_code=0, output=text))
    assert (container.ctid, container.addresses, container.status) == ("101", ("10.0.0.1",), "running")
    assert container.hostname == " ".join(hostname.split())


def test_captures_are_valid() -> None:
    assert CASES
    for case in CASES:
        assert set(json.loads(case.read_text())) - {"unreadable", "value"} == {"args", "exit_code", "error"}
        read(case)
