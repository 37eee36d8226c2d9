"""Short operations, in the order of a move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from migrations_app.vz import names
from migrations_app.vz.ops.operation import ForAddresses, ForMigration, Op, Rehearsal

TunnelKind = Literal["gre", "vxlan"]
ForwardKind = Literal["gre", "vxlan", "nat", "here"]

# ------------------------------------------------------------------ trust between two nodes, for one migration


@dataclass(frozen=True, kw_only=True)
class TrustMake(ForMigration, Op):
    """Make the migration's key pair on this node; the answer is the public key."""

    name: ClassVar[str] = "trust_make"


@dataclass(frozen=True, kw_only=True)
class _TrustKey(ForMigration):
    address: str
    public_key: str  # "ssh-ed25519 AAAA..."

    @property
    def arguments(self) -> tuple[str, ...]:
        key = names.checked_public_key(self.public_key)
        return (*super().arguments, names.checked_address(self.address), *key)


@dataclass(frozen=True, kw_only=True)
class TrustAccept(_TrustKey, Op):
    """Let the migration's key in, from that address only."""

    name: ClassVar[str] = "trust_accept"


@dataclass(frozen=True, kw_only=True)
class TrustPin(_TrustKey, Op):
    """Take this as the other node's host key, for this migration."""

    name: ClassVar[str] = "trust_pin"


@dataclass(frozen=True, kw_only=True)
class TrustDrop(ForMigration, Op):
    name: ClassVar[str] = "trust_drop"


# ------------------------------------------------------------------ the arriving copy


@dataclass(frozen=True, kw_only=True)
class Reserve(ForMigration, Op):
    """Mark the container's number on the target as arriving with this migration."""

    name: ClassVar[str] = "reserve"


@dataclass(frozen=True, kw_only=True)
class ClearIncoming(ForMigration, Op):
    """Remove what arrived, if this migration's mark is on it and it does not run."""

    name: ClassVar[str] = "clear_incoming"


@dataclass(frozen=True, kw_only=True)
class AcceptIncoming(ForMigration, Op):
    """Drop the mark: what arrived is the living copy now."""

    name: ClassVar[str] = "accept_incoming"


@dataclass(frozen=True, kw_only=True)
class Strip(Op):
    """Take every address off and keep it from starting at boot."""

    name: ClassVar[str] = "strip"


@dataclass(frozen=True, kw_only=True)
class SetAddresses(ForAddresses, Op):
    """Add addresses, and set with them what else is given: each call is time in which the container stands still."""

    host_name: str = ""
    onboot: bool | None = None

    name: ClassVar[str] = "address"

    @property
    def arguments(self) -> tuple[str, ...]:
        wishes = [f"hostname={names.checked_host_name(self.host_name)}"] if self.host_name else []
        if self.onboot is not None:
            wishes.append(f"onboot={'yes' if self.onboot else 'no'}")
        return (*wishes, *super().arguments)


@dataclass(frozen=True, kw_only=True)
class DropAddresses(ForAddresses, Op):
    """Take these addresses off; what else it has stays."""

    name: ClassVar[str] = "drop_address"


@dataclass(frozen=True, kw_only=True)
class EditLine(ForMigration, Op):
    """Change one line of a file of an arrived copy, if it still is as it was seen; a back-up stays beside the file."""

    path: str
    number: int
    old: str
    new: str

    name: ClassVar[str] = "edit_line"

    @property
    def arguments(self) -> tuple[str, ...]:
        number = names.checked_number(self.number, field="line", lowest=1, highest=999_999)
        texts = (names.base64_line(text) for text in (self.old, self.new))
        return (*super().arguments, names.base64_line(self.path), number, *texts)


@dataclass(frozen=True, kw_only=True)
class SetOnboot(Op):
    onboot: bool

    name: ClassVar[str] = "set_onboot"

    @property
    def arguments(self) -> tuple[str, ...]:
        return ("yes" if self.onboot else "no",)


# ------------------------------------------------------------------ the network around it


@dataclass(frozen=True, kw_only=True)
class Announce(Op):
    """Tell the segment by gratuitous ARP where the address lives now."""

    address: str
    count: int = 3

    name: ClassVar[str] = "announce"

    @property
    def arguments(self) -> tuple[str, ...]:
        count = names.checked_number(self.count, field="count", lowest=1, highest=10)
        return (names.checked_address(self.address), count)


@dataclass(frozen=True, kw_only=True)
class Freeze(ForAddresses, Op):
    """Drop new connections to the addresses, so that clients try again instead of failing."""

    name: ClassVar[str] = "freeze"


@dataclass(frozen=True, kw_only=True)
class Unfreeze(ForAddresses, Op):
    name: ClassVar[str] = "unfreeze"


@dataclass(frozen=True, kw_only=True)
class Drained(Op):
    """Count the connections to the address that still have work open."""

    address: str

    name: ClassVar[str] = "drained"

    @property
    def arguments(self) -> tuple[str, ...]:
        return (names.checked_address(self.address),)


# ------------------------------------------------------------------ an old address passed on


@dataclass(frozen=True, kw_only=True)
class TunnelKinds(Op):
    """Say which kinds of tunnel this node can make, a line each."""

    name: ClassVar[str] = "tunnel_kinds"


@dataclass(frozen=True, kw_only=True)
class ForwardOut(ForMigration, Op):
    """Pass on what arrives for the old address; the gate wants it to be the container's own here, and not in use."""

    kind: ForwardKind
    old: str
    new: str
    peer: str

    name: ClassVar[str] = "forward_out"

    @property
    def arguments(self) -> tuple[str, ...]:
        addresses = (names.checked_address(address) for address in (self.old, self.new, self.peer))
        return (*super().arguments, self.kind, *addresses)


@dataclass(frozen=True, kw_only=True)
class ForwardIn(ForMigration, Op):
    """Send the container's answers from its old address back through the tunnel they came by."""

    kind: TunnelKind
    old: str
    peer: str

    name: ClassVar[str] = "forward_in"

    @property
    def arguments(self) -> tuple[str, ...]:
        addresses = (names.checked_address(address) for address in (self.old, self.peer))
        return (*super().arguments, self.kind, *addresses)


@dataclass(frozen=True, kw_only=True)
class ForwardEnd(ForMigration, Op):
    old: str

    name: ClassVar[str] = "forward_end"

    @property
    def arguments(self) -> tuple[str, ...]:
        return (*super().arguments, names.checked_address(self.old))


# ------------------------------------------------------------------ the copy left behind


@dataclass(frozen=True, kw_only=True)
class Fence(ForMigration, Op):
    """Make the old copy unable to start, and keep it until then."""

    retain_until_epoch: int

    name: ClassVar[str] = "fence"

    @property
    def arguments(self) -> tuple[str, ...]:
        return (*super().arguments, _epoch(self.retain_until_epoch))


@dataclass(frozen=True, kw_only=True)
class Unfence(ForMigration, Op):
    name: ClassVar[str] = "unfence"


@dataclass(frozen=True, kw_only=True)
class Retire(ForMigration, Op):
    """Delete the old copy; the gate refuses before its retention is over."""

    now_epoch: int

    name: ClassVar[str] = "retire"

    @property
    def arguments(self) -> tuple[str, ...]:
        return (*super().arguments, _epoch(self.now_epoch))


@dataclass(frozen=True, kw_only=True)
class ClearStaleLock(Op):
    """Remove the container's lock if the process that took it is dead."""

    name: ClassVar[str] = "clear_stale_lock"


@dataclass(frozen=True, kw_only=True)
class Thaw(Op):
    """Let the processes of a container go on that a killed live move left frozen."""

    name: ClassVar[str] = "thaw"


@dataclass(frozen=True, kw_only=True)
class ForgetWork(ForMigration, Op):
    name: ClassVar[str] = "forget_work"


@dataclass(frozen=True, kw_only=True)
class RehearsalDrop(Rehearsal, Op):
    name: ClassVar[str] = "rehearsal_drop"


def _epoch(seconds: int) -> str:
    return names.checked_number(seconds, field="moment", lowest=1, highest=99_999_999_999)
