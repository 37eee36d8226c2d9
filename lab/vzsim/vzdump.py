"""vzdump 1.2.6: archive a container's private area and configuration. It exits 0 even when a backup failed."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn

from . import faults
from .backup_log import BackupFailed, BackupLog, Interrupted, heed_signals
from .backup_options import Options, read_options
from .backup_places import (
    CONFIG_DIRECTORY,
    SCRIPTS,
    Died,
    Places,
    container_lock,
    need_commands,
    read_places,
    setting,
)

GLOBAL_LOCK = Path("/var/run/vzdump.lock")
LOG_DIRECTORY = Path("/var/log/vzdump")
SYSTEM_PATH = "/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
POSIX_FILESYSTEMS = ("ext3", "ext4", "nfs", "nfs4", "reiserfs", "xfs")
RSYNC = "rsync --stats -x --numeric-ids --bwlimit={limit} -aH --delete --no-whole-file --inplace {source} {target}"
TAR_OPTIONS = "--totals --sparse --numeric-owner --no-recursion --ignore-failed-read --one-file-system"
STANDARD_EXCLUDES = [
    ["-not", "-type", "d", "-regex", "./var/log/.+"],
    ["-regex", "./tmp/.+", "-prune"],
    ["-regex", "./var/tmp/.+", "-prune"],
    ["-regex", "./var/run/.+pid", "-prune"],
]


class ModeFailure(BackupFailed):
    """The mode cannot be had for this container; another may."""


@dataclass(kw_only=True)
class Task:
    """One container's backup and the names it goes by."""

    ctid: int
    stem: Path
    extension: str
    private: Path
    hostname: str
    mode: str = "stop"
    copy: Path = field(init=False)

    @property
    def archive(self) -> Path:
        return self.stem.with_name(self.stem.name + self.extension)

    @property
    def unfinished(self) -> Path:
        return self.stem.with_name(self.stem.name + ".dat")

    @property
    def log_file(self) -> Path:
        return self.stem.with_name(self.stem.name + ".log")

    @property
    def tree(self) -> Path:
        """What is archived: the copy in suspend mode, else the private area itself."""
        return self.copy if self.mode == "suspend" else self.private


class Job:
    def __init__(self, options: Options, places: Places) -> None:
        self.options = options
        self.places = places
        self.dump_directory = Path(options.dumpdir or places.dump)
        self.log = BackupLog("vzdump")

    def run(self) -> None:
        self.log.say(f"starting new backup job: {self.options.command_line}")
        try:
            self._hook("job-start")
            failures = [ctid for ctid in self._ctids() if not self._back_up(ctid)]
            self._hook("job-end")
        except BackupFailed as error:
            with suppress(BackupFailed):
                self._hook("job-abort")
            self.log.say(f"Backup job failed - {error}", level="ERROR")
        else:
            self.log.say("Backup job finished with errors" if failures else "Backup job finished successfuly")

    def _ctids(self) -> list[int]:
        if self.options.ctids is not None:
            return sorted(self.options.ctids, key=str)
        found = (re.fullmatch(r"(\d{3,})\.conf", path.name) for path in CONFIG_DIRECTORY.iterdir())
        return sorted({int(name[1]) for name in found if name} - set(self.options.exclude), key=str)

    def _back_up(self, ctid: int) -> bool:
        """Return whether the backup was made.

        :raises Interrupted: everything is put back, and the whole job ends.
        """
        started = time.monotonic()
        task: Task | None = None
        error: BackupFailed | None = None
        try:
            task = self._name_task(ctid)
            with ExitStack() as undo:
                self._make(task, undo)
        except BackupFailed as failure:
            error = failure
        except OSError as failure:
            error = BackupFailed(f"{failure.strerror} - {failure.filename}")
        return self._conclude(ctid, task, error, seconds=int(time.monotonic() - started))

    def _conclude(self, ctid: int, task: Task | None, error: BackupFailed | None, *, seconds: int) -> bool:
        if error:
            self.log.say(f"Backup of VM {ctid} failed - {error}", level="ERROR")
            with suppress(BackupFailed):
                self._hook("backup-abort", task)
        else:
            clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
            self.log.say(f"Finished Backup of VM {ctid} ({clock})")
        self.log.close()
        if task:
            with suppress(OSError):
                shutil.copyfile(LOG_DIRECTORY / f"openvz-{ctid}.log", task.log_file)
        if isinstance(error, Interrupted):
            raise error
        return error is None

    def _name_task(self, ctid: int) -> Task:
        try:
            config = (CONFIG_DIRECTORY / f"{ctid}.conf").read_text()
        except FileNotFoundError as error:
            raise BackupFailed(f"unable to find VM '{ctid}'") from error
        private = setting(config, "VE_PRIVATE")
        return Task(
            ctid=ctid,
            stem=self.dump_directory / time.strftime(f"vzdump-openvz-{ctid}-%Y_%m_%d-%H_%M_%S"),
            extension=".tgz" if self.options.compress else ".tar",
            private=Path(private.replace("$VEID", str(ctid))) if private else self.places.private_of(ctid),
            hostname=setting(config, "HOSTNAME") or f"VM {ctid}",
        )

    def _make(self, task: Task, undo: ExitStack) -> None:
        """Make the archive; what must be put back, whatever happens, goes on `undo`, last first."""
        self._prepare_copy(task, undo)
        self.log.open(LOG_DIRECTORY / f"openvz-{task.ctid}.log")
        self.log.say(f"Starting Backup of VM {task.ctid} (openvz)")
        status = self.log.run(f"vzctl status {task.ctid}").strip()
        self.log.say(f"status = {status}")
        running = "running" in status
        # Unlocked first, then served again, and only then is the copy cleared away.
        with ExitStack() as put_back, container_lock(self.places, task.ctid), ExitStack() as tidy:
            self._choose_mode(task, running=running)
            self._hook("backup-start", task)
            if task.mode == "suspend":
                self._copy_frozen(task, put_back)
            elif running:
                self._stop(task, put_back)
            self._add_config(task, tidy)
            self._archive(task)
            self._purge_older(task)
            self._hook("backup-end", task)

    def _prepare_copy(self, task: Task, undo: ExitStack) -> None:
        undo.callback(task.unfinished.unlink, missing_ok=True)
        task.copy = self._copy_directory(task)
        undo.callback(shutil.rmtree, task.copy, ignore_errors=True)
        shutil.rmtree(task.copy, ignore_errors=True)
        try:
            task.copy.mkdir()
        except OSError as error:
            raise BackupFailed(f"unable to create temporary directory '{task.copy}'") from error
        task.log_file.unlink(missing_ok=True)

    def _copy_directory(self, task: Task) -> Path:
        if self.options.syncdir:
            return Path(self.options.syncdir) / f"vzdumptmp{os.getpid()}"
        kind = filesystem_type(self.dump_directory)
        if kind in POSIX_FILESYSTEMS:
            return task.stem.with_name(task.stem.name + ".tmp")
        elsewhere = Path(f"/var/tmp/vzdumptmp{os.getpid()}")
        self.log.say(f"filesystem type on dumpdir is '{kind}' -using {elsewhere} for temporary files")
        return elsewhere

    def _choose_mode(self, task: Task, *, running: bool) -> None:
        task.mode = self.options.mode if running else "stop"
        if task.mode == "snapshot":
            # No logical volumes here; the tool says so and goes on as it would on such a node.
            self.log.say("mode failure - unable to detect lvm volume group")
            self.log.say("trying 'suspend' mode instead")
            task.mode = "suspend"
        self.log.say(f"backup mode: {task.mode}")
        if self.options.bwlimit_kib:
            self.log.say(f"bandwidth limit: {self.options.bwlimit_kib} KB/s")

    def _stop(self, task: Task, put_back: ExitStack) -> None:
        self.log.begin("stopping vm")
        stopped_at = time.monotonic()
        self._hook("pre-stop", task)
        self.log.run(f"vzctl --skiplock stop {task.ctid}")
        restart = ("restarting vm", f"vzctl --skiplock start {task.ctid}", stopped_at)
        put_back.callback(self._try_back_online, task, *restart)

    def _copy_frozen(self, task: Task, put_back: ExitStack) -> None:
        self._sync(task, "first")
        self.log.begin("suspend vm")
        stopped_at = time.monotonic()
        self._hook("pre-stop", task)
        self.log.run(f"vzctl --skiplock chkpnt {task.ctid} --suspend")
        resume = ("resume vm", f"vzctl --skiplock chkpnt {task.ctid} --resume", stopped_at)
        put_back.callback(self._try_back_online, task, *resume)
        self._sync(task, "final")
        put_back.pop_all()  # a resume that fails is not tried twice
        self._back_online(task, *resume)

    def _try_back_online(self, task: Task, words: str, command: str, stopped_at: float) -> None:
        """Bring the container back as the last act; the original only grumbles when that fails."""
        try:
            self._back_online(task, words, command, stopped_at)
        except BackupFailed as error:
            print(error, file=sys.stderr)

    def _back_online(self, task: Task, words: str, command: str, stopped_at: float) -> None:
        self.log.begin(words)
        self._hook("pre-restart", task)
        self.log.run(command)
        self.log.say(f"vm is online again after {int(time.monotonic() - stopped_at)} seconds")

    def _sync(self, task: Task, which: str) -> None:
        source = f"{task.private}/"
        self.log.begin(f"starting {which} sync {source} to {task.copy}")
        started = time.monotonic()
        quoted = {"source": shlex.quote(source), "target": shlex.quote(str(task.copy))}
        self.log.run(RSYNC.format(limit=self.options.bwlimit_kib, **quoted))
        self.log.say(f"{which} sync finished ({int(time.monotonic() - started)} seconds)")

    def _add_config(self, task: Task, tidy: ExitStack) -> None:
        """Put the configuration into the tree; in stop mode that is the container's own."""
        place = task.tree / "etc/vzdump"
        tidy.callback(shutil.rmtree, place, ignore_errors=True)
        place.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(CONFIG_DIRECTORY / f"{task.ctid}.conf", place / "vps.conf")
        for name in SCRIPTS:
            with suppress(FileNotFoundError):
                shutil.copyfile(CONFIG_DIRECTORY / f"{task.ctid}.{name}", place / f"vps.{name}")

    def _archive(self, task: Task) -> None:
        self.log.begin(f"creating archive '{task.archive}'")
        self.log.run(archive_command(task, self.options))
        task.unfinished.rename(task.archive)
        self.log.say(f"archive file size: {spell_size(task.archive.stat().st_size)}")

    def _purge_older(self, task: Task) -> None:
        """Delete all but the newest `maxfiles`; the default of 1 leaves only the one just made."""
        name = rf"vzdump-openvz-{task.ctid}-\d{{4}}(_\d\d){{2}}-\d\d(_\d\d){{2}}\.(tgz|tar)"
        older = [
            path for path in self.dump_directory.iterdir() if re.fullmatch(name, path.name) and path != task.archive
        ]
        older.sort(key=lambda path: path.stem)
        surplus = len(older) - self.options.maxfiles + 1 if self.options.maxfiles else 0
        for path in older[: max(0, surplus)]:
            self.log.say(f"delete old backup '{path}'")
            path.unlink(missing_ok=True)
            path.with_suffix(".log").unlink(missing_ok=True)

    def _hook(self, phase: str, task: Task | None = None) -> None:
        if not self.options.script:
            return
        about = f" {task.mode} {task.ctid}" if task else ""
        env = {"PATH": SYSTEM_PATH}
        if task:
            env |= {
                "VMTYPE": "openvz",
                "DUMPDIR": str(self.dump_directory),
                "HOSTNAME": task.hostname,
                "TARFILE": str(task.archive),
                "LOGFILE": str(task.log_file),
            }
        self.log.run(f"{self.options.script} {phase}{about}", env=env)


def archive_command(task: Task, options: Options) -> str:
    """Return the pipeline; with a bandwidth limit its exit code is the last one's, not tar's, as in the original."""
    skipped = [["-regex", r"^\.$"], ["-type", "s", "-prune"]]
    skipped += [["-regex", f".{path}", "-prune"] for path in options.exclude_paths]
    skipped += STANDARD_EXCLUDES if options.stdexcludes else []
    find = ["find", ".", *(word for rule in skipped for word in ("(", *rule, ")", "-o")), "-print0"]
    tar = f"tar -cpf - {TAR_OPTIONS}"
    if options.compress:
        tar += " --use-compress-program='gzip --rsyncable'"
    # The original adds --remove-files in suspend mode; with today's tar and a file list that ends in failure.
    limit = f" | cstream -t {options.bwlimit_kib * 1024}" if options.bwlimit_kib else ""
    out = shlex.quote(str(task.unfinished))
    return f"(cd {shlex.quote(str(task.tree))}; {shlex.join(find)} | {tar} --null -T -{limit} >{out})"


def filesystem_type(directory: Path) -> str:
    said = subprocess.run(["df", "-P", "-T", str(directory)], capture_output=True, text=True, check=False).stdout
    lines = said.splitlines()
    return lines[1].split()[1] if len(lines) > 1 else "unknown"


def spell_size(size_bytes: int) -> str:
    if size_bytes < 1 << 20:
        return f"{size_bytes >> 10}KB"
    if size_bytes < 1 << 30:
        return f"{size_bytes >> 20}MB"
    return f"{size_bytes / (1 << 30):.2f}GB"


def hold_global_lock(log: BackupLog, *, wait_minutes: int) -> int:
    """Return the lock's descriptor; the file itself is never deleted.

    :raises SystemExit: with 255, somebody kept it too long.
    """
    descriptor = os.open(GLOBAL_LOCK, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return descriptor
    if not wait_minutes:
        log.say(f"can't aquire lock '{GLOBAL_LOCK}' (wait = 0)", level="ERROR")
        raise SystemExit(255)
    log.say("trying to get global lock - waiting...")
    signal.signal(signal.SIGALRM, give_up_waiting)
    signal.alarm(wait_minutes * 60)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except TimeoutError as error:
        log.say(f"can't aquire lock '{GLOBAL_LOCK}' - {error}", level="ERROR")
        raise SystemExit(255) from error
    signal.alarm(0)
    log.say("got global lock")
    return descriptor


def give_up_waiting(_number: int, _frame: FrameType | None) -> NoReturn:
    raise TimeoutError("got timeout")


def main(argv: list[str] | None = None) -> int:
    os.environ.update(LANG="C", LC_ALL="C", PATH=SYSTEM_PATH)
    words = sys.argv[1:] if argv is None else argv
    faults.strike("vzdump", *(word for word in words if word.isdecimal()))
    try:
        options = read_options(words)
        need_commands("cp", "df", "rsync", "tar", "mount", "umount", "cstream", "vzctl")
        job = Job(options, read_places())
        if not job.dump_directory.is_dir():
            raise Died(f"dumpdir '{job.dump_directory}' does not exist")
    except Died as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if options.quiet:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
    hold_global_lock(job.log, wait_minutes=options.lockwait_minutes)
    heed_signals()
    job.run()
    return 0
