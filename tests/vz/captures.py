"""What tools printed, as files, and the questions they answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from migrations_app.vz import facts
from migrations_app.vz.facts import Answer, Fact

CAPTURES = Path(__file__).parents[1] / "captures" / "vz"
LOGS = Path(__file__).parents[1] / "captures" / "vz_logs"
FACTS = {
    kind.name: kind
    for name in facts.__all__
    if isinstance(kind := getattr(facts, name), type) and issubclass(kind, Fact) and hasattr(kind, "name")
}
CASES = sorted(CAPTURES.glob("*/*.json"))


def read(case: Path) -> tuple[dict[str, Any], Fact[Any], Answer]:
    wanted = json.loads(case.read_text())
    fact = FACTS[case.parent.name](*wanted["args"])
    output = case.with_suffix(".txt").read_bytes().decode()
    return wanted, fact, Answer(exit_code=wanted["exit_code"], output=output, error=wanted["error"])


def log(name: str) -> str:
    return (LOGS / f"{name}.txt").read_bytes().decode()
