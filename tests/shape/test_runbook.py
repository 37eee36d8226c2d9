"""Every failure that has a name has a page, and every page a name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrations_app.templatetags.shown import kebab

ROOT = Path(__file__).resolve().parents[2]
CODE = ROOT / "migrations_app"
PAGES = ROOT / "docs" / "runbook"
# Errors that never reach a person: caught and answered inside, or families of those that do.
INSIDE = frozenset(
    {"ShellError", "GateError", "NodeFault", "LeaseTaken", "LeaseLost", "IllegalChange", "ChangedMeanwhile"}
    | {"BadValue", "NotIdentical", "OpFailed", "Unreadable"}
    | {"NameServerError", "PlanObjection", "BadName", "NotReadable", "Superseded", "_TooMany"}
)
SECTIONS = ("**What it means.**", "**What the panel did.**", "**What to do.**")
LONGEST_PAGE = 40


def _trees() -> Iterator[ast.AST]:
    for path in sorted(CODE.rglob("*.py")):
        yield ast.parse(path.read_text(), str(path))


def _failures() -> set[str]:
    """The names that outcomes and states are given: Failed(name=...), failure=..., park(walk, "...")."""
    calls = (node for tree in _trees() for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {name for call in calls for name in _names_in(call)}


def _names_in(call: ast.Call) -> Iterator[str]:
    called = getattr(call.func, "id", getattr(call.func, "attr", ""))
    for keyword in call.keywords:
        if keyword.arg == "failure" or (keyword.arg == "name" and called == "Failed"):
            yield from _words(keyword.value)
    if called in {"_park", "_park_or_back"}:
        for argument in call.args:
            yield from _words(argument)


def _words(value: ast.expr) -> Iterator[str]:
    """A name stands there as a word, or as one of two behind an if."""
    if isinstance(value, ast.IfExp):
        yield from (*_words(value.body), *_words(value.orelse))
    elif isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value[:1].isupper():
        yield value.value


def _all_errors() -> set[str]:
    """The error classes that the code defines, each by its own name."""
    bases: dict[str, set[str]] = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {"Exception", "ValueError"}
    while grown := {name for name, parents in bases.items() if parents & found and name not in found}:
        found |= grown
    return found - {"Exception", "ValueError"}


ERRORS = _all_errors()
NAMES = sorted(_failures() | (ERRORS - INSIDE))


def test_the_code_is_understood() -> None:
    assert {"RunsOnBoth", "RunsOnTarget", "InternalError", "Blocked", "NodeUnreachable", "ScheduleRefused"} <= set(
        NAMES
    )


def test_every_error_that_stays_inside_still_exists() -> None:
    """One that went, or got another name, would excuse the next that is called so."""
    assert not INSIDE - ERRORS


@pytest.mark.parametrize("name", NAMES)
def test_every_failure_has_a_page(name: str) -> None:
    assert (PAGES / f"{kebab(name)}.md").is_file(), f"write docs/runbook/{kebab(name)}.md"


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.stem)
def test_every_page_is_of_use_at_night(page: Path) -> None:
    text = page.read_text()
    assert page.stem in {kebab(name) for name in NAMES}, "no failure has this name any more"
    assert text.startswith("# ")
    places = [text.find(section) for section in SECTIONS]
    assert -1 not in places
    assert places == sorted(places)
    assert text.count("\n") <= LONGEST_PAGE


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.stem)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = [part.partition(")")[0] for part in page.read_text().split("](")[1:]]
    assert [target for target in targets if not (page.parent / target).is_file()] == []
