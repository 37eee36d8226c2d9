"""Short changes on a pretend node, each as its word in docs/gate.md says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING

from tests.fakes.area import Area
from tests.fakes.container import config_values
from tests.fakes.work import Aside, Fence, public_key

if TYPE_CHECKING:
    from tests.fakes.node import FakeNode


@dataclass(frozen=True, kw_only=True)
class OpAnswer:
    code: int = 0
    output: str = ""
    error: str = ""


OK = OpAnswer()
LEAST_RETENTION_SECONDS = 86_400
Op = Callable[["FakeNode", str, list[str], bytes], OpAnswer]


def refused(code: int, why: str) -> OpAnswer:
    return OpAnswer(code=code, error=f"{why}\n")


# Trust between two nodes, for one migration


def of_container(op: Op) -> Op:
    """Refuse a migration whose work area is another container's."""

    @wraps(op)
    def checked(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
        if args[0] in node.work and node.work[args[0]].ctid != ctid:
            return refused(9, f"migration {args[0]} belongs to another container")
        return op(node, ctid, args, stdin)

    return checked


@of_container
def trust_make(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    work = node.work_of(args[0], ctid)
    work.public_key = work.public_key or public_key(f"{node.name} m{args[0]}")
    return OpAnswer(output=f"{work.public_key} ovzpanel-m{args[0]}\n")


@of_container
def trust_accept(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    migration, address, key_type, key = args
    node.work_of(migration, ctid)
    node.authorized[migration] = (address, f"{key_type} {key}")
    return OK


@of_container
def trust_pin(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    migration, address, key_type, key = args
    node.work_of(migration, ctid).pins[address] = f"{key_type} {key}"
    return OK


@of_container
def trust_drop(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    node.authorized.pop(args[0], None)
    if args[0] in node.work:
        node.work[args[0]].public_key = ""
        node.work[args[0]].pins.clear()
    return OK


@of_container
def forget_work(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    """Remove work area, archives and jobs; the jobs of a migration do not outlive it."""
    jobs = [job for key, job in node.jobs.by_key.items() if key.startswith(f"m{args[0]}-")]
    if at_work := [job.key for job in jobs if job.runs]:
        return refused(9, f"job {at_work[0]} is running")
    for job in jobs:
        del node.jobs.by_key[job.key]
    node.authorized.pop(args[0], None)
    node.work.pop(args[0], None)
    return OK


# The place on the target


def not_incoming(node: FakeNode, ctid: str, migration: str) -> OpAnswer | None:
    if node.container(ctid).incoming_for == migration:
        return None
    return refused(9, f"container {ctid} is not marked as arriving with migration {migration}")


def not_down(node: FakeNode, ctid: str) -> OpAnswer | None:
    return refused(32, f"container {ctid} is running here") if node.container(ctid).has_processes else None


def not_at_rest(node: FakeNode, ctid: str) -> OpAnswer | None:
    """Refuse while the container runs, or a rehearsal of it is recorded."""
    rehearsals = [one.ctid for one in node.containers.values() if one.rehearses == ctid]
    being_rehearsed = (
        refused(32, f"container {ctid} is being rehearsed here as {rehearsals[-1]}") if rehearsals else None
    )
    return not_down(node, ctid) or being_rehearsed


def reserve(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    container = node.container(ctid)
    if container.incoming_for == args[0]:
        return OK
    if container.incoming_for:
        return refused(9, f"container {ctid} is reserved here by migration {container.incoming_for}")
    if container.config is not None:
        return refused(9, f"container {ctid} has a configuration here")
    if refusal := set_aside(node, ctid):
        return refusal
    if container.area is not None:
        return refused(9, f"container {ctid} has a private area here")
    container.incoming_for = args[0]
    return OK


def set_aside(node: FakeNode, ctid: str) -> OpAnswer | None:
    """Make room for a container that comes back to where an old copy of it is kept."""
    container, record = node.container(ctid), node.fences.get(ctid)
    if record is None or record.state == "retired":
        return None
    if refusal := not_down(node, ctid):
        return refusal
    node.asides[ctid, record.migration] = Aside(fence=node.fences.pop(ctid), area=container.area)
    container.area = None
    container.configs.clear()
    return None


def clear_incoming(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    container = node.container(ctid)
    if container.incoming_for is None:
        return OpAnswer(output=f"nothing of container {ctid} is marked as arriving here\n")
    if refusal := not_incoming(node, ctid, args[0]) or not_down(node, ctid):
        return refusal
    container.configs.pop("", None)
    container.area = container.incoming_for = None
    return OK


def accept_incoming(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    container = node.container(ctid)
    if container.incoming_for is None:
        return OpAnswer(output=f"nothing of container {ctid} is marked as arriving here\n")
    if refusal := not_incoming(node, ctid, args[0]):
        return refusal
    container.incoming_for = None
    return OK


def define(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    """Make the container from the source's configuration: an empty private area, no active address."""
    if refusal := not_incoming(node, ctid, args[0]) or not_down(node, ctid):
        return refusal
    container, values = node.container(ctid), config_values(stdin.decode())
    values |= {"IP_ADDRESS": "", "ONBOOT": "no", "VE_ROOT": "/vz/root/$VEID", "VE_PRIVATE": "/vz/private/$VEID"}
    container.configs[""] = values
    container.area = container.area or Area(identity=f"empty-{ctid}")
    return OK


def rehearsal_drop(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    rehearsal = node.containers.get(args[1])
    if rehearsal is None:
        return OK
    if rehearsal.rehearses != ctid:
        return refused(9, f"container {args[1]} is not the rehearsal of migration {args[0]}")
    if refusal := not_down(node, args[1]):
        return refusal
    del node.containers[args[1]]
    return OK


# The container's configuration


def set_config(node: FakeNode, ctid: str, **values: str) -> OpAnswer:
    config = node.container(ctid).config
    if config is None:
        return refused(14, "Container config file does not exist")
    config.update(values)
    return OpAnswer(output=f"CT configuration saved to /etc/vz/conf/{ctid}.conf\n")


def strip(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    return set_config(node, ctid, IP_ADDRESS="", ONBOOT="no")


def set_onboot(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    return set_config(node, ctid, ONBOOT=args[0])


def address(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    wishes = {word.partition("=")[0].upper(): word.partition("=")[2] for word in args if "=" in word}
    have = node.container(ctid).addresses
    wanted = " ".join([*have, *(word for word in args if "=" not in word and word not in have)])
    return set_config(node, ctid, IP_ADDRESS=wanted, **wishes)


def clear_stale_lock(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    container = node.container(ctid)
    if container.lock_pid is None:
        return OpAnswer(output="no lock\n")
    if container.lock_alive:
        return refused(9, f"the lock of {ctid} is not stale")
    container.lock_pid = None
    return OpAnswer(output="removed\n")


def thaw(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    container = node.container(ctid)
    if container.state != "frozen":
        return refused(17, "Container is not suspended")
    container.state = "running"
    return OpAnswer(output="Resuming...\n")


# The network


def announce(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    if not node.hears(args[0]):
        return refused(1, f"no device of this node lies in the network of {args[0]}")
    node.announced.append(args[0])
    return OK


def of_another(node: FakeNode, ctid: str, addresses: list[str]) -> OpAnswer | None:
    for address in addresses:
        if (owner := node.dropped.get(address, ctid)) != ctid:
            return refused(9, f"{address} is frozen for container {owner}")
    return None


def freeze(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    if refusal := of_another(node, ctid, args):
        return refusal
    node.dropped.update(dict.fromkeys(args, ctid))
    return OK


def unfreeze(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    if refusal := of_another(node, ctid, args):
        return refusal
    for address in args:
        node.dropped.pop(address, None)
    return OK


def drained(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    """Say how many connections still have work open; each asking lets one end."""
    left = node.open_connections.get(args[0], 0)
    node.open_connections[args[0]] = max(left - 1, 0)
    return OpAnswer(output=f"{left}\n")


# The end of the source's copy


def fence(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    """Make the old copy unable to start: after vzmigrate its configuration has been renamed already."""
    container, record = node.container(ctid), node.fences.get(ctid)
    if record is not None and record.migration == args[0] and record.state == "kept":
        return OK
    if record is not None and record.migration != args[0] and record.state != "retired":
        return refused(9, f"an old copy of {ctid} is kept here by migration {record.migration}")
    if container.incoming_for:
        return refused(9, f"container {ctid} is arriving here with migration {container.incoming_for}")
    if refusal := not_down(node, ctid):
        return refusal
    if container.config is None and ".migrated" not in container.configs:
        return refused(14, f"container {ctid} has no configuration here")
    least = int(node.world.clock().timestamp()) + LEAST_RETENTION_SECONDS
    saved = dict(container.config) if container.config is not None else None
    node.fences[ctid] = Fence(migration=args[0], retain_until=max(least, int(args[1])), saved=saved)
    if container.config is not None:
        disabled = container.configs.pop("") | {"ONBOOT": "no", "DISABLED": "yes"}
        container.configs[f".ovz-m{args[0]}"] = disabled
    return OK


def unfence(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    container, record = node.container(ctid), node.fences.get(ctid)
    if (ctid, args[0]) in node.asides:
        return refused(9, f"the old copy was set aside because container {ctid} came back")
    if record is None:
        return OK
    if record.migration != args[0] or record.state == "retired":
        return refused(9, f"migration {args[0]} keeps no old copy of {ctid} here")
    if record.saved is not None:
        if container.config is not None:
            return refused(9, f"container {ctid} has a configuration here again")
        container.configs.pop(f".ovz-m{args[0]}")
        container.configs[""] = record.saved
    del node.fences[ctid]
    return OK


def retire(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    container, aside = node.container(ctid), node.asides.get((ctid, args[0]))
    record = aside.fence if aside else node.fences.get(ctid)
    if record is None or record.migration != args[0]:
        return refused(9, f"migration {args[0]} keeps no old copy of {ctid} here")
    if min(int(args[1]), int(node.world.clock().timestamp())) < record.retain_until:
        return refused(1, f"the old copy of {ctid} is kept until {record.retain_until}")
    if aside:
        aside.area, aside.fence = None, replace(record, state="retired")
        return OK
    if container.config is not None or container.incoming_for:
        return refused(9, f"container {ctid} has a configuration here again, or is arriving")
    if refusal := not_down(node, ctid):
        return refusal
    container.area = None
    container.configs.clear()
    node.fences[ctid] = replace(record, state="retired")
    return OK


OPS: dict[str, Op] = {
    op.__name__: op
    for op in (
        *(trust_make, trust_accept, trust_pin, trust_drop, forget_work),
        *(reserve, clear_incoming, accept_incoming, define, rehearsal_drop),
        *(strip, set_onboot, address, clear_stale_lock, thaw),
        *(announce, freeze, unfreeze, drained, fence, unfence, retire),
    )
}
