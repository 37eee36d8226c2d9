"""What the long operations hand to the real tools, and how they judge them."""

from __future__ import annotations

import time

import pytest

from tests.gate.rig import Gate, decoded

PEER = "192.0.2.12"
SSH = """
echo "ssh $*" >>@ROOT@/calls
case "$*" in
-V) echo "OpenSSH_9.2p1 x" >&2 ;;
"-Q cipher") echo aes128-gcm@openssh.com ;;
*".conf") cat @ROOT@/far.conf ;;
*" cat /"*) cat @ROOT@/vz/vz.conf ;;
esac
"""
RSYNC = """
[ "$1" = --version ] && { echo "rsync  version 3.2.7  protocol version 31"; exit 0; }
echo "rsync $*" >>@ROOT@/calls
exit "$(cat @ROOT@/rsync_code 2>/dev/null || echo 0)"
"""


@pytest.fixture
def transfer(gate: Gate) -> Gate:
    gate.tool("ssh", SSH)
    gate.tool("rsync", RSYNC)
    gate.container(101)
    (gate.root / "far.conf").write_text('VE_PRIVATE="/far/private/$VEID"\n')
    return gate


def _sync(gate: Gate, sync_pass: str, attempt: int = 1) -> str:
    return gate.job(f"m7-{sync_pass}-a{attempt}", f"101 1 sync {PEER} 7 {sync_pass} 500")[0]


def _rsync_calls(gate: Gate) -> list[str]:
    return [call for call in gate.calls if call.startswith("rsync")]


@pytest.mark.parametrize(
    ("sync_pass", "options"),
    [
        ("first", "--info=progress2,stats2"),
        ("warm", "--info=progress2,stats2"),
        ("checksum", "--checksum --info=progress2,stats2"),
        ("final", "--info=progress2,stats2"),
        ("verify", "--dry-run --itemize-changes --stats"),
    ],
)
def test_each_pass_has_its_options(transfer: Gate, sync_pass: str, options: str) -> None:
    assert _sync(transfer, sync_pass) == "done 0"
    (call,) = _rsync_calls(transfer)
    assert call.startswith(f"rsync -aHAX --numeric-ids --delete {options} --bwlimit=500 -e ssh ")
    assert call.endswith(f" {transfer.root}/private/101/ root@{PEER}:/far/private/101/")


def test_holes_are_kept_where_there_are_some(transfer: Gate) -> None:
    with (transfer.root / "private/101/disk").open("wb") as disk:
        disk.truncate(1 << 20)
    assert _sync(transfer, "first") == "done 0"
    assert "--delete --sparse --info=progress2,stats2 --bwlimit" in _rsync_calls(transfer)[0]


def test_all_passes_ride_on_one_pinned_connection(transfer: Gate) -> None:
    _sync(transfer, "first")
    asked = len([call for call in transfer.calls if call.startswith("ssh")])
    _sync(transfer, "final")
    assert len([call for call in transfer.calls if call.startswith("ssh")]) == asked  # nothing is asked again
    first, final = _rsync_calls(transfer)
    area = transfer.state / "m" / "7"
    for call in (first, final):
        for word in (
            f"-i {area}/key",
            "StrictHostKeyChecking=yes",
            f"UserKnownHostsFile={area}/known_hosts",
            "GlobalKnownHostsFile=/dev/null",
            "BatchMode=yes",
            "ConnectTimeout=10",
            f"ControlPath={area}/mux",
            "Compression=no",
        ):
            assert word in call


def test_an_old_rsync_is_not_asked_for_what_it_cannot_do(transfer: Gate) -> None:
    transfer.tool("rsync", RSYNC.replace("3.2.7", "3.0.6"))
    _sync(transfer, "first")
    assert "--delete --stats" in _rsync_calls(transfer)[0]
    assert "--info" not in _rsync_calls(transfer)[0]


@pytest.mark.parametrize(
    ("sync_pass", "code", "state"),
    [
        ("first", 24, "done 0"),
        ("warm", 24, "done 0"),
        ("checksum", 24, "done 0"),
        ("final", 24, "done 24"),
        ("verify", 24, "done 24"),
        ("first", 23, "done 23"),
        ("final", 11, "done 11"),
    ],
)
def test_vanished_files_are_fine_only_while_it_runs(transfer: Gate, sync_pass: str, code: int, state: str) -> None:
    (transfer.root / "rsync_code").write_text(str(code))
    assert _sync(transfer, sync_pass) == state


@pytest.mark.parametrize("far", ["", 'VE_PRIVATE="/vz/private/102"', 'VE_PRIVATE="/vz/../etc/101"', 'VE_PRIVATE="/"'])
def test_it_copies_nowhere_when_the_far_area_is_in_doubt(transfer: Gate, far: str) -> None:
    (transfer.root / "far.conf").write_text(f"{far}\n")
    assert _sync(transfer, "first") == "done 1"
    assert not _rsync_calls(transfer)


def test_vzmigrate_always_keeps_the_source(transfer: Gate) -> None:
    transfer.tool("vzmigrate", 'case $1 in --help) echo "--ssh-mux"; exit ;; esac\nprintf "<%s>\\n" "$@"\n')
    words = transfer.job("m7-migrate-a1", f"101 1 vzmigrate {PEER} 7 live 300")[1].splitlines()
    assert words[:4] == ["<-v>", "<-r>", "<no>", "<--keep-dst>"]
    assert words[5:] == [
        "<--live>",
        "<--rsync=--bwlimit=300 --info=progress2>",
        "<--ssh-mux>",
        f"<{PEER}>",
        "<101>",
    ]
    assert words[4].startswith("<--ssh=-F /dev/null -i ")
    # vzmigrate turns the first "-p" into "-P" for scp, wherever it stands.
    assert "-p" not in words[4].replace(str(transfer.root), "")


def test_the_check_moves_nothing(transfer: Gate) -> None:
    transfer.tool("vzmigrate", 'case $1 in --help) exit ;; esac\nprintf "%s\\n" "$@"\n')
    words = transfer.job("m7-check-a1", f"101 1 vzmigrate_check {PEER} 7 offline")[1].splitlines()
    assert words[0] == "--check-only"
    assert "--live" not in words


@pytest.mark.parametrize(
    ("log", "archive", "state"),
    [
        ("INFO: Finished Backup of VM 101 (00:00:01)", b"x", "done 0"),
        ("INFO: Finished Backup of VM 101 (00:00:01)", b"", "done 1"),
        ("INFO: Finished Backup of VM 102 (00:00:01)", b"x", "done 1"),
        ("ERROR: Backup of VM 101 failed - no space\nINFO: Finished Backup of VM 101 (00:00:01)", b"x", "done 1"),
        ("", b"x", "done 1"),
    ],
)
def test_a_dump_is_judged_by_its_log_and_archive(transfer: Gate, log: str, archive: bytes, state: str) -> None:
    """The tool ends with 0 in every one of these cases."""
    (transfer.root / "log").write_text(log + "\n")
    (transfer.root / "archive").write_bytes(archive)
    transfer.tool(
        "vzdump",
        'echo "vzdump $*" >>@ROOT@/calls; cat @ROOT@/log\n'
        "cp @ROOT@/archive @ROOT@/dump/ovzpanel-m7/vzdump-openvz-101-2026_01_02-03_04_05.tgz\n",
    )
    assert transfer.job("m7-dump-a1", "101 1 vzdump 7 suspend 0")[0] == state
    folder = transfer.root / "dump/ovzpanel-m7"
    expected = f"vzdump --suspend --dumpdir {folder} --bwlimit 99999999 --maxfiles 1 101"
    assert expected in transfer.calls
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_dump_is_compressed_where_the_link_is_capped(transfer: Gate) -> None:
    transfer.tool("vzdump", 'echo "vzdump $*" >>@ROOT@/calls\n')
    transfer.job("m7-dump-a1", "101 1 vzdump 7 suspend 2048")
    folder = transfer.root / "dump/ovzpanel-m7"
    assert f"vzdump --suspend --compress --dumpdir {folder} --bwlimit 2048 --maxfiles 1 101" in transfer.calls


def test_restore_needs_a_reserved_number(transfer: Gate) -> None:
    transfer.tool("vzrestore")
    assert transfer.job("m7-restore-a1", "101 1 restore 7")[0] == "done 9"
    assert not [call for call in transfer.calls if "restore" in call]


def test_stopping_gives_up_before_the_tool_kills(transfer: Gate) -> None:
    (transfer.root / "stop_seconds").write_text("30\n")
    (transfer.root / "ctl/101").write_text("running\n")
    began = time.monotonic()
    assert transfer.job("m7-stop-a1", "101 1 stop 1")[0] == "done 124"
    assert time.monotonic() - began < 10
    assert transfer.ask("ct_status,101").out.endswith("running\n")


def test_progress_is_read_from_what_rsync_prints(transfer: Gate) -> None:
    transfer.tool(
        "rsync",
        '[ "$1" = --version ] && { echo "version 3.2.7"; exit; }\n'
        "printf '\\r  1,048,576  25%%   10.00MB/s    0:00:03 (xfr#5, to-chk=15/20)\\r'; sleep 20\n",
    )
    transfer("job start m7-first-a1 101 1 sync 192.0.2.12 7 first 0")
    time.sleep(0.5)
    lines = transfer("job status m7-first-a1").lines
    found = dict(line.split("=") for line in decoded(lines[3]).split())
    assert found == {
        "bytes_done": "1048576",
        "percent": "25",
        "bytes_total": "4194304",
        "bytes_per_second": "10485760",
        "files_done": "5",
        "files_left": "15",
        "files_total": "20",
    }
