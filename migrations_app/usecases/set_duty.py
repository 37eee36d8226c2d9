"""Put a node into service, or take it out."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from migrations_app.audit import trail
from migrations_app.batches import states
from migrations_app.inventory import rule_words
from migrations_app.models import Migration, Node

Objections = list[tuple[str, str]]
Duty = Node.Duty


class DutyRefused(Exception):
    """The node's duty stays as it was; ``objections`` are pairs of field name and reason."""

    def __init__(self, objections: Objections) -> None:
        super().__init__(" ".join(reason for _, reason in objections))
        self.objections = objections


def set_duty(*, node: Node, duty: str, note: str, actor: User, now: datetime) -> None:
    """Say whether containers may come to it, and whether somebody should wonder when it is silent.

    What is under way goes on; batches look at the change at once.

    :raises DutyRefused: all reasons at once, each with the field it belongs to.
    """
    with transaction.atomic():
        held = Node.objects.select_for_update().get(pk=node.pk)
        note = rule_words.folded(note)
        objections = [*_of_words(duty, note), *_of_change(held, duty, note, now)]
        if objections:
            raise DutyRefused(objections)
        former = held.duty
        columns: dict[str, object] = {"duty": duty, "duty_note": note}
        if duty != former:
            columns["duty_since"] = now
        Node.objects.filter(pk=node.pk).update(**columns)
        trail.record("set_duty", held.name, actor=actor, now=now, before=former, after=duty, note=note)
    states.make_due(now)
    node.refresh_from_db()


def _of_words(duty: str, note: str) -> Objections:
    found = [] if duty in Duty.values else [("duty", "Choose in service, draining or maintenance.")]
    return [*found, *(("note", reason) for reason in rule_words.of_sentence(note))]


def _of_change(node: Node, duty: str, note: str, now: datetime) -> Objections:
    if duty == node.duty and note == node.duty_note:
        return [("duty", f"{node} is {node.get_duty_display().lower()} already.")]
    if duty != Duty.MAINTENANCE or node.duty == Duty.MAINTENANCE:
        return []
    # Nobody wonders when a node in maintenance is silent; a move that hangs for that reason would hang unseen.
    count = Migration.objects.under_way(now).filter(Q(source=node) | Q(target=node)).count()
    if not count:
        return []
    words = "1 migration is" if count == 1 else f"{count} migrations are"
    return [("duty", f"{words} under way from or to {node}: let them end, or choose draining until they have.")]
