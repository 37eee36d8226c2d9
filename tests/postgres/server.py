"""A PostgreSQL cluster for a while: on a Unix socket in a folder of its own, by nobody in particular."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

START_SECONDS = 20.0
SETTINGS = {"listen_addresses": "", "fsync": "off", "full_page_writes": "off", "max_connections": "100"}


@contextmanager
def server() -> Iterator[str]:
    """Return the URL of an empty database; the cluster and its folder are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="ovz-pg-"))
    try:
        if _owner() is not None:
            shutil.chown(folder, *_owner_and_group())
        _run(["initdb", "--pgdata", f"{folder}/data", "--username=panel", "--auth=trust", "--encoding=UTF8", "-N"])
        process = _start(folder)
        try:
            _await_ready(folder, process)
            yield f"postgres://panel@{quote(str(folder), safe='')}/postgres"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(START_SECONDS)
    finally:
        shutil.rmtree(folder)


def _start(folder: Path) -> subprocess.Popen[bytes]:
    options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    command = [_program("postgres"), "-D", f"{folder}/data", "-k", str(folder), *options]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(_as_owner(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)


def _await_ready(folder: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    ask = [_program("pg_isready"), "--quiet", "--host", str(folder)]
    while subprocess.run(ask, check=False).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL does not start: {(folder / 'log').read_text()[-2000:]}")
        time.sleep(0.05)


def _run(command: list[str]) -> None:
    done = subprocess.run(
        _as_owner([_program(command[0]), *command[1:]]), check=False, capture_output=True, text=True, cwd="/"
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr[-2000:]}")


def _program(name: str) -> str:
    """Return the newest there is: Debian keeps servers out of the way of PATH."""
    debians = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    found = str(debians[-1]) if debians else shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name}: install Debian's package postgresql (`make setup` does)")
    return found


def _as_owner(command: list[str]) -> list[str]:
    """PostgreSQL refuses to be run by root; it dies with whoever started it."""
    words = ["setpriv", "--pdeathsig", "QUIT"]
    if _owner() is not None:
        user, group = _owner_and_group()
        words += [f"--reuid={user}", f"--regid={group}", "--clear-groups"]
    return [*words, *command]


def _owner() -> pwd.struct_passwd | None:
    """Return who shall run it; None: whoever runs this."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise LookupError("neither a user postgres nor a user nobody")


def _owner_and_group() -> tuple[int, int]:
    owner = _owner()
    assert owner is not None
    return owner.pw_uid, owner.pw_gid
