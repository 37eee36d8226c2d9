"""Are the container's number and its name free on the target node?"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from migrations_app.execution.outcome import Objection
from migrations_app.strategies.prechecks.container import until
from migrations_app.strategies.prechecks.facts import Facts
from migrations_app.vz.facts import FenceRecord, Leftover
from migrations_app.vz.names import folded

# What the gate's marks and an earlier copy are called; a rule of its own speaks of them.
MARKS = frozenset({"incoming", "retained"})
MOVED_ASIDE = "conf.ovz-m"
# What an old copy is made of as long as it is in its own place.
OLD_COPY = frozenset({"private", "root", "conf.migrated"})
# What keeps a container from being made there, or would be taken for a part of it.
IN_THE_WAY = frozenset({"conf", "private", "dump"})
IN_THE_WAY_OF_RESTORE = frozenset({"root"})
MOST_NAMED = 8


def number_is_free(facts: Facts) -> list[Objection]:
    """What this migration itself left under its own mark is no obstacle: it is taken up or cleared away."""
    fence = facts.target.fence
    if fence is not None and fence.incoming_for == facts.order.migration_id:
        return []
    return list(_reserved(facts)) or [*_kept(facts), *(list(_taken(facts)) or _leftovers(facts))]


def mark_is_ours(facts: Facts) -> list[Objection]:
    """Once reserved, the number stays this migration's until it ends."""
    fence, order = facts.target.fence, facts.order
    if fence is None or fence.incoming_for == order.migration_id:
        return []
    return [
        Objection(
            check_id="mark-gone",
            text=f"{facts.there} does not know any more that {order.target_ctid} arrives with this migration: "
            "the mark is gone, or names another.",
            way_out="Somebody cleaned up there. Roll back and schedule the migration again.",
        )
    ]


def _reserved(facts: Facts) -> Iterable[Objection]:
    fence, order = facts.target.fence, facts.order
    if fence is not None and fence.incoming_for is not None:
        yield Objection(
            check_id="number-reserved",
            text=f"{order.target_ctid} is reserved on {facts.there} by migration {fence.incoming_for}.",
            way_out=f"Look at migration {fence.incoming_for} first: let it end, or roll it back.",
        )


def _kept(facts: Facts) -> Iterable[Objection]:
    kept, order = _old_copy(facts), facts.order
    if kept is None:
        return
    if kept.retained_state == "kept":
        yield Objection(
            check_id="old-copy-target",
            text=f"An old copy of migration {kept.retained_for} is kept on {facts.there} until "
            f"{until(kept.retained_until_epoch)}; it is moved aside, and kept as long as before.",
            way_out="It goes on taking up disk space until it is deleted from the page of that migration.",
            severity="note",
        )
        return
    yield Objection(
        check_id="old-copy-target",
        text=f"Migration {kept.retained_for} has not ended fencing {order.target_ctid} on {facts.there}.",
        way_out=f"Look at migration {kept.retained_for} first: let it end.",
    )


def _old_copy(facts: Facts) -> FenceRecord | None:
    """Return the record of a copy in its own place; one that was moved aside is in nobody's way any more."""
    fence = facts.target.fence
    if fence is None or fence.retained_for is None or fence.retained_state == "retired":
        return None
    return fence


def _taken(facts: Facts) -> Iterable[Objection]:
    state, order = facts.target.state, facts.order
    if state is None or not (state.exists or state.running):
        return
    yield Objection(
        check_id="number-taken",
        text=f"{facts.there} has a container {order.target_ctid} already, {'running' if state.running else 'stopped'}.",
        way_out="Choose another node. If it is a forgotten copy of this one, compare both before you touch either.",
        command=f"vzlist -a -o ctid,hostname,status,ip {order.target_ctid}",
    )


def _leftovers(facts: Facts) -> Iterable[Objection]:
    expected = MARKS | OLD_COPY if _old_copy(facts) else MARKS
    found = [
        left
        for left in facts.target.leftovers or ()
        if left.kind not in expected and not left.kind.startswith(MOVED_ASIDE)
    ]
    if not found:
        return
    blocking = IN_THE_WAY | (IN_THE_WAY_OF_RESTORE if facts.order.method == "dump" else frozenset())
    in_the_way = [left for left in found if left.kind in blocking]
    yield Objection(
        check_id="leftovers",
        text=f"{facts.there} holds remains of a container {facts.order.target_ctid}: {_named(in_the_way or found)}.",
        way_out="See whose they are. Moving them aside loses nothing." if in_the_way else "They are in nobody's way.",
        command=_move_aside(in_the_way),
        severity="blocker" if in_the_way else "note",
    )


def _named(leftovers: list[Leftover]) -> str:
    more = len(leftovers) - MOST_NAMED
    named = ", ".join(left.path for left in leftovers[:MOST_NAMED])
    return f"{named} and {more} more" if more > 0 else named


def _move_aside(leftovers: list[Leftover]) -> str:
    paths = [shlex.quote(left.path) for left in leftovers[:MOST_NAMED]]
    return " && ".join(f"mv -T {path} {path}.aside" for path in paths)


def name_is_free(facts: Facts) -> list[Objection]:
    """Names that differ in case or width alone are taken for the same one."""
    config, there = facts.source.config, facts.target.container_names
    if config is None or there is None or not config.container_name:
        return []
    wanted = folded(config.container_name)
    return [
        Objection(
            check_id="name-taken",
            text=f"The name {config.container_name!r} belongs to container {owner} on {facts.there}.",
            way_out=f"Give the container another name on {facts.here}, then retry.",
            command=f"vzctl set {facts.ctid} --name NEW-NAME --save",
        )
        for name, owner in there.items()
        if folded(name) == wanted and owner != facts.order.target_ctid
    ][:1]
