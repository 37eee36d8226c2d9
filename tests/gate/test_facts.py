"""Facts: each reads, none changes, and what cannot be read says so."""

from __future__ import annotations

import os
import subprocess
import time

import pytest

from tests.gate.rig import Gate

EVERY_FACT = [
    "kernel",
    "tools",
    "service",
    "cpu",
    "memory",
    "disk",
    "vzconf",
    "clock",
    "ntp",
    "netdev",
    "links",
    "veip",
    "containers",
    "containers_plain",
    "names",
    "cpt",
    "cpt_version",
    "cpt_caps",
    "cpt_version_ok,3",
    "cpt_caps_ok,101,7",
    "macs",
    "bridges",
    "modules",
    "host_key",
    "ploop",
    "beancounters",
    "vestat",
    "usage",
    "ct_status,101",
    "ct_config,101",
    "ct_churn,101",
    "ct_config_migrated,101",
    "ct_scripts,101",
    "ct_lock,101",
    "ct_leftovers,101",
    "ct_size,101",
    "ct_mounts,101",
    "ct_listen,101",
    "ct_resources,101",
    "ct_jobs,101",
    "fence_state,101",
    "digest,1,file",
    "work,1",
]


def values(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_every_fact_answers_in_order_and_changes_nothing(gate: Gate) -> None:
    gate.container(101)
    gate("hello")
    before = sorted(str(path) for path in gate.root.rglob("*"))
    for part in (EVERY_FACT[:20], EVERY_FACT[20:]):
        reply = gate("ask " + " ".join(part))
        assert [line.split()[0] for line in reply.lines] == [fact.split(",")[0] for fact in part]
        assert all(len(line.split(" ")) == 4 for line in reply.lines)
    after = sorted(str(path) for path in gate.root.rglob("*") if path.name not in {"calls", "tmp"})
    assert after == before


def test_one_unknown_fact_refuses_all(gate: Gate) -> None:
    assert gate("ask ct_status,101 nosuchfact").exit_code == 64
    assert not gate.calls


def test_the_kernel_is_read_below_its_root(gate: Gate) -> None:
    assert values(gate.ask("kernel").out)["openvz"] == "yes"
    (gate.root / "kernel/proc/vz/version").write_text("042stab145.3\n")
    assert values(gate.ask("kernel").out) == {
        "release": os.uname().release,
        "machine": os.uname().machine,
        "openvz": "yes",
        "version": "042stab145.3",
    }


def test_tools_tell_versions_and_what_is_missing(gate: Gate) -> None:
    gate.configure(search_path=f"{gate.root}/bin")
    for name in ("head", "base64", "timeout", "mkdir", "rm", "sed", "tail"):
        os.symlink(f"/usr/bin/{name}", gate.root / "bin" / name)
    gate.tool("rsync", "echo 'rsync  version 3.0.6  protocol version 30'\n")
    gate.tool("ssh", "echo 'OpenSSH_5.3p1, OpenSSL 1.0.1e' >&2\n")
    gate.tool("vzmigrate", "echo '--live --check-only, --dry-run --ssh-mux'\n")
    found = values(gate.ask("tools").out)
    assert (found["vzctl"], found["rsync"], found["ssh"]) == ("4.11.1", "3.0.6", "5.3p1")
    assert (found["vzmigrate"], found["vzdump"], found["tar"]) == ("present", "", "")
    assert found["vzmigrate_options"] == "live,check-only,dry-run,ssh-mux"


def test_a_hanging_tool_is_cut_off(gate: Gate) -> None:
    gate.tool("vzctl", "sleep 60\n")
    began = time.monotonic()
    assert gate.ask("ct_status,101").rc == 124
    assert time.monotonic() - began < 15


def test_a_flood_is_cut(gate: Gate) -> None:
    gate.tool("vzlist", "head -c 5000000 /dev/zero | tr '\\0' x; head -c 100000 /dev/zero | tr '\\0' y >&2\n")
    answer = gate.ask("containers")
    assert (len(answer.out), len(answer.err)) == (1048576, 16384)


def test_a_lock_is_told_alive_from_dead(gate: Gate) -> None:
    lock = gate.root / "lock" / "101.lck"
    assert gate.ask("ct_lock,101").out == "none\n"
    lock.write_text(f"{os.getpid()}\nrunning\n")
    assert gate.ask("ct_lock,101").out == f"alive\n{os.getpid()}\nrunning\n"
    lock.write_text("4194399\n")
    assert gate.ask("ct_lock,101").out == "dead\n4194399\n"
    lock.write_text("$(id)\n")
    assert gate.ask("ct_lock,101").out.startswith("unreadable\n")


def test_size_counts_each_file_once(gate: Gate) -> None:
    area = gate.container(101)
    (area / "big").write_bytes(os.urandom(1 << 20))
    os.link(area / "big", area / "again")
    found = values(gate.ask("ct_size,101").out)
    assert int(found["files"]) == 3  # the area itself, data, big
    assert 1024 <= int(found["kib"]) < 1100


def test_size_falls_back_to_the_quota(gate: Gate) -> None:
    gate.container(101)
    gate.tool("find", "exit 1\n")
    gate.tool("vzlist", 'echo "  3145728  20000"\n')
    assert values(gate.ask("ct_size,101").out) == {"kib": "3145728", "files": "20000"}


def test_size_follows_no_link_out_of_the_area(gate: Gate) -> None:
    area = gate.container(101)
    (area / "escape").symlink_to("/usr")
    assert int(values(gate.ask("ct_size,101").out)["files"]) == 3


def test_churn_counts_what_was_just_written(gate: Gate) -> None:
    area = gate.container(101)
    (area / "old").write_bytes(b"x" * 1000)
    os.utime(area / "old", (1, 1))
    (area / "data").write_bytes(b"x" * 500)
    assert values(gate.ask("ct_churn,101").out) == {"bytes": "500", "files": "1", "window_seconds": "60"}


def test_leftovers_name_everything_with_the_number(gate: Gate) -> None:
    gate.container(101)
    (gate.conf / "101.conf.migrated").touch()
    (gate.root / "dump" / "tmp-dump.101").touch()
    found = dict(line.split(" ", 1) for line in gate.ask("ct_leftovers,101").out.splitlines())
    assert set(found) == {"conf", "conf.migrated", "private", "live_dump"}
    assert gate.ask("ct_config_migrated,101").out == "conf\nconf.migrated\n"


@pytest.mark.parametrize(
    ("argv", "expected"),
    [(["vzmigrate", "host", "101"], True), (["vzmigrate", "host", "1011"], False), (["notvzmigrate", "101"], False)],
)
def test_only_tools_at_exactly_this_container_count(gate: Gate, argv: list[str], expected: bool) -> None:
    script = gate.tool(argv[0], "sleep 20 & wait\n")
    tool = subprocess.Popen([script, *argv[1:]], start_new_session=True)
    try:
        time.sleep(0.2)
        found = gate.ask("ct_jobs,101").out
        assert found == (f"{tool.pid} vzmigrate\n" if expected else "")
    finally:
        subprocess.run(["pkill", "-KILL", "-s", str(tool.pid)], check=False)
        tool.wait()


def test_a_missing_kernel_file_is_an_error_and_not_an_empty_answer(gate: Gate) -> None:
    for fact in ("veip", "vestat", "beancounters", "ct_resources,101", "ct_config,101"):
        assert gate.ask(fact).rc != 0, fact


def test_a_config_that_leads_out_of_its_folder_breaks_the_gate(gate: Gate) -> None:
    gate.container(101, conf='VE_PRIVATE="/vz/../etc"\n', private=False)
    assert gate.ask("ct_size,101").rc == 70
    gate.container(102, conf='VE_PRIVATE="$(touch x)"\n', private=False)
    assert gate.ask("ct_size,102").rc == 70


def test_a_digest_is_of_the_work_area_only(gate: Gate) -> None:
    area = gate.state / "m" / "1"
    area.mkdir(parents=True)
    (area / "file").write_text("x")
    (area / "link").symlink_to("/etc/shadow")
    assert gate.ask("digest,1,file").out == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\n"
    assert gate.ask("digest,1,link").rc == 2
    assert gate("ask digest,1,../x").exit_code == 64


def test_hello_is_quick(gate: Gate) -> None:
    began = time.monotonic()
    for _ in range(20):
        gate("hello")
    assert (time.monotonic() - began) / 20 < 0.2  # 2 ms on an idle machine


@pytest.mark.parametrize("fact", ["ct_mounts", "ct_listen"])
def test_a_container_that_never_stops_talking_fills_no_disk(gate: Gate, fact: str) -> None:
    gate.container(101, running=True)
    gate.tool("vzctl", 'exec yes "of the guest"\n')
    seen = time.monotonic()
    answer = gate.ask(f"{fact},101")
    assert len(answer.out) == 1_048_576
    assert time.monotonic() - seen < 8  # it was cut off, not waited for


def test_what_a_container_cannot_tell_keeps_its_exit_code(gate: Gate) -> None:
    gate.container(101, running=True)
    gate.tool("vzctl", "echo not here >&2; exit 31\n")
    assert (gate.ask("ct_mounts,101").rc, gate.ask("ct_mounts,101").out) == (31, "")
