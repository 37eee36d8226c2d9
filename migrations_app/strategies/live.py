"""Live: vzmigrate moves the running container with its memory and connections."""

from __future__ import annotations

from migrations_app.strategies.steps.announce import AnnounceAddresses
from migrations_app.strategies.steps.backup import BackUp
from migrations_app.strategies.steps.fence import FenceSource, SettleTarget
from migrations_app.strategies.steps.live import CheckLive, MoveLive
from migrations_app.strategies.steps.look_before import LookBefore
from migrations_app.strategies.steps.preflight import Preflight
from migrations_app.strategies.steps.probe_outside import ProbeOutside
from migrations_app.strategies.steps.reserve import ReserveTarget
from migrations_app.strategies.steps.trust import Trust, Untrust

STEPS = (
    Preflight,
    ReserveTarget,
    BackUp,
    Trust,
    CheckLive,
    LookBefore,
    MoveLive,
    ProbeOutside,
    AnnounceAddresses,
    FenceSource,
    SettleTarget,
    Untrust,
)
