"""The package door of a node: three packages, believable words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from lab import faults
from lab.handle import Lab, LabNode

pytestmark = pytest.mark.lab

PROGRAMS = ("/usr/sbin/vzdump", "/usr/sbin/vzrestore", "/usr/sbin/cstream")


@pytest.fixture
def node(lab: Lab) -> Iterator[LabNode]:
    """A node without vzdump."""
    node = lab.node("node-3")
    with ExitStack() as missing:
        for program in PROGRAMS:
            missing.enter_context(faults.tool_missing(node, program))
        yield node


def test_a_fresh_node_has_no_vzdump(lab: Lab) -> None:
    assert not (lab.paths.layer / "usr/sbin/vzdump").exists()
    assert (lab.paths.layer / "usr/share/lab-packages/vzdump").exists()


def test_it_installs_vzdump_with_all_it_needs(node: LabNode) -> None:
    done = node.run(["yum", "-y", "install", "vzdump"])
    assert done.stdout.rstrip().endswith("Complete!")
    assert "Installed:\n  vzdump.noarch" in done.stdout
    assert "Dependency Installed:\n  cstream.x86_64" in done.stdout
    assert node.run(["vzdump"], check=False).returncode == 255
    assert node.run(["vzrestore"], check=False).returncode == 255


def test_what_is_there_already_is_left_alone(node: LabNode) -> None:
    node.run(["yum", "-y", "install", "vzdump"])
    again = node.run(["yum", "-y", "install", "vzdump", "rsync"])
    assert "Package vzdump-1.2-6.noarch already installed and latest version" in again.stdout
    assert again.stdout.endswith("Nothing to do\n")


def test_an_unknown_package_is_an_error(node: LabNode) -> None:
    done = node.run(["yum", "-y", "install", "lvm9"], check=False)
    assert done.returncode == 1
    assert done.stdout.endswith("No package lvm9 available.\nError: Nothing to do\n")


def test_it_asks_unless_told_yes_and_nothing_happens_without(node: LabNode) -> None:
    done = node.run(["yum", "install", "vzdump"], check=False)
    assert done.returncode == 1
    assert "Is this ok [y/N]: Exiting on user Command" in done.stdout
    assert node.run(["test", "-e", "/usr/sbin/vzdump"], check=False).returncode == 1


def test_it_accepts_a_yes_from_a_person(node: LabNode) -> None:
    assert node.run(["yum", "install", "vzdump"], input="y\n").returncode == 0
    assert node.run(["test", "-x", "/usr/sbin/vzdump"]).returncode == 0


def test_rsync_counts_as_missing_once_its_program_is_gone(lab: Lab) -> None:
    node = lab.node("node-3")
    with faults.tool_missing(node, "/usr/bin/rsync"):
        done = node.run(["yum", "-y", "install", "rsync"])
        assert "Installing : rsync-" in done.stdout
        assert node.run(["rsync", "--version"]).returncode == 0


def test_ntp_brings_a_daemon_that_can_be_started(lab: Lab) -> None:
    node = lab.node("node-3")
    _remove_ntp(node)
    node.run(["yum", "-y", "install", "ntp"])
    try:
        assert node.run(["/etc/init.d/ntpd", "status"], check=False).returncode == 3
        node.run(["service", "ntpd", "start"])
        assert node.run(["pgrep", "-x", "ntpd"]).returncode == 0
        assert node.run(["/etc/init.d/ntpd", "status"]).returncode == 0
    finally:
        _remove_ntp(node)


def _remove_ntp(node: LabNode) -> None:
    node.run(["sh", "-c", "/etc/init.d/ntpd stop; pkill -x ntpd; rm -f /usr/sbin/ntpd /etc/init.d/ntpd"], check=False)


def test_apt_get_installs_the_same_in_its_own_words(node: LabNode) -> None:
    done = node.run(["apt-get", "-y", "install", "vzdump"])
    assert "Setting up cstream" in done.stdout
    assert "Setting up vzdump" in done.stdout
    assert node.run(["test", "-x", "/usr/sbin/vzdump"]).returncode == 0
    unknown = node.run(["apt-get", "-y", "install", "lvm9"], check=False)
    assert (unknown.returncode, unknown.stderr) == (100, "E: Unable to locate package lvm9\n")


def test_a_package_whose_program_the_source_lost_is_an_error(node: LabNode) -> None:
    node.run(["mv", "/usr/share/lab-packages/vzdump", "/tmp/vzdump"])
    try:
        done = node.run(["yum", "-y", "install", "vzdump"], check=False)
    finally:
        node.run(["mv", "/tmp/vzdump", "/usr/share/lab-packages/vzdump"])
    assert done.returncode == 1
    assert "Error unpacking rpm package vzdump" in done.stdout
