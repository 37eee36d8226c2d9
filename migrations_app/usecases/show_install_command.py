"""Show the line to run on a node so that it becomes one of the panel's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrations_app.inventory import gate_kit
from migrations_app.inventory.gate_kit import NoPanelKey
from migrations_app.inventory.installer import install_command
from migrations_app.models import Node

__all__ = ["NoPanelKey", "install_command_for"]


def install_command_for(*, node: Node, settings: Mapping[str, Any]) -> str:
    """Return the line; it ends by naming the node it was copied for.

    :raises NoPanelKey: the panel has no key yet.
    """
    key = gate_kit.public_key(settings["ssh_key_file"])
    line = install_command(
        gate_kit.gate_files(),
        key,
        panel_networks=settings["panel_networks"],
        node_networks=settings["node_networks"],
    )
    return f"{line}  # for {node.name}"
