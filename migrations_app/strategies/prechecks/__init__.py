"""The pre-checks: each a rule that looks at facts and returns all its objections."""

from __future__ import annotations

from migrations_app.strategies.prechecks.survey import second_look, survey

__all__ = ["second_look", "survey"]
