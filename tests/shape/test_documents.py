"""What the documents list is what there is."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Set by the lab and by CI; nobody deploys with them. DEBUG is for the one who develops.
NOT_FOR_OPERATORS = {"OVZ_LAB", "OVZ_DEPLOY_CHECK", "DEBUG"}
# Folders that Django names and finds by itself.
DJANGO_S_OWN = {"migrations", "templatetags"}


def _settings_read() -> set[str]:
    """The names by which settings.py asks the environment: env.KIND("NAME", ...), or a helper of its own."""
    nodes = ast.walk(ast.parse((ROOT / "ovzpanel/settings.py").read_text()))
    first = [node.args[0] for node in nodes if isinstance(node, ast.Call) and node.args]
    words = {word.value for word in first if isinstance(word, ast.Constant) and isinstance(word.value, str)}
    return {word for word in words if re.fullmatch(r"[A-Z][A-Z_]+", word)}


def _rows(document: str, head: str) -> list[str]:
    """The first column of the table with this head."""
    lines = (ROOT / "docs" / document).read_text().splitlines()
    table = lines[lines.index(head) + 2 :]
    end = next((number for number, line in enumerate(table) if not line.startswith("|")), len(table))
    return [line.split("|")[1].strip() for line in table[:end]]


def test_every_setting_is_in_the_table_of_the_guide() -> None:
    read = _settings_read()
    assert {"SECRET_KEY", "OVZ_NODE_NETWORKS", "OVZ_RETENTION_DAYS"} <= read
    told = re.findall(r"`([A-Z_]+)`", " ".join(_rows("deploy.md", "| name | meaning | default |")))
    assert set(told) == read - NOT_FOR_OPERATORS
    assert len(told) == len(set(told))


def test_a_word_has_one_line_in_the_glossary() -> None:
    rows = _rows("glossary.md", "| word | meaning |")
    words = Counter(word for row in rows for word in re.sub(r" \(.*?\)", "", row).split(", "))
    assert len(words) > 100
    assert [word for word, count in words.items() if count > 1] == []


def test_every_room_is_in_the_house() -> None:
    house = (ROOT / "CONTRIBUTING.md").read_text().split("## The house")[1].split("## ")[0]
    rooms = {path.parent.name for path in (ROOT / "migrations_app").glob("*/__init__.py")} - DJANGO_S_OWN
    assert len(rooms) > 15
    assert {room for room in rooms if not re.search(rf"\b{room}/", house)} == set()
