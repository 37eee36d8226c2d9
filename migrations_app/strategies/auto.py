"""Auto: check, measure, choose; the chosen recipe's remaining steps follow."""

from __future__ import annotations

from migrations_app.strategies.steps.backup import BackUp
from migrations_app.strategies.steps.choose import ChooseMethod, MeasureLink
from migrations_app.strategies.steps.preflight import Preflight
from migrations_app.strategies.steps.reserve import ReserveTarget
from migrations_app.strategies.steps.trust import Trust

STEPS = (Preflight, ReserveTarget, BackUp, Trust, MeasureLink, ChooseMethod)
