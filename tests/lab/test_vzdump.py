"""vzdump against what vzdump 1.2.6 is known to do, not against what the panel would like."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import IO

import pytest

from lab import faults
from lab.handle import Lab
from tests.lab.backups import FileContainer

pytestmark = pytest.mark.lab

STEM = r"vzdump-openvz-\d+-\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d"


@pytest.fixture
def ct(lab: Lab, fresh_ctid: Callable[[], int]) -> Iterator[FileContainer]:
    container = FileContainer(node=lab.node("node-3"), ctid=fresh_ctid())
    container.prepare()
    yield container
    container.remove()


def own_words(lines: list[str], ct: FileContainer) -> list[str]:
    """Return what the tool itself said: without its children's lines, numbers and paths made general."""
    mine = re.compile(r"(INFO|ERROR): (starting|Starting|status|mode|trying|backup|first|suspend|final|resume|vm|"
                      r"creating|archive|delete|Finished|Backup|stopping|restarting|bandwidth)\b")  # fmt: skip
    text = "\n".join(line for line in lines if mine.match(line))
    text = re.sub(STEM, "NAME", text).replace(ct.dumps, "DUMPS").replace(str(ct.ctid), "CTID")
    return re.sub(r"\d+ seconds|\d+KB|\d\d:\d\d:\d\d", "#", text).splitlines()


def test_a_running_container_is_copied_suspended_copied_again_and_resumed(ct: FileContainer) -> None:
    lines = ct.vzdump("--compress")
    assert own_words(lines, ct) == [
        "INFO: starting new backup job: vzdump --dumpdir DUMPS --bwlimit 0 --compress CTID",
        "INFO: Starting Backup of VM CTID (openvz)",
        "INFO: status = CTID CTID exist mounted running",
        "INFO: mode failure - unable to detect lvm volume group",
        "INFO: trying 'suspend' mode instead",
        "INFO: backup mode: suspend",
        "INFO: starting first sync /vz/private/CTID/ to DUMPS/NAME.tmp",
        "INFO: first sync finished (#)",
        "INFO: suspend vm",
        "INFO: starting final sync /vz/private/CTID/ to DUMPS/NAME.tmp",
        "INFO: final sync finished (#)",
        "INFO: resume vm",
        "INFO: vm is online again after #",
        "INFO: creating archive 'DUMPS/NAME.tgz'",
        "INFO: archive file size: #",
        "INFO: Finished Backup of VM CTID (#)",
        "INFO: Backup job finished successfuly",
    ]
    assert ct.calls() == ["status CTID", "--skiplock chkpnt CTID --suspend", "--skiplock chkpnt CTID --resume"]
    assert ct.node.run(["gzip", "-t", ct.archive()]).returncode == 0


def test_what_is_written_until_the_suspension_is_in_the_archive(ct: FileContainer) -> None:
    hook = f'#!/bin/sh\n[ "$1" = pre-stop ] && echo late >{ct.private}/data/late || true\n'
    ct.node.put(f"{ct.home}/hook", hook, mode=0o755)
    ct.vzdump("--suspend", "--script", f"{ct.home}/hook")
    assert "./data/late" in ct.members()


def test_stop_mode_stops_archives_and_starts(ct: FileContainer) -> None:
    lines = own_words(ct.vzdump("--stop"), ct)
    assert lines[3:8] == [
        "INFO: backup mode: stop",
        "INFO: stopping vm",
        "INFO: creating archive 'DUMPS/NAME.tar'",
        "INFO: archive file size: #",
        "INFO: restarting vm",
    ]
    assert ct.calls() == ["status CTID", "--skiplock stop CTID", "--skiplock start CTID"]
    assert ".tar" in ct.text(f"{ct.home}/dumps-at-start")


def test_a_stopped_container_is_neither_stopped_nor_started(ct: FileContainer) -> None:
    ct.node.put(f"{ct.home}/state", "down\n")
    assert "INFO: backup mode: stop" in ct.vzdump("--suspend")
    assert ct.calls() == ["status CTID"]


def test_the_archive_carries_the_configuration_and_the_private_area_keeps_nothing_of_it(ct: FileContainer) -> None:
    ct.node.put(f"/etc/vz/conf/{ct.ctid}.mount", "#!/bin/sh\n")
    ct.vzdump("--stop")
    members = ct.members()
    assert {"./etc/vzdump/vps.conf", "./etc/vzdump/vps.mount"} <= set(members)
    assert ct.list(f"{ct.private}/etc") == ["hostname"]


def test_nothing_but_archive_and_log_is_left(ct: FileContainer) -> None:
    ct.vzdump("--suspend")
    left = sorted(ct.list(ct.dumps))
    assert [re.sub(STEM, "NAME", name) for name in left] == ["NAME.log", "NAME.tar"]
    log = ct.text(f"{ct.dumps}/{left[0]}")
    assert re.search(r"^[A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d INFO: suspend vm$", log, re.M)
    assert log == ct.text(f"/var/log/vzdump/openvz-{ct.ctid}.log")
    assert f"{ct.ctid}.lck" not in ct.list("/vz/lock")


def test_by_default_the_older_backups_of_the_same_container_are_deleted(ct: FileContainer) -> None:
    for name in (
        f"{ct.ctid}-2020_01_01-00_00_00.tgz",
        f"{ct.ctid}-2020_01_01-00_00_00.log",
        "1-2020_01_01-00_00_00.tgz",
    ):
        ct.node.put(f"{ct.dumps}/vzdump-openvz-{name}", "old")
    lines = ct.vzdump("--stop")
    assert any(line.startswith("INFO: delete old backup") for line in lines)
    old = [name for name in ct.list(ct.dumps) if "2020" in name]
    assert old == ["vzdump-openvz-1-2020_01_01-00_00_00.tgz"]


@pytest.mark.parametrize(("maxfiles", "kept"), [("0", 3), ("2", 1), ("3", 2), ("9", 3)])
def test_maxfiles_counts_the_new_one_too(ct: FileContainer, maxfiles: str, kept: int) -> None:
    for day in (1, 2, 3):
        ct.node.put(f"{ct.dumps}/vzdump-openvz-{ct.ctid}-2020_01_0{day}-00_00_00.tar", "old")
    ct.vzdump("--stop", "--maxfiles", maxfiles)
    old = sorted(name for name in ct.list(ct.dumps) if "2020" in name)
    assert [name.rpartition("-")[0][-2:] for name in old] == ["01", "02", "03"][3 - kept :]


def test_standard_excludes_leave_scratch_and_logs_out(ct: FileContainer) -> None:
    ct.vzdump("--stop", "--stdexcludes", "--exclude-path", "/data/same.*")
    members = set(ct.members())
    assert {"./data/noise", "./var/log", "./tmp"} <= {name.rstrip("/") for name in members}
    assert not {"./var/log/messages", "./tmp/scratch", "./data/same-noise"} & members


def test_the_bandwidth_limit_is_kept_and_the_archive_is_unfinished_until_the_end(ct: FileContainer) -> None:
    ct.node.run(["sh", "-c", f"head -c 2500000 /dev/urandom >{ct.private}/data/more"])
    started = time.monotonic()
    with start(ct, "--stop", "--bwlimit", "1024") as job:
        wait_for(job.stdout, "creating archive")
        time.sleep(1)
        assert [name[-4:] for name in ct.list(ct.dumps) if not name.endswith(".tmp")] == [".dat"]
        job.communicate()
    assert time.monotonic() - started > 2.3
    assert ct.archive().endswith(".tar")


def test_a_failed_backup_ends_with_0_and_says_so_in_its_words_only(ct: FileContainer) -> None:
    ct.node.put(f"{ct.home}/refuse", "suspend\n")
    lines = ct.vzdump("--suspend")
    command = f"vzctl --skiplock chkpnt {ct.ctid} --suspend"
    assert lines[-2:] == [
        f"ERROR: Backup of VM {ct.ctid} failed - command '{command}' failed with exit code 16",
        "INFO: Backup job finished with errors",
    ]
    assert "INFO: Error: refused" in lines
    assert [name[-4:] for name in ct.list(ct.dumps)] == [".log"]


def test_a_copy_that_fails_while_suspended_resumes_the_container(ct: FileContainer) -> None:
    hook = f'#!/bin/sh\n[ "$1" = pre-stop ] && mv {ct.private} {ct.private}.away || true\n'
    ct.node.put(f"{ct.home}/hook", hook, mode=0o755)
    lines = ct.vzdump("--suspend", "--script", f"{ct.home}/hook")
    ct.node.run(["mv", f"{ct.private}.away", ct.private])
    assert ct.calls()[-1] == "--skiplock chkpnt CTID --resume"
    words = own_words(lines, ct)
    assert words.index("INFO: resume vm") < next(n for n, line in enumerate(words) if line.startswith("ERROR:"))


def test_an_unknown_container_fails_like_any_other(ct: FileContainer) -> None:
    done = ct.run("vzdump", "--dumpdir", ct.dumps, "9999")
    assert done.returncode == 0
    assert "ERROR: Backup of VM 9999 failed - unable to find VM '9999'" in done.stdout


@pytest.mark.parametrize("mode", ["--suspend", "--stop"])
def test_a_signal_puts_everything_back(ct: FileContainer, mode: str) -> None:
    ct.node.run(["sh", "-c", f"head -c 9000000 /dev/urandom >{ct.private}/data/more"])
    with start(ct, mode, "--bwlimit", "2048") as job:
        wait_for(job.stdout, "creating archive" if mode == "--stop" else "first sync")
        ct.node.run(["pkill", "-TERM", "-f", f"^/usr/bin/python3 .*vzdump.* {ct.ctid}$"])
        said, _ = job.communicate()
    assert job.returncode == 0
    assert f"ERROR: Backup of VM {ct.ctid} failed - interrupted by signal" in said
    assert "ERROR: Backup job failed - interrupted by signal" in said
    assert ct.text(f"{ct.home}/state") == "running\n"
    assert [name[-4:] for name in ct.list(ct.dumps)] == [".log"]
    assert f"{ct.ctid}.lck" not in ct.list("/vz/lock")


def test_it_takes_over_a_lock_whose_owner_is_dead(ct: FileContainer) -> None:
    ct.node.put(f"/vz/lock/{ct.ctid}.lck", "4194301\n")
    assert ct.vzdump("--stop")[-1] == "INFO: Backup job finished successfuly"


def test_it_waits_for_a_lock_whose_owner_lives(ct: FileContainer) -> None:
    ct.node.put(f"/vz/lock/{ct.ctid}.lck", "1\n")
    with start(ct, "--stop") as job:
        time.sleep(1)
        assert job.poll() is None
        ct.node.run(["rm", f"/vz/lock/{ct.ctid}.lck"])
        said, _ = job.communicate()
    assert "INFO: Backup job finished successfuly" in said


def test_only_one_vzdump_works_at_a_time_on_a_node(ct: FileContainer) -> None:
    ct.node.run(["sh", "-c", f"head -c 3000000 /dev/urandom >{ct.private}/data/more"])
    with start(ct, "--stop", "--bwlimit", "1024") as first:
        wait_for(first.stdout, "creating archive")
        refused = ct.run("vzdump", "--lockwait", "0", "--dumpdir", ct.dumps, str(ct.ctid))
        assert (refused.returncode, refused.stdout) == (
            255,
            "ERROR: can't aquire lock '/var/run/vzdump.lock' (wait = 0)\n",
        )
        second = ct.vzdump("--stop")
        first.communicate()
    assert second[:2] == ["INFO: trying to get global lock - waiting...", "INFO: got global lock"]
    assert ct.node.run(["test", "-e", "/var/run/vzdump.lock"]).returncode == 0


def test_hooks_are_called_in_order_and_told_about_the_backup(ct: FileContainer) -> None:
    hook = f'#!/bin/sh\necho "$* $VMTYPE $HOSTNAME" | sed "s/ {ct.ctid}//" >>{ct.home}/hooks\n'
    ct.node.put(f"{ct.home}/hook", hook, mode=0o755)
    ct.vzdump("--suspend", "--script", f"{ct.home}/hook")
    phases = [line.split()[0] for line in ct.text(f"{ct.home}/hooks").splitlines()]
    assert phases == ["job-start", "backup-start", "pre-stop", "pre-restart", "backup-end", "job-end"]
    assert "pre-stop suspend openvz shop" in ct.text(f"{ct.home}/hooks")


def test_a_failing_hook_fails_the_backup(ct: FileContainer) -> None:
    hook = f'#!/bin/sh\necho $1 >>{ct.home}/hooks\n[ "$1" != pre-stop ]\n'
    ct.node.put(f"{ct.home}/hook", hook, mode=0o755)
    lines = ct.vzdump("--suspend", "--script", f"{ct.home}/hook")
    assert any(line.startswith("ERROR:") for line in lines)
    assert "backup-abort" in ct.text(f"{ct.home}/hooks")
    assert ct.calls() == ["status CTID"]


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["--restore", "x", "101"], 255, "Unknown option: restore"),
        ([], 255, "usage:"),
        (["--all", "101"], 255, "usage:"),
        (["--bwlimit", "much", "101"], 255, "bwlimit"),
        (["one"], 255, "strange VM ID 'one'"),
        (["50"], 255, "reserved VM ID '50'"),
        (["--dumpdir", "/nowhere", "101"], 2, "dumpdir '/nowhere' does not exist"),
    ],
)
def test_it_refuses_nonsense_before_it_begins(ct: FileContainer, words: list[str], code: int, complaint: str) -> None:
    done = ct.run("vzdump", *words)
    assert done.returncode == code
    assert complaint in done.stderr
    assert done.stdout == ""


def test_its_defaults_come_from_vzdump_conf(ct: FileContainer) -> None:
    ct.node.put("/etc/vzdump.conf", f"dumpdir: {ct.dumps}\nmode: stop\nbwlimit: 0\nnonsense\n")
    try:
        done = ct.run("vzdump", str(ct.ctid))
    finally:
        ct.node.run(["rm", "/etc/vzdump.conf"])
    lines = done.stdout.splitlines()
    assert lines[0] == "WARN: unable to parse configuration file '/etc/vzdump.conf' - error at line 4"
    assert "INFO: backup mode: stop" in lines
    assert not any("bandwidth" in line for line in lines)
    assert ct.archive()


def test_without_rsync_it_does_not_begin(ct: FileContainer) -> None:
    with faults.tool_missing(ct.node, "/usr/bin/rsync"):
        done = ct.run("vzdump", "--dumpdir", ct.dumps, str(ct.ctid))
    assert (done.returncode, done.stderr) == (2, "unable to find command 'rsync'\n")


def test_a_planned_fault_strikes_at_its_words(ct: FileContainer) -> None:
    with faults.tool_does(ct.node, "vzdump@creating archive", exit=99):
        assert ct.run("vzdump", "--suspend", "--dumpdir", ct.dumps, str(ct.ctid)).returncode == 99
    assert any(name.endswith(".tmp") for name in ct.list(ct.dumps))
    ct.node.run(["rm", "-f", f"/vz/lock/{ct.ctid}.lck"])


def start(ct: FileContainer, *options: str) -> subprocess.Popen[str]:
    words = ct.argv("vzdump", "--dumpdir", ct.dumps, *options, str(ct.ctid))
    return subprocess.Popen(ct.node.argv(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)


def wait_for(stream: IO[str] | None, words: str) -> None:
    assert stream is not None
    for line in stream:
        if words in line:
            return
    raise AssertionError(f"{words!r} was never said")
