"""Begin the checks of pairs whose turn has come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from migrations_app.compatibility import nights, samples, turns
from migrations_app.compatibility.causes import Cause, as_rows
from migrations_app.compatibility.likeness import of as likeness_of
from migrations_app.models import Node, PairCheck, Round

State = PairCheck.State

BEAT = timedelta(seconds=5)
# What a person asked for is not forgotten with the night, but nobody waits for it for ever.
PATIENCE = timedelta(hours=12)
# A round looks at so many that wait, so that it stays short whoever asked for how many.
MOST_LOOKED_AT = 2_000


def begin_checks(*, round_id: int, now: datetime, settings: Mapping[str, Any]) -> list[int]:
    """Begin as many as there is room for, and return them. Whatever cannot begin now waits for the next beat."""
    with transaction.atomic():
        # Held to the end: rounds that run side by side would each fill the same free slot.
        Round.objects.select_for_update().get(pk=round_id)
        _drop_overdue(now, settings)
        begun = _begin(now, turns.free_slots(settings["compatibility_at_once"]))
        waits = PairCheck.objects.filter(state=State.WAITING).exists()
        Round.objects.filter(pk=round_id).update(next_at=now + BEAT if waits else None)
    return begun


def _drop_overdue(now: datetime, settings: Mapping[str, Any]) -> None:
    """Forget what waited in vain: the pair keeps the result it had."""
    waiting = PairCheck.objects.filter(state=State.WAITING)
    waiting.filter(requested_at__lt=now - PATIENCE).delete()
    if nights.began(now, settings["compatibility_hour"]) is None:
        waiting.filter(asked_by=None).delete()


def _begin(now: datetime, slots: int) -> list[int]:
    begun: list[int] = []
    taken = turns.nodes_at_work(now) | turns.nodes_in_checks()
    for check in _waiting()[:MOST_LOOKED_AT] if slots > 0 else ():
        if len(begun) == slots:
            break
        if not {check.source_id, check.target_id} & taken and _start(check, now):
            begun.append(check.pk)
            taken |= {check.source_id, check.target_id}
    return begun


def _waiting() -> QuerySet[PairCheck]:
    """Return what waits: what people asked for first, then in the order of the plan."""
    able = Node.objects.filter(turns.can_take_part())
    rows = PairCheck.objects.filter(state=State.WAITING, source__in=able, target__in=able)
    return rows.select_related("source", "target").order_by(F("asked_by").asc(nulls_last=True), "pk")


def _start(check: PairCheck, now: datetime) -> bool:
    """Give it a sample and let it go. Return whether it takes a slot; without a sample it ends as it is."""
    busy = turns.containers_in_checks()
    sample = samples.choose(samples.candidates(check.source_id, check.target_id, busy=busy))
    rows = PairCheck.objects.filter(pk=check.pk, state=State.WAITING)
    if sample is None:
        rows.update(state=State.ENDED, ended_at=now, **_nobody_there(check))
        return False
    began = {"container": sample.pk, "ctid": sample.ctid, "started_at": now, "next_look_at": now}
    rows.update(state=State.ASKING, **began)
    return True


def _nobody_there(check: PairCheck) -> dict[str, Any]:
    text = f"No container runs on {check.source} that could stand for it: one that moves, or whose number "
    text += f"{check.target} has too, does not count."
    cause = Cause(id="no-sample", text=text, way_out="Nothing: there is nothing to move.", about="doubt")
    return {
        "verdict": PairCheck.Verdict.UNKNOWN,
        "summary": text[:300],
        "causes": as_rows([cause]),
        "source_likeness": likeness_of(check.source),
        "target_likeness": likeness_of(check.target),
    }
