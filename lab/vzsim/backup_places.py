"""Where vzdump and vzrestore find and keep things: vz.conf as they read it, and the container's lock."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import locks
from .backup_log import BackupFailed

VZ_DIRECTORY = Path("/etc/vz")
CONFIG_DIRECTORY = VZ_DIRECTORY / "conf"
SCRIPTS = ("start", "stop", "mount", "umount")

LOCK_TRIES = 30
LOCK_DELAY_SECONDS = 2


class Died(Exception):
    """The tool gives up before its work began; the text goes to standard error as it is."""

    def __init__(self, text: str, *, exit_code: int = 2) -> None:
        super().__init__(text)
        self.exit_code = exit_code


@dataclass(frozen=True, kw_only=True)
class Places:
    """Directories from vz.conf; private and root hold the literal $VEID."""

    private: str = "/var/lib/vz/private/$VEID"
    root: str = "/var/lib/vz/root/$VEID"
    dump: str = "/var/lib/vz/dump"
    lock: str = "/var/lib/vz/lock"

    def private_of(self, ctid: int) -> Path:
        return Path(self.private.replace("$VEID", str(ctid)))

    def root_of(self, ctid: int) -> Path:
        return Path(self.root.replace("$VEID", str(ctid)))


def read_places() -> Places:
    try:
        text = (VZ_DIRECTORY / "vz.conf").read_text()
    except FileNotFoundError:
        return Places()
    usual = Places()
    return Places(
        private=setting(text, "VE_PRIVATE") or usual.private,
        root=setting(text, "VE_ROOT") or usual.root,
        dump=(setting(text, "DUMPDIR") or usual.dump).removesuffix("/$VEID"),
        lock=setting(text, "LOCKDIR") or usual.lock,
    )


def setting(text: str, name: str) -> str | None:
    """Return a setting without its quotes, None where the text lacks it."""
    found = re.search(rf"^\s*{name}=(.*)$", text, re.MULTILINE)
    return re.sub(r'^\s*"?|"?\s*$', "", found[1]) if found else None


def read_ctid(word: str) -> int:
    if not re.fullmatch(r"\d+", word, re.ASCII):
        raise Died(f"ERROR: strange VM ID '{word}'", exit_code=255)
    if int(word) < 100:
        raise Died(f"ERROR: got reserved VM ID '{word}'", exit_code=255)
    return int(word)


def need_commands(*names: str) -> None:
    for name in names:
        if not shutil.which(name):
            raise Died(f"unable to find command '{name}'")


@contextmanager
def container_lock(places: Places, ctid: int) -> Iterator[None]:
    """Hold the lock that vzctl and vzmigrate heed too; one whose owner is dead is taken over."""
    path = f"{places.lock}/{ctid}.lck"
    for attempt in range(LOCK_TRIES):
        if attempt:
            time.sleep(LOCK_DELAY_SECONDS)
        if take_lock(path):
            break
    else:
        raise BackupFailed(f"can't lock VM {ctid}")
    try:
        yield
    finally:
        locks.release(path)


def take_lock(path: str) -> bool:
    try:
        if locks.take(path):
            return True
        owner = locks.holder(path)
        if owner and Path(f"/proc/{owner}").exists():
            return False
        Path(path).unlink(missing_ok=True)
        return locks.take(path)
    except OSError as error:
        raise BackupFailed(f"can't lock {path} - {error.strerror}") from error
