"""vzdump's command line and /etc/vzdump.conf."""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from .backup_log import BackupLog
from .backup_places import Died, read_ctid

DEFAULTS_FILE = Path("/etc/vzdump.conf")
KNOWN_DEFAULTS = "syncdir|dumpdir|storage|script|bwlimit|lockwait|stopwait|size|maxfiles|mode"
NUMBERS = ("bwlimit", "lockwait", "stopwait", "size", "maxfiles")

USAGE = """\
usage: /usr/sbin/vzdump OPTIONS [--all | VMID]

\t--exclude VMID\t\texclude VMID (assumes --all)
\t--exclude-path REGEX\texclude certain files/directories
\t--stdexcludes\t\texclude temporary files and logs

\t--compress\t\tcompress dump file (gzip)
\t--dumpdir DIR\t\tstore resulting files in DIR
\t--maxfiles N\t\tmaximal number of backup files per VM
\t--script FILENAME\texecute hook script
\t--storage STORAGE_ID\tstore resulting files to STORAGE_ID (PVE only)
\t--tmpdir DIR\t\tstore temporary files in DIR

\t--mailto EMAIL\t\tsend notification mail to EMAIL.
\t--quiet\t\t\tbe quiet.
\t--stop\t\t\tstop/start VM if running
\t--suspend\t\tsuspend/resume VM when running
\t--snapshot\t\tuse LVM snapshot when running
\t--size MB\t\tLVM snapshot size

\t--node CID\t\tonly run on pve cluster node CID
\t--lockwait MINUTES\tmaximal time to wait for the global lock
\t--stopwait MINUTES\tmaximal time to wait until a VM is stopped
\t--bwlimit KBPS\t\tlimit I/O bandwidth; KBytes per second

"""


@dataclass(frozen=True, kw_only=True)
class Options:
    command_line: str
    ctids: tuple[int, ...] | None
    exclude: tuple[int, ...]
    exclude_paths: tuple[str, ...]
    stdexcludes: bool
    compress: bool
    quiet: bool
    mode: str
    bwlimit_kib: int
    lockwait_minutes: int
    maxfiles: int
    dumpdir: str | None
    syncdir: str | None
    script: str | None


class PerlStyleParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        refuse(message)


def refuse(message: str) -> NoReturn:
    """Print the complaint and the usage as Getopt::Long's users do, and leave with 255."""
    if message:
        print(message, file=sys.stderr)
    sys.stderr.write(USAGE)
    raise SystemExit(255)


def read_options(argv: list[str]) -> Options:
    words = [re.sub(r"^-(?=\w)", "--", word) for word in argv]
    given, rest = build_parser().parse_known_args(words)
    for word in rest:
        refuse(f"Unknown option: {word.lstrip('-').partition('=')[0]}")
    everything = given.all or bool(given.exclude)
    if everything == bool(given.ctids):
        refuse("")
    if given.node is not None:
        raise Died("unable to find command 'pveca'")
    if given.storage:
        raise Died(f"unable to query storage info for '{given.storage}' - no storage library", exit_code=255)
    return merge(argv, given, read_defaults(), everything=everything)


def merge(argv: list[str], given: argparse.Namespace, defaults: dict[str, str], *, everything: bool) -> Options:
    def number(name: str, usual: int) -> int:
        chosen = getattr(given, name)
        return int(defaults.get(name, usual)) if chosen is None else int(chosen)

    dumpdir = given.dumpdir or defaults.get("dumpdir")
    return Options(
        command_line=" ".join(["vzdump", *argv]),
        ctids=None if everything else tuple(read_ctid(word) for word in given.ctids),
        exclude=tuple(read_ctid(word) for word in given.exclude),
        exclude_paths=tuple(given.exclude_path),
        stdexcludes=given.stdexcludes,
        compress=given.compress,
        quiet=given.quiet,
        mode=asked_mode(given) or defaults.get("mode", "snapshot"),
        bwlimit_kib=number("bwlimit", 10240),
        lockwait_minutes=number("lockwait", 180),
        maxfiles=number("maxfiles", 1),
        dumpdir=dumpdir.rstrip("/") if dumpdir else None,
        # --tmpdir is accepted and has no effect: 1.2.6 reads another name than it writes.
        syncdir=defaults.get("syncdir"),
        script=given.script or defaults.get("script"),
    )


def asked_mode(given: argparse.Namespace) -> str | None:
    """Return the mode asked for; of several the last of this order wins."""
    asked = [mode for mode in ("stop", "suspend", "snapshot") if getattr(given, mode)]
    return asked[-1] if asked else None


def build_parser() -> PerlStyleParser:
    parser = PerlStyleParser(prog="vzdump", add_help=False)
    for flag in ("all", "stdexcludes", "compress", "quiet", "stop", "suspend", "snapshot"):
        parser.add_argument(f"--{flag}", action="store_true")
    for number in ("size", "node", "bwlimit", "lockwait", "stopwait", "maxfiles"):
        parser.add_argument(f"--{number}", type=int)
    for text in ("tmpdir", "dumpdir", "script", "storage"):
        parser.add_argument(f"--{text}")
    for many in ("exclude", "exclude-path", "mailto"):
        parser.add_argument(f"--{many}", action="append", default=[])
    parser.add_argument("ctids", nargs="*")
    return parser


def read_defaults() -> dict[str, str]:
    """Read /etc/vzdump.conf; a line it does not know is warned about and skipped."""
    if not DEFAULTS_FILE.exists():
        return {}
    defaults: dict[str, str] = {}
    for number, line in enumerate(DEFAULTS_FILE.read_text().splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        found = re.match(rf"({KNOWN_DEFAULTS}):\s*(.*\S)\s*$", line)
        if found and (found[1] not in NUMBERS or found[2].isdecimal()):
            defaults[found[1]] = found[2]
        else:
            text = f"unable to parse configuration file '{DEFAULTS_FILE}' - error at line {number}"
            BackupLog("vzdump").say(text, level="WARN")
    return defaults
