"""vzctl set: what it changes in the file, what in the running container, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.handle import Lab
from tests.lab.vz import LabContainer

pytestmark = pytest.mark.lab


@pytest.fixture
def ct(lab: Lab) -> Iterator[LabContainer]:
    container = LabContainer.on(lab, "node-1")
    container.create()
    yield container
    container.remove_everywhere()


def test_it_saves_only_when_told(ct: LabContainer) -> None:
    before = ct.read(ct.conf)
    done = ct.vzctl("set", "--onboot", "yes")
    assert done.returncode == 0
    assert "Settings were not saved" in done.stdout
    assert ct.read(ct.conf) == before
    saved = ct.vzctl("set", "--onboot", "yes", "--save")
    assert saved.stdout == f"CT configuration saved to {ct.conf}\n"
    assert 'ONBOOT="yes"' in ct.read(ct.conf).splitlines()


def test_the_file_can_be_sourced_whatever_the_description_holds(ct: LabContainer) -> None:
    nasty = 'a "quoted" $HOME `id` back\\slash'
    ct.vzctl("set", "--description", nasty, "--save")
    assert ct.node.run(["sh", "-c", f'. {ct.conf}; printf %s "$DESCRIPTION"']).stdout == nasty


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--onboot", "maybe"], 21),
        (["--ipadd", "192.0.2.999"], 71),
        (["--hostname", "a b"], 21),
        (["--applyconfig_map", "shape"], 21),
        (["--no-such-thing", "1"], 20),
    ],
)
def test_it_refuses_what_it_cannot_use_and_changes_nothing(ct: LabContainer, words: list[str], code: int) -> None:
    before = ct.read(ct.conf)
    assert ct.vzctl("set", *words, "--save").returncode == code
    assert ct.read(ct.conf) == before


def test_addresses_of_a_running_container_change_at_once(ct: LabContainer) -> None:
    ct.start()
    moved = "192.0.2.249"
    done = ct.vzctl("set", "--ipdel", "all", "--ipadd", moved, "--save")
    assert "Deleting all IP addresses" in done.stdout
    assert f"Adding IP address(es): {moved}" in done.stdout
    assert f'IP_ADDRESS="{moved}"' in ct.read(ct.conf).splitlines()
    inside = ct.vzctl("exec2", "ip -br address show venet0").stdout
    assert moved in inside
    assert ct.address not in inside
    assert moved in ct.read("/run/vzkernel/proc/vz/veip")


def test_a_container_without_an_address_has_nothing_but_its_loopback(ct: LabContainer) -> None:
    ct.vzctl("set", "--ipdel", "all", "--save")
    assert ct.vzctl("start").returncode == 0
    assert ct.vzctl("exec2", "ls /proc/sys/net/ipv4/conf").stdout.split() == ["all", "default", "lo"]


def test_a_wrong_template_stops_changes_that_need_its_scripts(ct: LabContainer) -> None:
    ct.start()
    ct.vzctl("set", "--ostemplate", "plan9", "--save")
    assert ct.vzctl("set", "--hostname", "new.example.net", "--save").returncode == 107


def test_a_name_is_known_by_its_link(ct: LabContainer) -> None:
    name = f"shop{ct.ctid}"
    ct.vzctl("set", "--name", name, "--save")
    assert ct.node.run(["vzctl", "status", name]).stdout.startswith(f"CTID {ct.ctid} ")
    ct.vzctl("set", "--name", "", "--save")
    assert ct.node.run(["vzctl", "status", name], check=False).returncode == 21


def test_what_the_kernel_takes_only_at_start_is_refused_when_asked_to_ignore_it(ct: LabContainer) -> None:
    ct.start()
    assert ct.vzctl("set", "--features", "nfs:on", "--setmode", "ignore", "--save").returncode == 32
    assert "at the next start" in ct.vzctl("set", "--features", "nfs:on", "--save").stdout
