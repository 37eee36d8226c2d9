"""vzlist: its table, its JSON with all its faults, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from lab.handle import Lab
from tests.lab.vz import LabContainer

pytestmark = pytest.mark.lab

UNLIMITED = 9223372036854775807


@pytest.fixture
def ct(lab: Lab) -> Iterator[LabContainer]:
    container = LabContainer.on(lab, "node-1")
    container.create()
    yield container
    container.remove_everywhere()


def vzlist(ct: LabContainer, *words: str) -> str:
    return ct.node.run(["vzlist", *words], check=False).stdout


def as_json(ct: LabContainer, *words: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(vzlist(ct, "-a", "-j", *words, str(ct.ctid)))[0]
    return found


def test_the_table_has_its_columns_where_people_look_for_them(ct: LabContainer) -> None:
    ct.start()
    header, line = vzlist(ct, str(ct.ctid)).splitlines()
    assert header == "      CTID      NPROC STATUS    IP_ADDR         HOSTNAME"
    assert line.startswith(f"{ct.ctid:>10d} ")
    assert line[22:] == f"running   {ct.address:<15s} ct{ct.ctid}.example.net"


def test_stopped_containers_are_shown_only_when_asked_for(ct: LabContainer) -> None:
    mine = str(ct.ctid)
    assert mine not in vzlist(ct, "-1").split()
    assert mine in vzlist(ct, "-1a").split()
    assert mine in vzlist(ct, "-S", "-Ho", "ctid").split()
    assert vzlist(ct, "-Ho", "ctid,status", mine).split() == [mine, "stopped"]


def test_every_state_has_its_word(ct: LabContainer) -> None:
    assert as_json(ct, "-o", "status") == {"status": "stopped"}
    ct.vzctl("mount")
    assert as_json(ct, "-o", "status") == {"status": "mounted"}
    ct.vzctl("start")
    assert as_json(ct, "-o", "status") == {"status": "running"}
    if ct.lab.checkpointing:
        ct.vzctl("suspend")
        assert as_json(ct, "-o", "status") == {"status": "suspended"}


def test_json_has_numbers_in_the_kernels_units(ct: LabContainer) -> None:
    ct.vzctl("set", "--ram", "1G", "--diskspace", "10G:11G", "--cpulimit", "150", "--onboot", "yes", "--save")
    ct.start()
    found = as_json(ct)
    assert found["ctid"] == found["veid"] == found["vpsid"] == ct.ctid
    physpages = found["physpages"]
    assert isinstance(physpages, dict)
    assert (physpages["barrier"], physpages["limit"], physpages["failcnt"]) == (0, 262144, 0)
    assert 500 < physpages["held"] <= physpages["maxheld"] < 262144
    assert found["kmemsize"]["limit"] == UNLIMITED  # type: ignore[index]
    assert found["diskspace"] == {"usage": 0, "softlimit": 10485760, "hardlimit": 11534336}
    assert (found["cpulimit"], found["cpuunits"], found["cpus"], found["onboot"]) == (150, 1000, None, True)
    assert (found["ip"], found["layout"], found["name"]) == ([ct.address], "simfs", None)
    assert isinstance(found["uptime"], float)
    assert len(found["laverage"]) == 3  # type: ignore[arg-type]


def test_a_stopped_container_holds_nothing_and_its_limits_come_from_the_file(ct: LabContainer) -> None:
    found = as_json(ct, "-o", "physpages,uptime,laverage,onboot")
    assert found["physpages"] == {"held": 0, "maxheld": 0, "barrier": 0, "limit": 65536, "failcnt": 0}
    assert (found["uptime"], found["laverage"], found["onboot"]) == (0.0, None, None)


def test_json_strings_are_not_escaped(ct: LabContainer) -> None:
    ct.vzctl("set", "--description", 'the "good" one', "--save")
    text = vzlist(ct, "-a", "-j", "-o", "ctid,description", str(ct.ctid))
    assert '"description": "the "good" one"' in text
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)


def test_nobody_found_is_an_error_only_for_those_asked_for_by_number(ct: LabContainer) -> None:
    done = ct.node.run(["vzlist", "99999"], check=False)
    assert (done.returncode, done.stderr) == (1, "Container(s) not found\n")
    assert ct.node.run(["vzlist", "-a", "-h", "no.such.host"], check=False).returncode == 0
    assert vzlist(ct, "-j", "-h", "no.such.host") == "[]\n"


def test_a_container_without_its_private_area_is_hidden(ct: LabContainer) -> None:
    ct.node.run(["mv", ct.private, f"{ct.private}.away"])
    assert str(ct.ctid) not in vzlist(ct, "-1a").split()
    ct.node.run(["mv", f"{ct.private}.away", ct.private])
    ct.node.run(["mv", ct.conf, f"{ct.conf}.migrated"])
    assert str(ct.ctid) not in vzlist(ct, "-1a").split()


def test_a_name_without_its_link_is_no_name(ct: LabContainer) -> None:
    name = f"shop{ct.ctid}"
    ct.vzctl("set", "--name", name, "--save")
    assert vzlist(ct, "-Ho", "ctid", name).split() == [str(ct.ctid)]
    assert as_json(ct, "-o", "name") == {"name": name}
    ct.node.run(["rm", f"/etc/vz/names/{name}"])
    assert as_json(ct, "-o", "name") == {"name": None}


def test_several_addresses_are_cut_unless_they_stand_last(ct: LabContainer) -> None:
    ct.vzctl("set", "--ipadd", "192.0.2.250", "--save")
    mine = str(ct.ctid)
    assert vzlist(ct, "-Ho", "ip,ctid", mine).split() == [ct.address, mine]
    assert vzlist(ct, "-Hto", "ip,ctid", mine).split() == [ct.address, "192.0.2.250", mine]
    assert vzlist(ct, "-Ho", "ctid,ip", mine).split() == [mine, ct.address, "192.0.2.250"]


def test_counters_have_parts_in_text_but_not_in_json(ct: LabContainer) -> None:
    assert vzlist(ct, "-Ho", "physpages.l,physpages.b", str(ct.ctid)).split() == ["65536", "0"]
    assert ct.node.run(["vzlist", "-aj", "-o", "physpages.l"], check=False).returncode == 1
    assert ct.node.run(["vzlist", "-o", "colour"], check=False).returncode == 1


def test_the_kernels_counters_have_their_rows(ct: LabContainer) -> None:
    ct.start()
    vzlist(ct)
    kernel = "/run/vzkernel/proc"
    old = ct.read(f"{kernel}/user_beancounters").splitlines()
    mine = next(number for number, line in enumerate(old) if line.startswith(f"{ct.ctid:>10d}:"[1:]))
    assert old[0] == "Version: 2.5"
    assert [line.split()[0] for line in old[mine + 1 : mine + 24]].count("dummy") == 4
    rows = ct.read(f"{kernel}/bc/{ct.ctid}/resources").splitlines()
    assert len(rows) == 21
    assert (rows[0].split()[0], rows[-1].split()[0]) == ("kmemsize", "swappages")
    assert any(line.split()[0] == str(ct.ctid) for line in ct.read(f"{kernel}/vz/vestat").splitlines()[2:])
