"""What dump and stream share: from a resting copy on the target to the container living there."""

from __future__ import annotations

from migrations_app.strategies.steps.announce import AnnounceAddresses
from migrations_app.strategies.steps.approval import AwaitApproval, OpenCutover
from migrations_app.strategies.steps.certify import Certify, FinalPass
from migrations_app.strategies.steps.come_home import EndOldForward
from migrations_app.strategies.steps.cross_check import CrossCheck
from migrations_app.strategies.steps.delta import DeltaPasses
from migrations_app.strategies.steps.disarm import Disarm
from migrations_app.strategies.steps.fence import FenceSource, SettleTarget
from migrations_app.strategies.steps.forward import (
    ChooseForward,
    EndForward,
    ForwardOldAddresses,
    StayUntilQuiet,
)
from migrations_app.strategies.steps.freeze import FreezeAddresses
from migrations_app.strategies.steps.guest import ChangeMentions, FindMentions
from migrations_app.strategies.steps.look_before import LookBefore
from migrations_app.strategies.steps.names import LowerTtl, PlanNames, RestoreTtl, SwitchNames, VerifyNames
from migrations_app.strategies.steps.probe_outside import ProbeOutside
from migrations_app.strategies.steps.recheck import Recheck
from migrations_app.strategies.steps.rehearse import Rehearse
from migrations_app.strategies.steps.start_target import StartTarget
from migrations_app.strategies.steps.stop_source import StopSource
from migrations_app.strategies.steps.trust import Untrust
from migrations_app.strategies.steps.unfreeze import UnfreezeAddresses

ARRIVED = (Rehearse, CrossCheck)
UP_TO_THE_FREEZE = (Disarm, Recheck, LookBefore, DeltaPasses)
FROM_THE_FREEZE = (
    FreezeAddresses,
    StopSource,
    FinalPass,
    Certify,
    StartTarget,
    UnfreezeAddresses,
    AnnounceAddresses,
    ProbeOutside,
    FenceSource,
    SettleTarget,
    Untrust,
)
STEPS = (*ARRIVED, *UP_TO_THE_FREEZE, *FROM_THE_FREEZE)

# The same, under another host name: that may need a second person.
NEW_NAME_STEPS = (*ARRIVED, AwaitApproval, *UP_TO_THE_FREEZE, OpenCutover, *FROM_THE_FREEZE)

# The same, to another address: the old one is passed on from the moment the copy runs until nobody comes there.
NEW_ADDRESS_STEPS = (
    *ARRIVED,
    ChooseForward,
    FindMentions,
    PlanNames,
    AwaitApproval,
    LowerTtl,
    Disarm,
    Recheck,
    LookBefore,
    DeltaPasses,
    OpenCutover,
    FreezeAddresses,
    StopSource,
    FinalPass,
    Certify,
    ChangeMentions,
    EndOldForward,
    StartTarget,
    ForwardOldAddresses,
    UnfreezeAddresses,
    SwitchNames,
    AnnounceAddresses,
    ProbeOutside,
    FenceSource,
    SettleTarget,
    Untrust,
    VerifyNames,
    StayUntilQuiet,
    EndForward,
    RestoreTtl,
)
