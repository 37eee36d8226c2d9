"""Which pairs a night checks: class by class, what was never checked first, then what was checked longest ago."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

Pair = tuple[int, int]  # primary keys of source and target
Group = tuple[int, ...]  # primary keys of nodes that are alike

NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to choose from."""

    groups: Sequence[Group]
    last: Mapping[Pair, datetime]  # when each pair was checked last, as both nodes are now
    taken: Collection[Pair] = ()  # waiting or under way
    sources: Collection[int] | None = None  # nodes that have a sample; None: all
    not_since: datetime | None = None  # checked later than this is new enough


def choose(wanted: Wanted, most: int) -> list[Pair]:
    """Return up to so many pairs. Each class pair gets one before any gets two, the longest unchecked first."""
    known = _known(wanted)
    lines = [
        (max((wanted.last[pair] for pair in known[here, there]), default=NEVER), here, there)
        for here in range(len(wanted.groups))
        for there in range(len(wanted.groups))
    ]
    queues = [_pairs(wanted, here, there, known[here, there]) for _, here, there in sorted(lines)]
    return list(islice(_in_turn(queues), most))


def _known(wanted: Wanted) -> defaultdict[Pair, list[Pair]]:
    """Return the pairs checked before, by the places of their groups."""
    place = {node: number for number, group in enumerate(wanted.groups) for node in group}
    found: defaultdict[Pair, list[Pair]] = defaultdict(list)
    for pair in wanted.last:
        if pair[0] in place and pair[1] in place:
            found[place[pair[0]], place[pair[1]]].append(pair)
    return found


def _pairs(wanted: Wanted, here: int, there: int, known: Sequence[Pair]) -> Iterator[Pair]:
    sources = [node for node in wanted.groups[here] if wanted.sources is None or node in wanted.sources]
    for pair in _diagonals(sources, wanted.groups[there]):
        if pair not in wanted.last and pair not in wanted.taken:
            yield pair
    for pair in sorted(known, key=lambda pair: (wanted.last[pair], pair)):
        is_new = wanted.not_since is not None and wanted.last[pair] > wanted.not_since
        if pair[0] in sources and pair not in wanted.taken and not is_new:
            yield pair


def _diagonals(sources: Sequence[int], targets: Sequence[int]) -> Iterator[Pair]:
    """Yield all pairs so that neighbours in the list share no node: a few of them already touch many nodes."""
    for shift in range(len(targets)):
        for place, source in enumerate(sources):
            target = targets[(place + shift) % len(targets)]
            if source != target:
                yield source, target


def _in_turn(queues: list[Iterator[Pair]]) -> Iterator[Pair]:
    while queues:
        left = []
        for queue in queues:
            pair = next(queue, None)
            if pair is not None:
                left.append(queue)
                yield pair
        queues = left
