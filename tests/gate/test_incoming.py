"""A container on its way in: what carries the mark may be cleared, nothing else."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.gate.rig import Gate

CONFIG = """\
# a comment
ONBOOT="yes"
PHYSPAGES="0:256M"
VE_ROOT="/vz/root/$VEID"
VE_PRIVATE="/vz/private/$VEID"
HOSTNAME="shop.example.net"
NAME="shop"
IP_ADDRESS="192.0.2.101 2001:db8::7"
DEVNODES="net/tun:rw "
CAPABILITY="NET_ADMIN:on "
CPUUNITS=1000
"""


def _gone(path: Path) -> bool:
    deadline = time.monotonic() + 5
    while path.exists() or list(path.parent.glob(f"{path.name}.ovz-trash*")):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _define(gate: Gate, config: str = CONFIG, key: str = "m1-define-a1") -> tuple[str, str, str]:
    return gate.job(key, "101 1 define 1", stdin=config.encode())


def test_it_reserves_a_free_number_once(gate: Gate) -> None:
    assert [gate.do("101 1 reserve 1").rc for _ in range(2)] == [0, 0]
    refusal = gate.do("101 1 reserve 2")
    assert (refusal.rc, refusal.err) == (9, "container 101 is reserved here by migration 1\n")


@pytest.mark.parametrize("private", [True, False])
def test_it_does_not_reserve_what_is_there(gate: Gate, private: bool) -> None:
    gate.container(101, private=private)
    assert gate.do("101 1 reserve 1").rc == 9
    (gate.conf / "101.conf").unlink()
    assert gate.do("101 1 reserve 1").rc == (9 if private else 0)


def test_it_defines_a_container_that_cannot_start_by_itself(gate: Gate) -> None:
    gate.do("101 1 reserve 1")
    assert _define(gate)[0] == "done 0"
    lines = (gate.conf / "101.conf").read_text().splitlines()
    assert 'ONBOOT="no"' in lines
    assert 'ONBOOT="yes"' not in lines
    assert '# IP_ADDRESS="192.0.2.101 2001:db8::7"' in lines
    assert f'VE_PRIVATE="{gate.root}/private/101"' in lines
    assert {'PHYSPAGES="0:256M"', 'HOSTNAME="shop.example.net"', "CPUUNITS=1000"} <= set(lines)
    assert not list((gate.root / "private" / "101").iterdir())


@pytest.mark.parametrize(
    "line",
    [
        "HOSTNAME=$(id)",
        'HOSTNAME="`id`"',
        'HOSTNAME="$HOME"',
        'HOSTNAME="a\\"',
        'HOSTNAME="a"; touch x',
        'HOSTNAME="a" X="b"',
        "touch x",
        '. "/etc/passwd"',
        'BINDMOUNT="/etc:/host"',
        'PCI="00:00.0"',
        'NETDEV="eth0"',
        'DEVNODES="sda:rw"',
        'DEVICES="b:8:0:rw"',
        'CAPABILITY="SYS_MODULE:on"',
        'CAPABILITY="sys_module:on"',
        'PATH="/vz/private/102/tmp"',
        'LD_PRELOAD="/vz/private/102/tmp/x.so"',
        'BASH_ENV="/vz/private/102/tmp/x"',
        'IFS="/"',
        'VZCTL="/vz/private/102/tmp/x"',
        'OSTEMPLATE="../../private/102/tmp/x"',
        'VE_LAYOUT="ploop"',
        "HOSTNAME='a'",
        'lower="a"',
        'X="\x1b[2J"',
    ],
)
def test_it_does_not_take_over_a_harmful_line(gate: Gate, line: str) -> None:
    gate.do("101 1 reserve 1")
    state, _, error = _define(gate, CONFIG + line + "\n")
    assert state == "done 85"
    assert error.startswith("line 12: ")
    assert not list(gate.conf.glob("101.conf*"))


def test_it_defines_only_what_is_reserved(gate: Gate) -> None:
    assert _define(gate)[0] == "done 9"
    gate.do("101 1 reserve 2")
    assert _define(gate, key="m1-define-a2")[0] == "done 9"
    assert not list(gate.conf.iterdir())


def test_it_clears_what_arrived(gate: Gate) -> None:
    (gate.conf / "101.mount").write_text("kept: was here before\n")
    gate.do("101 1 reserve 1")
    _define(gate)
    (gate.root / "private/101/data").write_text("copy\n")
    (gate.conf / "101.start").write_text("arrived\n")
    (gate.root / "vz/names/shop").symlink_to(gate.conf / "101.conf")
    assert gate.do("101 1 clear_incoming 1").rc == 0
    assert _gone(gate.root / "private/101")
    assert [path.name for path in gate.conf.iterdir()] == ["101.mount"]
    assert not list((gate.root / "vz/names").iterdir())
    assert gate.do("101 1 clear_incoming 1").rc == 0
    assert gate.do("101 1 reserve 2").rc == 0


def test_it_clears_nothing_without_the_mark(gate: Gate) -> None:
    area = gate.container(101)
    assert gate.do("101 1 clear_incoming 1").rc == 0
    assert (area / "data").exists()
    assert (gate.conf / "101.conf").exists()


def test_it_clears_nothing_of_another_migration(gate: Gate) -> None:
    gate.do("101 1 reserve 1")
    _define(gate)
    assert gate.do("101 1 clear_incoming 2").rc == 9
    assert (gate.conf / "101.conf").exists()


@pytest.mark.parametrize("state", ["running", "paused"])
def test_it_clears_nothing_that_runs(gate: Gate, state: str) -> None:
    gate.do("101 1 reserve 1")
    _define(gate)
    (gate.root / "ctl/101").write_text(f"{state}\n")
    assert gate.do("101 1 clear_incoming 1").rc == 32
    assert (gate.root / "private/101").exists()


def test_it_clears_nothing_when_vzctl_does_not_answer(gate: Gate) -> None:
    gate.do("101 1 reserve 1")
    _define(gate)
    gate.tool("vzctl", "exit 5\n")
    assert gate.do("101 1 clear_incoming 1").rc == 32
    assert (gate.root / "private/101").exists()


def test_a_link_for_an_area_is_never_followed(gate: Gate) -> None:
    gate.do("101 1 reserve 1")
    elsewhere = gate.root / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    (gate.conf / "101.conf").write_text("")
    (gate.root / "private/101").symlink_to(elsewhere)
    assert gate.do("101 1 clear_incoming 1").rc == 1
    assert (elsewhere / "precious").exists()


def test_an_area_under_another_name_is_never_removed(gate: Gate) -> None:
    gate.container(102)
    gate.do("101 1 reserve 1")
    (gate.conf / "101.conf").write_text(f'VE_PRIVATE="{gate.root}/private/102"\n')
    assert gate.do("101 1 clear_incoming 1").rc == 1
    assert (gate.root / "private/102/data").exists()


def test_accepting_drops_the_mark_and_gives_the_name(gate: Gate) -> None:
    gate.do("101 1 reserve 1")
    _define(gate)
    assert gate.do("101 1 accept_incoming 1").rc == 0
    assert "vzctl set 101 --name shop --save" in gate.calls
    assert gate.do("101 1 clear_incoming 1").out.startswith("nothing of container 101")
    assert (gate.conf / "101.conf").exists()


def test_a_rehearsal_has_no_address_and_goes_without_trace(gate: Gate) -> None:
    gate.do("101 1 reserve 1")
    _define(gate)
    assert gate.job("m1-rehearse_start-a1", "101 1 rehearse_start 1 190001")[0] == "done 0"
    text = (gate.conf / "190001.conf").read_text()
    assert f'VE_PRIVATE="{gate.root}/private/101"' in text
    assert 'ONBOOT="no"' in text
    assert "\nNAME" not in text
    assert "\nIP_ADDRESS" not in text
    assert "\nNETIF" not in text
    assert gate.do("101 1 rehearsal_drop 1 190001").rc == 32
    assert gate.job("m1-rehearse_stop-a1", "101 1 rehearse_stop 1 190001")[0] == "done 0"
    assert gate.do("101 1 rehearsal_drop 1 190001").rc == 0
    assert not list(gate.conf.glob("190001*"))
    assert (gate.root / "private/101").exists()


def test_a_rehearsal_does_not_take_another_containers_number(gate: Gate) -> None:
    gate.container(102)
    gate.do("101 1 reserve 1")
    _define(gate)
    assert gate.job("m1-rehearse_start-a1", "101 1 rehearse_start 1 102")[0] == "done 9"
    gate.do("101 1 rehearsal_drop 1 102")
    assert (gate.conf / "102.conf").read_text().startswith("HOSTNAME")
