"""What can be wrong with a node that answers; the name of each is that of its runbook page."""

from __future__ import annotations

from typing import ClassVar

from migrations_app.inventory.reading import NodeReading
from migrations_app.vz.facts import FactUnreadable, Tools

# Before 4.3 vzmigrate does not look at rsync's exit code and may lose files in silence.
OLDEST_VZCTL = (4, 3)
KNOWN_LINES = {"4": "OpenVZ 6 and its forerunners", "7": "OpenVZ 7"}


class NodeFault(Exception):
    """Something is wrong with a node."""

    # True where the node may list fewer containers than it has.
    hides_containers: ClassVar[bool] = False


class GateMissing(NodeFault):
    """Whoever answers on the node is not a gate of this panel's protocol."""


class NotAnOpenVzNode(NodeFault):
    """The node's running kernel is not OpenVZ's."""

    hides_containers = True


class OpenVzNotRunning(NodeFault):
    """The node's vz service is down."""

    hides_containers = True


class UnknownToolVersion(NodeFault):
    """The node's vzctl is missing, too old, or of a line this panel has not met."""


def worst_of(reading: NodeReading) -> NodeFault | FactUnreadable | None:
    """Return what most needs a person's eye; None: all is well."""
    if reading.kernel is not None and not reading.kernel.is_openvz:
        return NotAnOpenVzNode(
            f"The running kernel {reading.kernel.release} is not OpenVZ's. Boot the node into its OpenVZ kernel."
        )
    if reading.service_runs is False:
        return OpenVzNotRunning(
            "The vz service does not run, so the node may list fewer containers than it has; what the panel knew of "
            "them was kept. Start it: /etc/init.d/vz start."
        )
    if reading.tools is not None and (reason := _objection_to(reading.tools)):
        return UnknownToolVersion(reason)
    return next(iter(reading.unreadable), None)


def _objection_to(tools: Tools) -> str:
    version = tools.versions.get("vzctl", "")
    wanted = ".".join(map(str, OLDEST_VZCTL))
    if not version:
        return "vzctl is not installed on the node."
    if not version[0].isdecimal():
        return f"vzctl does not tell its version (it said {version!r}); {wanted} or newer is needed."
    if not tools.is_at_least("vzctl", *OLDEST_VZCTL):
        return f"vzctl is {version}; {wanted} or newer is needed, because older ones can lose files in silence."
    if version.partition(".")[0] not in KNOWN_LINES:
        known = " and ".join(f"{line}.x ({name})" for line, name in KNOWN_LINES.items())
        return f"vzctl is {version}; this panel knows {known}."
    return ""
