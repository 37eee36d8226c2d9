"""Can the target hold this container as it is configured: its layout, bridges, scripts, and what it has of the node?"""

from __future__ import annotations

import re
from collections.abc import Iterable

from migrations_app.execution.outcome import Objection
from migrations_app.strategies.prechecks.facts import Facts
from migrations_app.strategies.prechecks.severity import against_stream
from migrations_app.vz.facts import ContainerConfig
from migrations_app.vz.names import clean_line

# Parameters that hand the container something that belongs to this one node.
_PIECES = ("PCI", "NETDEV", "BINDMOUNT", "DISK")
_POWERS = re.compile(r"SYS_(?:MODULE|RAWIO):on")
# Devices that every node has, and that reach nothing of it.
_HARMLESS_DEVICE = re.compile(r"(?:net/tun|fuse|ppp|c:10:200|c:10:229|c:108:0):[rw]+")


def layout(facts: Facts) -> list[Objection]:
    config = facts.source.config
    if config is None or not config.layout.startswith("ploop"):
        return []
    return [*_no_ploop(facts), *_no_stream(facts)]


def _no_ploop(facts: Facts) -> Iterable[Objection]:
    ploop = facts.target.ploop
    if ploop is not None and not ploop.ok:
        yield Objection(
            check_id="ploop-missing",
            text=f"{facts.ctid} has the layout ploop, which {facts.there} cannot mount: "
            f"{ploop.reason or 'ploop getdev failed'}.",
            way_out="Load the modules there (and install ploop where it is missing), or choose another node.",
            command="modprobe -a ploop pfmt_ploop1 pfmt_raw pio_direct && ploop getdev",
        )


def _no_stream(facts: Facts) -> Iterable[Objection]:
    severity = against_stream(facts.order)
    if severity is not None:
        yield Objection(
            check_id="ploop-stream",
            text=f"{facts.ctid} has the layout ploop: stream does not copy what lies in disk images.",
            way_out="Schedule the migration live or by dump.",
            severity=severity,
        )


def bridges(facts: Facts) -> list[Objection]:
    config, there = facts.source.config, facts.target.bridges
    if config is None or there is None:
        return []
    missing = [bridge for bridge in config.bridges if bridge not in there]
    if not missing:
        return []
    return [
        Objection(
            check_id="bridges-missing",
            text=f"{facts.there} has no bridge {', '.join(missing)}; the container would "
            f"start without a network there. Its bridges: {', '.join(sorted(there)) or 'none'}.",
            way_out="Make the bridge on the target and tie it to the same network, or choose another node.",
            command=" && ".join(f"brctl addbr {bridge}" for bridge in missing),
        )
    ]


def scripts(facts: Facts) -> list[Objection]:
    """Scripts beside the configuration run as root on the node; mount scripts bring the node's folders in."""
    config, here, there = facts.source.config, facts.source.scripts, facts.target.scripts or ()
    if config is None or not here:
        return []
    if against_stream(facts.order) is not None and (missing := [name for name in here if name not in there]):
        return [_left_behind(facts, missing)]
    return [
        Objection(
            check_id="scripts",
            text=f"{facts.ctid} has action scripts of its own ({', '.join(here)}). What they mount or call "
            f"must be on {facts.there} too.",
            way_out="Read them. Folders of the node that they bind into the container do not move with it.",
            command=f"cat {_script_files(facts, here)}",
            severity="warning",
        )
    ]


def _left_behind(facts: Facts, missing: list[str]) -> Objection:
    return Objection(
        check_id="scripts-left-behind",
        text=f"{facts.ctid} has action scripts of its own ({', '.join(missing)}), which stream does not carry over.",
        way_out=f"Read them, and copy what is needed to {facts.there}, then retry; or schedule the migration by dump.",
        command=f"scp -p {_script_files(facts, missing)} {facts.there}:/etc/vz/conf/",
        severity=against_stream(facts.order) or "warning",
    )


def _script_files(facts: Facts, names: Iterable[str]) -> str:
    return " ".join(f"/etc/vz/conf/{facts.ctid}.{name}" for name in names if name.isalpha())


def pieces_of_the_node(facts: Facts) -> list[Objection]:
    """The target's things of the same name are others."""
    config = facts.source.config
    found = list(_pieces(config)) if config is not None else []
    if not found:
        return []
    return [
        Objection(
            check_id="pieces-of-the-node",
            text=f"{facts.ctid} has pieces of {facts.here}: {'; '.join(found)}. "
            f"On {facts.there} the same words mean other things, or nothing.",
            way_out="Take them away from the container first, and give it what corresponds there after the move. "
            "Stream refuses such a configuration.",
            severity="blocker" if facts.order.method == "stream" else "warning",
        )
    ]


def _pieces(config: ContainerConfig) -> Iterable[str]:
    for name in _PIECES:
        if value := config.values.get(name, ""):
            yield f"{name}={clean_line(value, limit=80)}"
    if powers := _POWERS.findall(config.values.get("CAPABILITY", "")):
        yield f"CAPABILITY {', '.join(powers)}"
    for name in ("DEVICES", "DEVNODES"):
        devices = [word for word in config.values.get(name, "").split() if not _HARMLESS_DEVICE.fullmatch(word)]
        if devices:
            yield f"{name}={clean_line(' '.join(devices), limit=80)}"
