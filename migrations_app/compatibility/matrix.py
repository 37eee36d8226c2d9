"""What is known of every pair: its own newest check, else what its classes' checks say together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from migrations_app.compatibility import likeness, turns
from migrations_app.compatibility.likeness import NodeClass
from migrations_app.models import Node, PairCheck

# "differs": some pairs of these classes can and others cannot; "never": nobody has looked.
Word = Literal["possible", "impossible", "unknown", "differs", "never"]
Pair = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Result:
    """The newest check of one pair that ended."""

    pair: Pair
    verdict: Word
    summary: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Told:
    """What is to be told of a pair, and on what ground."""

    word: Word
    summary: str = ""
    at: datetime | None = None
    by_class: bool = False
    checked: int = 0  # pairs of the classes that were checked
    pair: Pair | None = None  # whose check says so


NOTHING = Told(word="never")


@dataclass(frozen=True, kw_only=True)
class Matrix:
    nodes: tuple[Node, ...]
    classes: tuple[NodeClass, ...]
    results: Mapping[Pair, Result]
    of_classes: Mapping[tuple[str, str], Told]
    class_of: Mapping[int, NodeClass]

    def of_pair(self, source_id: int, target_id: int) -> Told:
        """Return what is known: a pair's own result wins over its classes'."""
        own = self.results.get((source_id, target_id))
        if own is not None:
            return Told(word=own.verdict, summary=own.summary, at=own.at, checked=1, pair=own.pair)
        here, there = self.class_of.get(source_id), self.class_of.get(target_id)
        if here is None or there is None:
            return NOTHING
        return self.of_classes.get((here.name, there.name), NOTHING)


def read() -> Matrix:
    """Return the matrix as it is now; checks of nodes that have changed since count no more."""
    columns = ("pk", "name", *likeness.COLUMNS)
    nodes = tuple(Node.objects.filter(turns.can_take_part()).only(*columns).order_by("name"))
    found = tuple(likeness.classes(nodes))
    class_of = likeness.class_of(found)
    results = valid_results(nodes)
    return Matrix(
        nodes=nodes,
        classes=found,
        results=results,
        of_classes=_by_class(results, class_of),
        class_of=class_of,
    )


def valid_results(nodes: Iterable[Node]) -> dict[Pair, Result]:
    """Return the newest result of each pair whose nodes are what they were then."""
    now_like = {node.pk: likeness.of(node) for node in nodes}
    rows = PairCheck.objects.ended().order_by("ended_at", "pk")
    columns = ("source_id", "target_id", "source_likeness", "target_likeness", "verdict", "summary", "ended_at")
    found: dict[Pair, Result] = {}
    for source, target, here, there, verdict, summary, at in rows.values_list(*columns).iterator():
        if now_like.get(source) == here and now_like.get(target) == there:
            pair = (source, target)
            found[pair] = Result(pair=pair, verdict=verdict, summary=summary, at=at)
    return found


def _by_class(results: Mapping[Pair, Result], class_of: Mapping[int, NodeClass]) -> dict[tuple[str, str], Told]:
    groups: defaultdict[tuple[str, str], list[Result]] = defaultdict(list)
    for (source, target), result in results.items():
        if source in class_of and target in class_of:
            groups[class_of[source].name, class_of[target].name].append(result)
    return {names: _together(found) for names, found in groups.items()}


def _together(found: list[Result]) -> Told:
    words = {result.verdict for result in found} - {"unknown"}
    word: Word = "unknown" if not words else "differs" if len(words) > 1 else next(iter(words))
    newest = max(found, key=lambda result: result.at)
    telling = [result for result in found if result.verdict == "impossible"] or found
    shown = max(telling, key=lambda result: result.at)
    checked = len(found)
    return Told(word=word, summary=shown.summary, at=newest.at, by_class=True, checked=checked, pair=shown.pair)
