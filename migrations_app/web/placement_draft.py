"""An alternative while a person edits it: what the form says, laid over what was there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django import forms
from django.core.paginator import Page, Paginator

from migrations_app.capacity import by_hand, picture
from migrations_app.capacity.picture import Picture
from migrations_app.models import Alternative, Container
from migrations_app.web.placement_forms import LONGEST_NUMBER, find_container

# A form has room for so many fields; the moves on other pages stay as they are.
MOVES_PER_PAGE = 100
MOST_TO_CHOOSE_FROM = 60
PREFIX = "to_"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One move as the form has it: an empty target drops it."""

    container: Container
    target: str
    objections: Sequence[str]

    @property
    def field(self) -> str:
        return f"{PREFIX}{self.container.pk}"

    @property
    def label(self) -> str:
        return f"Target of {self.container}"


class Draft:
    """The plan with what the form changes; the rules are asked of the world as it is now."""

    def __init__(
        self,
        base: Alternative,
        said: Mapping[str, str],
        page: str | None,
        *,
        settings: Mapping[str, Any],
        now: datetime,
    ) -> None:
        self._seen: Picture = picture.take(settings=settings, now=now, with_closed=True)
        self._before = {int(ct): int(node) for ct, node in base.body.get("plan", {}).items()}
        self._said = dict(_targets(said))
        self._objections: dict[int, list[str]] = {}
        self.page: Page[Any] = Paginator(list(self._before), MOVES_PER_PAGE).get_page(page)
        self.add_container, self.add_target = said.get("add_container", "")[:300], said.get("add_target", "")[:63]
        self.add_error = self._add()
        self.was_checked = False
        self.plan = self._merged()

    @cached_property
    def _node_keys(self) -> dict[str, int]:
        return {node.name: node.pk for node in self._seen.rooms}

    @property
    def targets(self) -> list[str]:
        """Return the nodes that something may be sent to."""
        drained = self._seen.fleet.drained
        return [node.name for row, node in enumerate(self._seen.rooms) if not drained[row]]

    @property
    def offers_choice(self) -> bool:
        """Whether the nodes are few enough for a list beside each move; else their names are typed."""
        return len(self.targets) <= MOST_TO_CHOOSE_FROM

    def _add(self) -> str:
        """Take the added move in, or return what is wrong with it."""
        if not self.add_container:
            return ""
        if self.add_target not in self._node_keys:
            return "Choose its target."
        try:
            container = find_container(self.add_container)
        except forms.ValidationError as error:
            return " ".join(error.messages)
        self._said[container.pk] = self.add_target
        self.add_container = self.add_target = ""
        return ""

    def _merged(self) -> dict[int, int]:
        plan = dict(self._before)
        for ct, name in self._said.items():
            if not name:
                plan.pop(ct, None)
            elif name in self._node_keys:
                plan[ct] = self._node_keys[name]
            else:
                self._objections[ct] = ["There is no ready node of this name."]
        return plan

    @property
    def is_understood(self) -> bool:
        return not self._objections and not self.add_error

    @property
    def is_refused(self) -> bool:
        return bool(self._objections or self.add_error)

    def check(self, clock: Callable[[], float]) -> None:
        if self.is_understood:
            self.object_to_all(by_hand.check(self._seen, self.plan, clock=clock).objections)

    def object_to_all(self, objections: Mapping[int, list[str]]) -> None:
        self.was_checked = True
        self._objections.update(objections)

    @property
    def rows(self) -> list[Row]:
        """Return the moves of this page, and those that were added."""
        keys = [*self.page, *(ct for ct in self._said if ct not in self._before)]
        containers = Container.objects.select_related("node").in_bulk(keys)
        names = {key: name for name, key in self._node_keys.items()}
        return [
            Row(
                container=containers[ct],
                target=self._said.get(ct, names.get(self.plan.get(ct, 0), "")),
                objections=self._objections.get(ct, []),
            )
            for ct in keys
            if ct in containers
        ]

    @property
    def other_objections(self) -> list[str]:
        """Return what stands beside no row of this page."""
        shown = {row.container.pk for row in self.rows}
        others = {ct: told for ct, told in self._objections.items() if ct not in shown}
        names = dict(zip(self._seen.keys, self._seen.fleet.names, strict=True)) if others else {}
        return [f"{names.get(ct, 'All')}: {sentence}" for ct, told in others.items() for sentence in told]

    @property
    def pressures(self) -> list[tuple[str, list[tuple[str, float, float]]]]:
        """Return each node that changes with its resources before and after, the fullest first."""
        seen, where = self._seen, self._seen.fleet.home.copy()
        for ct, node in self.plan.items():
            if ct in seen.rows and node in seen.node_rows:
                where[seen.rows[ct]] = seen.node_rows[node]
        before, after = seen.pressures(seen.fleet.home), seen.pressures(where)
        changed = [row for row in range(len(seen.rooms)) if (before[row] != after[row]).any()]
        return [
            (
                seen.rooms[row].name,
                [
                    (name, float(before[row, column]), float(after[row, column]))
                    for column, name in enumerate(seen.fleet.resources)
                ],
            )
            for row in sorted(changed, key=lambda row: -after[row].max())[:MOST_TO_CHOOSE_FROM]
        ]


def _targets(said: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Yield the target that the form gives for each container; what is no number is nobody's."""
    for name, value in said.items():
        number = name.removeprefix(PREFIX)
        if name != number and number.isascii() and number.isdecimal() and len(number) <= LONGEST_NUMBER:
            yield int(number), value.strip()[:63]
