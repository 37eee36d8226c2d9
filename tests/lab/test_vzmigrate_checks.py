"""vzmigrate before it changes anything: its command line, its checks and their exit codes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from lab import faults
from lab.handle import Lab, LabNode
from lab.vzsim.vzmigrate_options import BadUsage, parse
from tests.lab.vz import LabContainer, trust_each_other

CPT = "/run/vzkernel/proc/cpt"
RST = "/run/vzkernel/proc/rst"


@pytest.fixture
def target(lab: Lab) -> LabNode:
    trust_each_other(lab)
    return lab.node("node-2")


@pytest.fixture
def ct(lab: Lab) -> Iterator[LabContainer]:
    container = LabContainer.on(lab, "node-1")
    container.create()
    yield container
    container.remove_everywhere()


def check(ct: LabContainer, target: LabNode, *words: str) -> subprocess.CompletedProcess[str]:
    return ct.node.run(["vzmigrate", "--check-only", *words, target.address, str(ct.ctid)], check=False)


def test_options_come_in_any_order() -> None:
    options = parse(["node", "-r", "no", "--live", "101", "-vv", "--ssh=-p 22 -i key", "--nodeps=cpu,ipv6"])
    assert (options.host, options.container, options.remove_area, options.live) == ("node", "101", False, True)
    assert (options.verbose, options.times, options.ssh) == (2, True, "-p 22 -i key")
    assert options.ignored == {"cpu", "ipv6"}


@pytest.mark.parametrize(
    "words",
    [["node"], ["node", "101", "x"], ["-r", "maybe", "n", "101"], ["--compress", "n", "101"], ["-f=gpu", "n", "1"]],
)
def test_it_does_not_guess(words: list[str]) -> None:
    with pytest.raises(BadUsage):
        parse(words)


@pytest.mark.lab
def test_bad_usage_is_told_on_standard_output(lab: Lab) -> None:
    done = lab.node("node-1").run(["vzmigrate", "--readonly", "x", "101"], check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("Invalid usage")
    assert lab.node("node-1").run(["vzmigrate"], check=False).returncode == 0


@pytest.mark.lab
def test_all_well_is_two_lines_and_no_trace(ct: LabContainer, target: LabNode) -> None:
    done = check(ct, target)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Locked CT {ct.ctid}\nChecking migration of CT {ct.ctid} to {target.address}\n"
    assert not ct.there(ct.lock)
    assert not ct.there(ct.conf, target)


@pytest.mark.lab
def test_live_wants_a_running_container(ct: LabContainer, target: LabNode) -> None:
    done = check(ct, target, "--live")
    assert (done.returncode, done.stderr) == (2, "Error: Can't perform live migration of a stopped container\n")
    ct.start()
    done = check(ct, target, "--live")
    assert done.returncode == 0
    assert done.stdout.endswith(f"Checking live migration of CT {ct.ctid} to {target.address}\n")


@pytest.mark.lab
def test_an_unknown_host_key_reads_like_a_missing_public_key(ct: LabContainer, target: LabNode) -> None:
    done = check(ct, target, "--ssh=-o UserKnownHostsFile=/dev/null")
    assert done.returncode == 4
    assert done.stderr.startswith("Error: Can't connect to destination address using public key\n")
    assert not ct.there(ct.lock)


@pytest.mark.lab
def test_a_stopped_service_over_there_is_noticed(ct: LabContainer, target: LabNode) -> None:
    target.run(["mv", "/run/vzkernel/started", "/run/vzkernel/not-started"])
    try:
        assert check(ct, target).returncode == 14
    finally:
        target.run(["mv", "/run/vzkernel/not-started", "/run/vzkernel/started"])


@pytest.mark.lab
@pytest.mark.parametrize(("side", "file", "module"), [("source", CPT, "vzcpt"), ("target", RST, "vzrst")])
def test_without_the_kernels_modules_there_is_no_live_migration(
    ct: LabContainer, target: LabNode, side: str, file: str, module: str
) -> None:
    ct.start()
    node = ct.node if side == "source" else target
    node.run(["mv", file, f"{file}.off"])
    try:
        done = check(ct, target, "--live")
    finally:
        node.run(["mv", f"{file}.off", file])
    assert done.returncode == 14
    assert f"{module} module is not loaded" in done.stderr


@pytest.mark.lab
def test_the_same_number_over_there_is_a_conflict_only_with_config_and_area(ct: LabContainer, target: LabNode) -> None:
    target.run(["mkdir", "-p", ct.private])
    assert check(ct, target).returncode == 0
    target.put(ct.conf, 'VE_PRIVATE="/vz/private/$VEID"\n')
    done = check(ct, target)
    assert (done.returncode, done.stderr) == (9, f"Error: CT #{ct.ctid} already exists on destination node\n")


@pytest.mark.lab
def test_who_does_not_exist_does_not_move(lab: Lab, target: LabNode) -> None:
    done = lab.node("node-1").run(["vzmigrate", target.address, "99999"], check=False)
    assert (done.returncode, done.stderr) == (10, "Error: CT #99999 doesn't exist\n")


@pytest.mark.lab
def test_an_address_in_use_over_there_is_noticed(ct: LabContainer, target: LabNode, lab: Lab) -> None:
    squatter = LabContainer.on(lab, target.name)
    squatter.create()
    squatter.vzctl("set", "--ipdel", "all", "--ipadd", ct.address, "--save")
    squatter.start()
    try:
        assert check(ct, target).returncode == 12
    finally:
        squatter.remove_everywhere()


@pytest.mark.lab
def test_too_old_a_kernel_and_too_old_a_processor_have_their_codes(ct: LabContainer, target: LabNode) -> None:
    ct.start()
    with faults.tool_does(target, "vzcptcheck version", exit=2, stderr="Error: Unsupported image version"):
        done = check(ct, target, "--live")
        assert (done.returncode, "Destination node kernel is too old" in done.stderr) == (17, True)
    with faults.tool_does(target, "vzcptcheck caps", exit=0, stdout="1"):
        done = check(ct, target, "--live")
        assert (done.returncode, "Destination node CPU is not compatible" in done.stderr) == (18, True)
        ignored = check(ct, target, "--live", "--nodeps=cpu")
        assert (ignored.returncode, "Ignoring the above error" in ignored.stdout) == (0, True)


@pytest.mark.lab
def test_a_missing_vzcptcheck_is_only_a_warning(ct: LabContainer, target: LabNode) -> None:
    ct.start()
    with faults.tool_missing(target, "/usr/sbin/vzcptcheck"):
        done = check(ct, target, "--live")
    assert done.returncode == 0
    assert "Warning: no vzcptcheck binary on destination node," in done.stdout


@pytest.mark.lab
def test_without_paths_in_the_other_sides_vz_conf_it_gives_up(ct: LabContainer, target: LabNode) -> None:
    conf = target.run(["cat", "/etc/vz/vz.conf"]).stdout
    target.put("/etc/vz/vz.conf", "".join(line for line in conf.splitlines(keepends=True) if "VE_ROOT" not in line))
    try:
        assert check(ct, target).returncode == 19
    finally:
        target.put("/etc/vz/vz.conf", conf)


@pytest.mark.lab
def test_a_ploop_container_does_not_go_where_ploop_is_not(ct: LabContainer, target: LabNode) -> None:
    ct.node.put(f"{ct.private}/root.hdd/DiskDescriptor.xml", "<Parallels_disk_image/>\n")
    assert check(ct, target).returncode == 16


@pytest.mark.lab
def test_a_lock_holds_even_when_its_holder_is_dead(ct: LabContainer, target: LabNode) -> None:
    ct.node.put(ct.lock, "4000000\n")
    done = check(ct, target)
    assert done.returncode == 20
    assert done.stderr.endswith(f"Error: CT {ct.ctid} already locked by PID 4000000\n")
    assert ct.there(ct.lock)


@pytest.mark.lab
def test_a_lock_folder_that_is_not_there_is_no_lock_conflict(ct: LabContainer, target: LabNode) -> None:
    ct.node.run(["mv", "/vz/lock", "/vz/lock.off"])
    try:
        done = check(ct, target)
    finally:
        ct.node.run(["mv", "/vz/lock.off", "/vz/lock"])
    assert done.returncode == 1
    assert f"Can't lock CT {ct.ctid}" in done.stderr


@pytest.mark.lab
def test_a_name_will_do_for_a_number(ct: LabContainer, target: LabNode) -> None:
    name = f"shop{ct.ctid}"
    ct.vzctl("set", "--name", name, "--save")
    assert ct.node.run(["vzmigrate", "--check-only", target.address, name], check=False).returncode == 0
