"""Is the container on the source node, in a state from which it can move, and does nobody else work on it?"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from datetime import UTC, datetime

from migrations_app.execution.outcome import Objection
from migrations_app.strategies.prechecks.facts import Facts, NodeFacts
from migrations_app.strategies.prechecks.severity import against_live

# vzctl comes and goes with every person who looks; these change or read the whole container.
LONG_TOOLS = frozenset({"vzmigrate", "vzdump", "vzrestore"})


def is_there(facts: Facts) -> list[Objection]:
    state, order, source = facts.source.state, facts.order, facts.source.name
    if state is None:
        return []
    if not state.exists:
        return [
            Objection(
                check_id="container-missing",
                text=f"{source} has no container {order.ctid}.",
                way_out=f"Scan {source} again. If somebody moved it by hand, schedule the migration from where it is.",
                command="vzlist -a",
            )
        ]
    if state.suspended or state.paused:
        return [
            Objection(
                check_id="container-suspended",
                text=f"{order.ctid} is suspended on {source}: its memory lies in a file that would stay behind.",
                way_out="Resume it, or stop it; then retry.",
                command=f"vzctl resume {order.ctid}",
            )
        ]
    return _runs_for_live(facts)


def _runs_for_live(facts: Facts) -> list[Objection]:
    if facts.runs or facts.order.method != "live":
        return []
    return [
        Objection(
            check_id="not-running",
            text=f"{facts.ctid} does not run on {facts.here}; only a running container can move live.",
            way_out="Start it, or schedule the migration by stream or dump.",
            command=f"vzctl start {facts.ctid}",
        )
    ]


def lock(facts: Facts) -> list[Objection]:
    held = facts.source.lock
    if held is None or not held.held:
        return []
    if held.alive:
        return [
            Objection(
                check_id="lock-held",
                text=f"{facts.ctid} is locked on {facts.here} by {_owner(held.pid)}.",
                way_out="Somebody works on it. Wait until that has ended, then retry; never delete this lock.",
                command=f"ps -o pid,etime,args -p {held.pid}" if held.pid else f"cat {_lock_file(facts)}",
            )
        ]
    return [
        Objection(
            check_id="lock-stale",
            text=f"{facts.ctid} is locked on {facts.here} by process {held.pid}, which is dead. vzctl "
            "clears such a lock by itself, vzmigrate refuses for ever.",
            way_out="Remove the lock, then retry.",
            command=f"test -d /proc/{held.pid} || rm -f {_lock_file(facts)}",
            severity="blocker" if facts.order.method == "live" else "warning",
        )
    ]


def _owner(pid: int | None) -> str:
    return f"process {pid}, which is at work" if pid else "somebody the lock does not name"


def _lock_file(facts: Facts) -> str:
    folder = facts.source.conf.values.get("LOCKDIR", "/vz/lock") if facts.source.conf else "/vz/lock"
    return shlex.quote(f"{folder}/{facts.ctid}.lck")


def other_tools(facts: Facts) -> list[Objection]:
    return [objection for node in facts.nodes for objection in _at_work(facts, node)]


def _at_work(facts: Facts, node: NodeFacts) -> Iterable[Objection]:
    if not node.at_work:
        return
    pids = ",".join(str(at_work.pid) for at_work in node.at_work[:5])
    named = ", ".join(f"{at_work.tool} (process {at_work.pid})" for at_work in node.at_work[:5])
    is_long = any(at_work.tool in LONG_TOOLS for at_work in node.at_work)
    # A person inside the container, or a command run there, is a process that cannot be saved with it.
    severity = "blocker" if is_long else against_live(facts.order) or "note"
    yield Objection(
        check_id=f"at-work-{node.side}",
        text=f"On {node.name} somebody works on {facts.ctid}: {named}.",
        way_out="Wait until it has ended, then retry. A backup at the same hour: give this migration another window.",
        command=f"ps -o pid,etime,args -p {pids}",
        severity=severity,
    )


def old_business(facts: Facts) -> list[Objection]:
    """The gate would refuse to fence the source at the very end; better to say so before anything is touched."""
    fence, order, source = facts.source.fence, facts.order, facts.source.name
    if fence is None:
        return []
    if fence.incoming_for not in (None, order.migration_id):
        return [
            Objection(
                check_id="arriving-at-source",
                text=f"{order.ctid} is marked as arriving at {source} with migration {fence.incoming_for}, which has "
                "not ended there.",
                way_out=f"Look at migration {fence.incoming_for} first: retry it or roll it back.",
            )
        ]
    if fence.retained_for in (None, order.migration_id) or fence.retained_state == "retired":
        return []
    return [
        Objection(
            check_id="old-copy-source",
            text=f"{source} keeps an old copy under the number {order.ctid}, left by migration {fence.retained_for} "
            f"until {until(fence.retained_until_epoch)}. Two of them cannot be kept apart.",
            way_out=f"Delete the old copy from the page of migration {fence.retained_for} once its time has come.",
        )
    ]


def until(epoch: int | None) -> str:
    try:
        return f"{datetime.fromtimestamp(epoch or 0, UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return "a date that cannot be read"
