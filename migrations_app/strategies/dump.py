"""Dump: an archive made with vzdump, copied, restored; then the cutover."""

from __future__ import annotations

from migrations_app.strategies import cutover
from migrations_app.strategies.steps.backup import BackUp
from migrations_app.strategies.steps.dump import CopyArchive, DumpArchive, RestoreArchive
from migrations_app.strategies.steps.preflight import Preflight
from migrations_app.strategies.steps.reserve import ReserveTarget
from migrations_app.strategies.steps.trust import Trust

STEPS = (Preflight, ReserveTarget, BackUp, Trust, DumpArchive, CopyArchive, RestoreArchive, *cutover.STEPS)
