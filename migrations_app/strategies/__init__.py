"""Recipes: each method is a tuple of steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from migrations_app.execution.step import Step
from migrations_app.strategies import auto, dump, live, stream
from migrations_app.strategies.steps.retire import RetireSource

RETIREMENT: Sequence[type[Step]] = (RetireSource,)

RECIPES: Mapping[str, Sequence[type[Step]]] = {
    "auto": auto.STEPS,
    "live": live.STEPS,
    "dump": dump.STEPS,
    "stream": stream.STEPS,
    "auto_new_name": auto.STEPS,
    "dump_new_name": dump.NEW_NAME_STEPS,
    "stream_new_name": stream.NEW_NAME_STEPS,
    "auto_new_address": auto.STEPS,
    "dump_new_address": dump.NEW_ADDRESS_STEPS,
    "stream_new_address": stream.NEW_ADDRESS_STEPS,
    "retirement": RETIREMENT,
}

STALE_AFTER_A_WAIT = frozenset(step.name for steps in RECIPES.values() for step in steps if step.grows_stale)
POINTS_OF_NO_RETURN = frozenset(step.name for steps in RECIPES.values() for step in steps if step.point_of_no_return)
