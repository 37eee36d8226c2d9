"""Set what the planner has to keep to with a container."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.batches import states
from migrations_app.inventory import rule_words
from migrations_app.models import Container

Objections = list[tuple[str, str]]


class ContainerRulesRefused(Exception):
    """The rules stay as they were; ``objections`` are pairs of field name and reason."""

    def __init__(self, objections: Objections) -> None:
        super().__init__(" ".join(reason for _, reason in objections))
        self.objections = objections


def set_container_rules(
    *,
    container: Container,
    pinned: bool,
    pin_reason: str,
    requires: Sequence[str],
    apart_group: str,
    actor: User,
    now: datetime,
) -> None:
    """Let proposals from now on go by these; a batch skips a container pinned meanwhile. A pin's reason goes with it.

    :raises ContainerRulesRefused: all reasons at once, each with the field it belongs to.
    """
    reason, group = rule_words.folded(pin_reason) if pinned else "", apart_group.strip()
    objections = [*_of_pin(pinned, reason), *(("requires", said) for said in rule_words.objections(requires))]
    objections += [("apart_group", said) for said in rule_words.of_word(group)] if group else []
    if objections:
        raise ContainerRulesRefused(objections)
    rules = {"pinned": pinned, "pin_reason": reason, "requires": sorted(set(requires)), "apart_group": group}
    with transaction.atomic():
        Container.objects.filter(pk=container.pk).update(**rules)
        trail.record("set_container_rules", str(container), actor=actor, now=now, **rules)
    states.make_due(now)
    container.refresh_from_db()


def _of_pin(pinned: bool, reason: str) -> Iterator[tuple[str, str]]:
    if pinned and not reason:
        yield "pin_reason", "Say why it has to stay: somebody will want to move it one day."
    for objection in rule_words.of_sentence(reason):
        yield "pin_reason", objection
