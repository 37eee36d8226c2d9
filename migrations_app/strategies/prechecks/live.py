"""Can the container's processes be carried from one kernel to the other?"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from migrations_app.execution.outcome import Objection
from migrations_app.strategies.prechecks.facts import Facts
from migrations_app.strategies.prechecks.severity import against_live, instead_of_live
from migrations_app.vz.facts import Mount

# What the kernel can save, and what is known to stop it. Of the rest only trying tells.
SAVED = frozenset(
    {"ext2", "ext3", "ext4", "simfs", "tmpfs", "devtmpfs", "nfs", "nfs4", "autofs", "devpts", "proc", "sysfs"}
    | {"binfmt_misc", "rpc_pipefs", "mqueue", "cgroup", "vzfs", "unionfs", "rootfs"}
)
NOT_SAVED = frozenset({"cifs", "smb3", "xfs", "btrfs", "reiserfs", "jfs", "ceph", "9p", "aufs", "ecryptfs", "fuseblk"})
MODULES_OF_GUESTS = ("ip_", "ip6", "ipt_", "ipt", "xt_", "nf_", "nfnetlink", "iptable_")


def checkpointing(facts: Facts) -> list[Objection]:
    """OpenVZ 7 saves processes without a kernel module of its own."""
    here, there = facts.source, facts.target
    if here.kernel is None or here.kernel.family != "legacy":
        return []
    without = [
        (node.name, module)
        for node, module, has in (
            (here, "vzcpt", here.checkpointing.cpt if here.checkpointing else True),
            (there, "vzrst", there.checkpointing.rst if there.checkpointing else True),
        )
        if not has
    ]
    said = " and ".join(f"{name} lacks {module}" for name, module in without)
    command = "modprobe " + (without[0][1] if without else "")
    return (
        _cannot(facts, "checkpointing-missing", f"Checkpointing is not possible: {said}.", command) if without else []
    )


def tools(facts: Facts) -> list[Objection]:
    tools = facts.source.tools
    if tools is None:
        return []
    if not tools.has("vzmigrate"):
        return _cannot(facts, "vzmigrate-missing", f"vzmigrate is not installed on {facts.here}.")
    if not tools.vzmigrate_options & {"live", "online"}:
        return _cannot(facts, "vzmigrate-not-live", f"vzmigrate on {facts.here} knows no live moves.")
    if not tools.knows_gates_live_words:
        text = f"vzmigrate on {facts.here} has no --live with --check-only, and the gate can say nothing else to it."
        return _cannot(facts, "vzmigrate-other-words", text)
    return [
        objection
        for node in facts.nodes
        if node.tools is not None and not node.tools.has("vzcptcheck") and not _is_vz7(facts)
        for objection in _cannot(
            facts,
            f"vzcptcheck-missing-{node.side}",
            f"{node.name} has no vzcptcheck, so nobody can tell beforehand whether the processors fit.",
        )
    ]


def _is_vz7(facts: Facts) -> bool:
    return facts.source.kernel is not None and facts.source.kernel.family == "vz7"


def kernels_agree(facts: Facts) -> list[Objection]:
    found: list[Objection] = []
    if (version := facts.source.can_restore_there) is not None and not version.ok:
        text = f"{facts.there}'s kernel cannot read what {facts.here}'s saves: {_reason(version.reason)}."
        found += _cannot(facts, "cpt-version", text)
    if (caps := facts.source.can_live_there) is not None and not caps.ok:
        text = f"{facts.there} lacks what the container uses: {_reason(caps.reason)}."
        found += _cannot(facts, "cpt-caps", text)
    return found


def _reason(reason: str) -> str:
    return reason.rstrip(".") or "vzcptcheck gives no reason"


def mounts(facts: Facts) -> list[Objection]:
    inside = facts.source.mounts or ()
    bad = [mount for mount in inside if mount.filesystem in NOT_SAVED or mount.filesystem.startswith("fuse")]
    if bad:
        text = f"Mounted in the container, and not to be saved with it: {_named(bad)}."
        return _cannot(facts, "mounts", text, f"vzctl exec {facts.ctid} umount {_plain(bad[0].path)}")
    return list(_unknown(facts, [mount for mount in inside if mount.filesystem not in SAVED]))


def _unknown(facts: Facts, unknown: list[Mount]) -> Iterable[Objection]:
    if unknown and against_live(facts.order):
        yield Objection(
            check_id="mounts-unknown",
            text=f"Mounted in the container, and maybe not to be saved with it: {_named(unknown)}.",
            way_out="Nothing: the kernel says so when the container is to be saved, and it runs on.",
            severity="note",
        )


def _named(found: list[Mount]) -> str:
    named = ", ".join(f"{mount.path} ({mount.filesystem})" for mount in found[:5])
    return f"{named} and {len(found) - 5} more" if len(found) > 5 else named


def _plain(path: str) -> str:
    """A customer chose the path: it goes into a command only when nothing in it means anything to a shell."""
    return path if path.replace("/", "").replace("-", "").replace("_", "").isalnum() else "PATH"


def modules(facts: Facts) -> list[Objection]:
    """iptables modules and IPv6 that the container may use must be on the target, or its rules do not come back."""
    if not facts.runs or facts.source.modules is None or facts.target.modules is None:
        return []
    wanted = {name for name in facts.source.modules if name == "ipv6" or name.startswith(MODULES_OF_GUESTS)}
    missing = sorted((wanted | _configured(facts)) - facts.target.modules)
    severity = against_live(facts.order)
    # A kernel without loadable modules lists none, which says nothing.
    if not missing or severity is None or not facts.target.modules:
        return []
    return [
        Objection(
            check_id="modules-missing",
            text=f"{facts.there} lacks {len(missing)} modules that {facts.here} has loaded: "
            f"{', '.join(missing[:12])}{' ...' if len(missing) > 12 else ''}. "
            "Firewall rules in the container may not come back.",
            way_out="Load them, and name them in IPTABLES_MODULES of the target's /etc/vz/vz.conf.",
            command=f"modprobe -a {shlex.join(missing[:12])}",
            severity="note" if severity == "note" else "warning",
        )
    ]


def _configured(facts: Facts) -> frozenset[str]:
    return facts.source.conf.iptables_modules if facts.source.conf else frozenset()


def dump_folder(facts: Facts) -> list[Objection]:
    conf = facts.target.conf
    if conf is None or conf.dump_dir or _is_vz7(facts):
        return []
    text = f"{facts.there}'s vz.conf sets no DUMPDIR: vzmigrate would write the memory to the node's root folder."
    return _cannot(facts, "dumpdir-unset", text, "echo 'DUMPDIR=/vz/dump' >>/etc/vz/vz.conf")


def _cannot(facts: Facts, check_id: str, text: str, command: str = "") -> list[Objection]:
    severity = against_live(facts.order)
    if severity is None or not facts.runs:
        return []
    return [
        Objection(
            check_id=check_id,
            text=text,
            way_out=instead_of_live(facts.order),
            command=command,
            severity=severity,
        )
    ]
