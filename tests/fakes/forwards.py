"""Old addresses that a pretend node passes on, and those that stand in a container's files."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.fakes.ops import OK, Op, OpAnswer, not_at_rest, not_incoming, refused, set_config

if TYPE_CHECKING:
    from tests.fakes.node import FakeNode


@dataclass(kw_only=True)
class Forward:
    """One record of the node; ``in_force`` ends when somebody flushes the rules, the record stays."""

    ctid: str
    migration: str
    side: str
    kind: str
    new: str
    peer: str
    in_force: bool = True
    new_connections: int = 0
    packets: int = 0  # of connections that are open


def tunnel_kinds(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    return OpAnswer(output="".join(f"{kind}\n" for kind in node.tunnel_kinds))


def forward_out(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    migration, kind, old, new, peer = args
    if refusal := _not_its_own(node, ctid, migration, old):
        return refusal
    if kind != "here" and node.serving(old):
        return refused(32, f"{old} is in use by a container of this node")
    _note(node, old, Forward(ctid=ctid, migration=migration, side="out", kind=kind, new=new, peer=peer))
    return OK


def forward_in(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    migration, kind, old, peer = args
    if refusal := _not_its_own(node, ctid, migration, old):
        return refusal
    _note(node, old, Forward(ctid=ctid, migration=migration, side="in", kind=kind, new=old, peer=peer))
    return OK


def forward_end(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    if args[1] in node.forwards and node.forwards[args[1]].ctid != ctid:
        return refused(9, f"{args[1]} is forwarded for container {node.forwards[args[1]].ctid}")
    node.forwards.pop(args[1], None)
    return OK


def drop_address(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    left = [address for address in node.container(ctid).addresses if address not in args]
    return set_config(node, ctid, IP_ADDRESS=" ".join(left))


def _note(node: FakeNode, old: str, record: Forward) -> None:
    """Count on where the rules are only written anew."""
    if (former := node.forwards.get(old)) is not None:
        record.new_connections, record.packets = former.new_connections, former.packets
    node.forwards[old] = record


def _not_its_own(node: FakeNode, ctid: str, migration: str, old: str) -> OpAnswer | None:
    if old in node.forwards:
        owner = node.forwards[old].ctid
        return None if owner == ctid else refused(9, f"{old} is forwarded for container {owner}")
    aside = node.asides.get((ctid, migration))
    configs = [*node.container(ctid).configs.values(), (aside.fence.saved if aside else None) or {}]
    if any(old in config.get("IP_ADDRESS", "").split() for config in configs):
        return None
    return refused(9, f"{old} is no address of container {ctid} here")


def forward_state(node: FakeNode, address: str) -> str:
    record = node.forwards.get(address)
    if record is None:
        return "wished=no\n"
    said = f"wished=yes\nctid={record.ctid}\nmigration={record.migration}\nside={record.side}\nkind={record.kind}\n"
    said += f"in_force={'yes' if record.in_force else 'no'}\n"
    if record.side == "out":
        said += f"new_connections={record.new_connections}\npackets={record.packets}\n"
        said += "from=203.0.113.9\n" if record.new_connections else ""
    return said


def edit_line(node: FakeNode, ctid: str, args: list[str], stdin: bytes) -> OpAnswer:
    if refusal := not_incoming(node, ctid, args[0]) or not_at_rest(node, ctid):
        return refusal
    path, old, new = (base64.b64decode(args[place]).decode() for place in (1, 3, 4))
    area, number = node.container(ctid).area, int(args[2]) - 1
    lines = area.texts.get(path, []) if area else []
    if number >= len(lines) or lines[number] not in (old, new):
        return refused(9, f"line {args[2]} of {path} is not what it was")
    lines[number] = new
    return OK


def ct_mentions(node: FakeNode, ctid: str, address: str) -> tuple[int, str]:
    if refusal := not_at_rest(node, ctid):
        return refusal.code, ""
    area = node.container(ctid).area
    apart, said = (r"[^0-9a-f:]" if ":" in address else r"[^0-9.]"), ""
    for path, lines in (area.texts if area else {}).items():
        hits = [(number, line) for number, line in enumerate(lines, start=1) if address in re.split(apart, line)]
        said += f"file={_b64(path)}\n" if hits else ""
        said += "".join(f"line={number} {_b64(line)}\n" for number, line in hits)
    return 0, said


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


FORWARD_OPS: dict[str, Op] = {
    op.__name__: op for op in (tunnel_kinds, forward_out, forward_in, forward_end, drop_address, edit_line)
}
