"""Dump: an archive made with vzdump, copied, restored; then the cutover."""

from __future__ import annotations

from migrations_app.strategies import cutover
from migrations_app.strategies.steps.backup import BackUp
from migrations_app.strategies.steps.dump import CopyArchive, DumpArchive, RestoreArchive
from migrations_app.strategies.steps.preflight import Preflight
from migrations_app.strategies.steps.reserve import ReserveTarget
from migrations_app.strategies.steps.trust import Trust

ARRIVAL = (Preflight, ReserveTarget, BackUp, Trust, DumpArchive, CopyArchive, RestoreArchive)
STEPS = (*ARRIVAL, *cutover.STEPS)
NEW_NAME_STEPS = (*ARRIVAL, *cutover.NEW_NAME_STEPS)
NEW_ADDRESS_STEPS = (*ARRIVAL, *cutover.NEW_ADDRESS_STEPS)
