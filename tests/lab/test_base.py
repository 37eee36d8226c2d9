from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab import base, host_needs, sources

DEB822 = """\
Types: deb
# a snapshot, said in a comment
URIs: http://mirror.example.net/debian http://second.example.net/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://mirror.example.net/debian-security
Suites: bookworm-security
Components: main
"""
ONE_LINE = """\
# deb http://old.example.net/debian bookworm main
deb [signed-by=/usr/share/keyrings/x.gpg] http://elsewhere.example.net/apt bookworm-tools main
deb [arch=amd64] https://mirror.example.org/debian/ bookworm main contrib
"""
BUILDS_FOR_EVER = """
import sys, time
from pathlib import Path
from lab import base
base._say = lambda argv, **extra: (print("building", flush=True), time.sleep(60))
base.ensure(Path(sys.argv[1]))
"""


@pytest.fixture
def on_bookworm(monkeypatch: pytest.MonkeyPatch) -> None:
    release = {"ID": "debian", "VERSION_CODENAME": "bookworm"}
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: release)


@pytest.mark.usefixtures("on_bookworm")
@pytest.mark.parametrize(
    ("name", "text", "mirror"),
    [
        ("sources.list.d/debian.sources", DEB822, "http://mirror.example.net/debian"),
        ("sources.list", ONE_LINE, "https://mirror.example.org/debian/"),
        ("sources.list.d/other.list", "deb http://packages.example.net/sdk sdk main\n", sources.PLAIN),
    ],
)
def test_packages_come_from_where_the_machine_gets_its_own(tmp_path: Path, name: str, text: str, mirror: str) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / name).write_text(text)
    assert sources.debian_mirror(tmp_path) == mirror


def test_another_distribution_asks_debian_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: {"ID": "ubuntu", "VERSION_CODENAME": "noble"})
    (tmp_path / "sources.list").write_text("deb http://archive.example.net/ubuntu noble main\n")
    assert sources.debian_mirror(tmp_path) == sources.PLAIN


def test_another_recipe_is_another_root(monkeypatch: pytest.MonkeyPatch) -> None:
    before = base.digest()
    monkeypatch.setattr(base, "PACKAGES", [*base.PACKAGES, "strace"])
    assert base.digest() != before


def test_a_root_that_is_there_is_not_built_again(tmp_path: Path) -> None:
    root = tmp_path / f"base-{base.digest()}"
    root.mkdir()
    assert base.ensure(tmp_path) == root


@pytest.mark.lab
def test_a_killed_build_is_no_root_and_does_not_bar_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builder = subprocess.Popen([sys.executable, "-c", BUILDS_FOR_EVER, str(tmp_path)], stdout=subprocess.PIPE)
    with builder:
        assert builder.stdout is not None
        builder.stdout.readline()
        os.kill(builder.pid, signal.SIGKILL)
    assert list(tmp_path.glob("base-*")) == []
    assert len(list(tmp_path.glob(".building-*"))) == 1

    monkeypatch.setattr(base, "_say", lambda argv, **extra: None)
    monkeypatch.setattr(base, "_lend_resolver", lambda root: None)
    begun = time.monotonic()
    assert base.ensure(tmp_path).is_dir()
    assert time.monotonic() - begun < 5
    assert list(tmp_path.glob(".building-*")) == []


def test_a_machine_that_lacks_a_program_is_told_which_package_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None if name == "mkfs.ext4" else f"/usr/bin/{name}")
    with pytest.raises(host_needs.HostLacks, match=r"mkfs\.ext4.*apt-get install e2fsprogs"):
        host_needs.require("ip", "mkfs.ext4")
