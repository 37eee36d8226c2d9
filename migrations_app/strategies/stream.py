"""Stream: the private area copied straight over ssh while the container runs; then the cutover."""

from __future__ import annotations

from migrations_app.strategies import cutover
from migrations_app.strategies.steps.backup import BackUp
from migrations_app.strategies.steps.define import DefineOnTarget
from migrations_app.strategies.steps.first_copy import FirstCopy
from migrations_app.strategies.steps.preflight import Preflight
from migrations_app.strategies.steps.reserve import ReserveTarget
from migrations_app.strategies.steps.trust import Trust

ARRIVAL = (Preflight, ReserveTarget, BackUp, Trust, DefineOnTarget, FirstCopy)
STEPS = (*ARRIVAL, *cutover.STEPS)
NEW_NAME_STEPS = (*ARRIVAL, *cutover.NEW_NAME_STEPS)
NEW_ADDRESS_STEPS = (*ARRIVAL, *cutover.NEW_ADDRESS_STEPS)
