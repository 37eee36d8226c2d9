"""vzrestore against what vzrestore 1.2.6 is known to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from lab import faults
from lab.handle import Lab
from tests.lab.backups import FileContainer

pytestmark = pytest.mark.lab

LISTING = "cd $0 && find . -mindepth 1 ! -path './etc/vzdump*' -printf '%p %y %m %U:%G %n %s %l\\n' | sort"


@pytest.fixture
def ct(lab: Lab, fresh_ctid: Callable[[], int]) -> Iterator[FileContainer]:
    """A container with one finished dump."""
    container = FileContainer(node=lab.node("node-3"), ctid=fresh_ctid())
    container.prepare()
    container.node.put(f"/etc/vz/conf/{container.ctid}.mount", "#!/bin/sh\n")
    container.vzdump("--stop", "--compress")
    yield container
    container.remove()


@pytest.fixture
def restored(ct: FileContainer, fresh_ctid: Callable[[], int]) -> Iterator[FileContainer]:
    """The number to restore under: nothing is there yet."""
    container = FileContainer(node=ct.node, ctid=fresh_ctid())
    yield container
    container.remove()


def exists(ct: FileContainer) -> list[str]:
    places = [ct.conf, ct.private, f"/vz/root/{ct.ctid}"]
    return [place for place in places if ct.node.run(["test", "-e", place], check=False).returncode == 0]


def test_it_says_what_it_does_and_ends_with_0(ct: FileContainer, restored: FileContainer) -> None:
    archive = ct.archive()
    done = ct.run("vzrestore", archive, str(restored.ctid))
    assert done.returncode == 0
    said = [line for line in done.stdout.splitlines() if "Total bytes read" not in line]
    assert said == [
        f"INFO: restore openvz backup '{archive}' using ID {restored.ctid}",
        f"INFO: extracting archive '{archive}'",
        f"INFO: extracting configuration to '{restored.conf}'",
        f"INFO: restore openvz backup '{archive}' successful",
    ]
    assert "INFO: Total bytes read: " in done.stdout


def test_everything_comes_back_as_it_was(ct: FileContainer, restored: FileContainer) -> None:
    ct.run("vzrestore", ct.archive(), str(restored.ctid))
    before, after = (ct.node.run(["sh", "-c", LISTING, private]).stdout for private in (ct.private, restored.private))
    assert "./data/noise f 640 1234:4321 2 300000 " in before
    assert after == before
    same = ct.node.run(["cmp", f"{ct.private}/data/noise", f"{restored.private}/data/noise"], check=False)
    assert same.returncode == 0


def test_only_the_two_directories_of_the_configuration_change(ct: FileContainer, restored: FileContainer) -> None:
    ct.run("vzrestore", ct.archive(), str(restored.ctid))
    old, new = ct.text(ct.conf).splitlines(), ct.text(restored.conf).splitlines()
    assert new[:2] == ['VE_ROOT="/vz/root/$VEID"', 'VE_PRIVATE="/vz/private/$VEID"']
    # The address and ONBOOT of the source among them: whoever starts it now has two of them.
    assert new[2:] == old[2:]
    assert ct.text(f"/etc/vz/conf/{restored.ctid}.mount") == "#!/bin/sh\n"
    assert restored.list(f"{restored.private}/etc") == ["hostname"]


def test_it_starts_nothing(ct: FileContainer, restored: FileContainer) -> None:
    ct.node.run(["rm", f"{ct.home}/calls"])
    ct.run("vzrestore", ct.archive(), str(restored.ctid))
    assert ct.node.run(["test", "-e", f"{ct.home}/calls"], check=False).returncode == 1


@pytest.mark.parametrize(
    ("taken", "reason"),
    [
        ("/etc/vz/conf/{ctid}.conf", "unable to restore VM '{ctid}' - VM already exists"),
        ("/vz/private/{ctid}/x", "unable to restore VPS '{ctid}' - directory '/vz/private/{ctid}' already exists"),
        ("/vz/root/{ctid}/x", "unable to restore VPS '{ctid}' - directory '/vz/root/{ctid}' already exists"),
    ],
)
def test_it_refuses_a_number_that_is_taken_and_touches_nothing(
    ct: FileContainer, restored: FileContainer, taken: str, reason: str
) -> None:
    path, archive = taken.format(ctid=restored.ctid), ct.archive()
    ct.node.put(path, "mine")
    done = ct.run("vzrestore", archive, str(restored.ctid))
    assert done.returncode == 255
    failure = f"ERROR: restore openvz backup '{archive}' failed - {reason.format(ctid=restored.ctid)}"
    assert done.stdout.splitlines()[-1] == failure
    assert ct.text(path) == "mine"
    assert len(exists(restored)) == 1


def test_force_overwrites_what_is_there(ct: FileContainer, restored: FileContainer) -> None:
    ct.node.put(restored.conf, "old")
    ct.node.put(f"{restored.private}/etc/hostname", "old")
    done = ct.run("vzrestore", "--force", ct.archive(), str(restored.ctid))
    assert done.returncode == 0
    assert restored.text(f"{restored.private}/etc/hostname") == "shop\n"


def test_a_failure_removes_all_three_places_and_with_force_also_the_old_data(
    ct: FileContainer, restored: FileContainer
) -> None:
    archive = ct.archive()
    half = f"{ct.home}/half.tgz"
    ct.node.run(["sh", "-c", f"head -c 200000 {archive} >{half}"])
    ct.node.put(f"{restored.private}/precious", "data")
    done = ct.run("vzrestore", "--force", half, str(restored.ctid))
    assert done.returncode == 255
    assert f"-C {restored.private}' failed with exit code 2" in done.stdout.splitlines()[-1]
    assert exists(restored) == []


def test_an_archive_without_configuration_fails_at_the_configuration(
    ct: FileContainer, restored: FileContainer
) -> None:
    plain = f"{ct.home}/plain.tar"
    ct.node.run(["tar", "cf", plain, "-C", ct.private, "etc"])
    done = ct.run("vzrestore", plain, str(restored.ctid))
    assert done.returncode == 255
    assert f"{restored.private}/etc/vzdump/vps.conf: No such file or directory" in done.stdout
    assert done.stdout.rstrip().endswith("failed with exit code 1")
    assert exists(restored) == []


def test_a_full_disk_fails_and_leaves_nothing(ct: FileContainer, restored: FileContainer) -> None:
    archive = ct.archive()
    with faults.full_disk(ct.node):
        done = ct.run("vzrestore", archive, str(restored.ctid))
    assert done.returncode == 255
    # Which of the two tar says depends on whether the disk fills inside a file or between two.
    assert "Wrote only" in done.stdout or "No space left on device" in done.stdout
    assert "failed with exit code 2" in done.stdout.splitlines()[-1]
    assert exists(restored) == []


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["/nowhere.tgz", "900"], 2, "ERROR: file '/nowhere.tgz' does not exist"),
        (["/etc/hostname", "900"], 2, "ERROR: archive contaions no data"),
        (["/etc/hostname"], 255, "usage:"),
        (["--restore", "/etc/hostname", "900"], 255, "Unknown option: restore"),
        (["/etc/hostname", "../900"], 255, "strange VM ID '../900'"),
        (["/etc/hostname", "99"], 255, "reserved VM ID '99'"),
    ],
)
def test_it_refuses_nonsense(ct: FileContainer, words: list[str], code: int, complaint: str) -> None:
    done = ct.run("vzrestore", *words)
    assert done.returncode == code
    assert complaint in done.stderr
