"""Showing the line to run on a node."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from migrations_app.models import Node
from migrations_app.usecases.show_install_command import NoPanelKey, install_command_for
from tests.fakes.work import public_key


def test_it_carries_the_panels_key_and_names_the_node(tmp_path: Path) -> None:
    (tmp_path / "node_key.pub").write_text(public_key("panel"))
    line = install_command_for(
        node=Node(name="node-1"), settings=settings.OVZ | {"ssh_key_file": tmp_path / "node_key"}
    )
    assert f"'{public_key('panel')} ovzpanel')" in line
    assert line.endswith("# for node-1")


def test_it_says_from_where_the_key_may_come_and_whom_the_node_may_trust(tmp_path: Path) -> None:
    (tmp_path / "node_key.pub").write_text(public_key("panel"))
    limits = {"panel_networks": ["192.0.2.5/32"], "node_networks": ["192.0.2.0/24", "10.1.0.0/16"]}
    ours = settings.OVZ | limits | {"ssh_key_file": tmp_path / "node_key"}
    line = install_command_for(node=Node(name="node-1"), settings=ours)
    assert line.endswith(" ovzpanel' 192.0.2.5/32 192.0.2.0/24,10.1.0.0/16)  # for node-1")


def test_it_refuses_without_a_key(tmp_path: Path) -> None:
    with pytest.raises(NoPanelKey):
        install_command_for(node=Node(name="node-1"), settings={"ssh_key_file": tmp_path / "node_key"})
