"""vzrestore 1.2.6: unpack an archive of vzdump's under a container number of one's choice."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from . import faults
from .backup_log import BackupFailed, BackupLog, heed_signals
from .backup_places import (
    CONFIG_DIRECTORY,
    SCRIPTS,
    Died,
    Places,
    container_lock,
    need_commands,
    read_ctid,
    read_places,
)

USAGE = """\
usage: /usr/sbin/vzrestore [OPTIONS] <ARCHIVE> <VMID>

\t--force      overwrite existing conf file, private and root directory

"""


def main(argv: list[str] | None = None) -> int:
    os.environ.update(LANG="C", LC_ALL="C")
    words = sys.argv[1:] if argv is None else argv
    unknown = [word for word in words if word.startswith("-") and word not in ("--force", "-force")]
    operands = [word for word in words if not word.startswith("-")]
    faults.strike("vzrestore", *operands[1:])
    for word in unknown:
        print(f"Unknown option: {word.lstrip('-')}", file=sys.stderr)
    if unknown or len(operands) != 2:
        sys.stderr.write(USAGE)
        return 255
    heed_signals()
    try:
        return restore(Path(operands[0]), read_ctid(operands[1]), force=len(operands) < len(words))
    except Died as error:
        print(error, file=sys.stderr)
        return error.exit_code


def restore(archive: Path, ctid: int, *, force: bool) -> int:
    need_commands("vzctl")
    refuse_unless_readable(archive)
    log = BackupLog("vzrestore")
    places = read_places()
    try:
        with container_lock(places, ctid):
            log.say(f"restore openvz backup '{archive}' using ID {ctid}")
            unpack(archive, ctid, places=places, log=log, force=force)
            log.say(f"restore openvz backup '{archive}' successful")
    except BackupFailed as error:
        log.say(f"restore openvz backup '{archive}' failed - {error}", level="ERROR")
        return 255
    return 0


def refuse_unless_readable(archive: Path) -> None:
    if not archive.is_file():
        raise Died(f"ERROR: file '{archive}' does not exist")
    with subprocess.Popen(["tar", "tf", str(archive)], stdout=subprocess.PIPE, text=True, errors="replace") as listing:
        assert listing.stdout
        first = listing.stdout.readline()
        listing.terminate()
    if not first:
        raise Died("ERROR: archive contaions no data")
    if first.strip() == "qemu-server.conf":
        raise Died("ERROR: please use 'qmrestore' to restore QemuServer VMs")


def unpack(archive: Path, ctid: int, *, places: Places, log: BackupLog, force: bool) -> None:
    """Unpack; from the first directory made, a failure removes all three, also what --force found there."""
    config, private, root = CONFIG_DIRECTORY / f"{ctid}.conf", places.private_of(ctid), places.root_of(ctid)
    if force:
        print("you choose to force overwriting VPS config file, private and root directories.", flush=True)
    else:
        refuse_if_taken(ctid, config, private, root)
    try:
        private.mkdir(parents=True, exist_ok=True)
        root.mkdir(parents=True, exist_ok=True)
        log.begin(f"extracting archive '{archive}'")
        log.run(f"tar xpf {shlex.quote(str(archive))} --totals --sparse -C {shlex.quote(str(private))}")
        log.begin(f"extracting configuration to '{config}'")
        log.run(config_command(private / "etc/vzdump/vps.conf", config, places))
        take_scripts(ctid, private / "etc/vzdump")
    except BaseException as error:
        for directory in (private, root):
            shutil.rmtree(directory, ignore_errors=True)
        config.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise BackupFailed(f"{error.strerror} - {error.filename}") from error
        raise


def refuse_if_taken(ctid: int, config: Path, private: Path, root: Path) -> None:
    if config.is_file():
        raise BackupFailed(f"unable to restore VM '{ctid}' - VM already exists")
    for directory in (private, root):
        if directory.is_dir():
            raise BackupFailed(f"unable to restore VPS '{ctid}' - directory '{directory}' already exists")


def config_command(archived: Path, config: Path, places: Places) -> str:
    """Return the command that rewrites the two directories; all else stays the source's."""
    edits = [
        f's|{name}=.*|{name}="{value}"|' for name, value in (("VE_ROOT", places.root), ("VE_PRIVATE", places.private))
    ]
    program = " ".join(f"-e {shlex.quote(edit)}" for edit in edits)
    return f"sed {program} <{shlex.quote(str(archived))} >{shlex.quote(str(config))}"


def take_scripts(ctid: int, archived: Path) -> None:
    for name in SCRIPTS:
        if (archived / f"vps.{name}").is_file():
            shutil.copyfile(archived / f"vps.{name}", CONFIG_DIRECTORY / f"{ctid}.{name}")
    shutil.rmtree(archived)
