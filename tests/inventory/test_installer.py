"""The line that makes a node one of the panel's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from migrations_app.inventory import gate_kit
from migrations_app.inventory.gate_kit import NoPanelKey
from migrations_app.inventory.installer import install_command
from migrations_app.vz.names import BadValue
from tests.fakes.work import public_key

KEY = f"{public_key('panel')} ovzpanel"
# Stands in for gate/install.sh: shows what it was given and what lies beside it.
SHOW = (
    b'#!/bin/sh\nset -eu\nprintf "%s|" "$#" "$1"\ncd "$(dirname "$0")"\nfind . -type f | sort | tr "\\n" " "\npwd >&2\n'
)


def run(line: str, shell: str = "sh") -> subprocess.CompletedProcess[str]:
    return subprocess.run([shell, "-c", line], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_it_unpacks_the_files_hands_over_the_key_and_cleans_up(shell: str) -> None:
    files = {"install.sh": SHOW, "ovzgate": b"gate", "lib/words.sh": b"words\x00\xff"}
    done = run(install_command(files, KEY), shell)
    assert (done.returncode, done.stdout) == (0, f"1|{KEY}|./install.sh ./lib/words.sh ./ovzgate ")
    assert not Path(done.stderr.strip()).exists()


@pytest.mark.parametrize(
    ("panel", "nodes", "handed_over"),
    [
        ([], ["192.0.2.0/24", "10.1.0.0/16"], f"3|{KEY}||192.0.2.0/24,10.1.0.0/16"),
        (["192.0.2.5/32"], [], f"3|{KEY}|192.0.2.5/32|"),
        (["; reboot"], ["$(reboot)"], f"3|{KEY}|; reboot|$(reboot)"),
    ],
)
def test_it_hands_over_who_may_come_in(panel: list[str], nodes: list[str], handed_over: str) -> None:
    show = b'printf "%s" "$#"\nfor word do printf "|%s" "$word"; done\n'
    done = run(install_command({"install.sh": show}, KEY, panel_networks=panel, node_networks=nodes))
    assert (done.returncode, done.stdout) == (0, handed_over)


def test_it_reports_a_failed_installation_and_cleans_up() -> None:
    done = run(install_command({"install.sh": b"dirname $0\nexit 3\n"}, KEY))
    assert done.returncode == 3
    assert not Path(done.stdout.strip()).exists()


def test_it_installs_nothing_from_a_damaged_line() -> None:
    line = install_command({"install.sh": b"echo installed\n"}, KEY)
    done = run(line.replace("H4sI", "H5sI", 1))
    assert done.returncode != 0
    assert "installed" not in done.stdout


def test_it_is_one_line_that_is_always_the_same() -> None:
    files = gate_kit.gate_files()
    assert install_command(files, KEY) == install_command(dict(reversed(files.items())), KEY)
    assert "\n" not in install_command(files, KEY)
    # One argument of a command may have 128 KiB, so that the line also goes through ssh.
    assert len(install_command(files, KEY)) < 100_000


@pytest.mark.parametrize("key", ["", "ssh-ed25519 AAAA; reboot", "ssh-dss AAAA ovzpanel", "$(reboot)"])
def test_it_refuses_what_is_no_public_key(key: str) -> None:
    with pytest.raises(BadValue):
        install_command({}, key)


def test_the_kit_holds_the_gate_as_it_is() -> None:
    files = gate_kit.gate_files()
    assert {"install.sh", "ovzgate", "lib/gate.sh"} <= files.keys()
    assert files["ovzgate"] == (gate_kit.GATE_FOLDER / "ovzgate").read_bytes()


def test_the_kit_marks_the_panels_key(tmp_path: Path) -> None:
    (tmp_path / "node_key.pub").write_text(f"{public_key('panel')} somebody@panel.example\n")
    assert gate_kit.public_key(tmp_path / "node_key") == KEY


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"-----BEGIN OPENSSH PRIVATE KEY-----\n"])
def test_the_kit_says_what_to_do_without_a_key(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "node_key.pub").write_bytes(content)
    with pytest.raises(NoPanelKey, match=r"manage\.py work"):
        gate_kit.public_key(tmp_path / "node_key")
