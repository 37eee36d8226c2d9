"""yum and apt-get, as far as a node with a handful of packages needs them: `yum -y install NAME`.

A package's programs wait in /usr/share/lab-packages. A program missing from its place is put back from there, so a tool
that a fault took away can be installed again; one that never left is a file the machine shares with its base root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from . import faults

SOURCE = Path("/usr/share/lab-packages")
RULE = "=" * 80
NTPD_SCRIPT = """\
#!/bin/sh
# A stand-in for an NTP client: a process of the right name. The clock is the machine's own.
pid_file=/var/run/ntpd.pid
runs() { [ -s $pid_file ] && kill -0 "$(cat $pid_file)" 2>/dev/null; }
case "$1" in
start)
	runs && exit 0
	setsid /usr/sbin/ntpd infinity </dev/null >/dev/null 2>&1 &
	echo $! >$pid_file
	# Like the real one it returns when the daemon is there, not when it is about to be.
	for _ in 1 2 3 4 5 6 7 8 9 10; do [ "$(cat /proc/$!/comm)" = ntpd ] && exit 0 || sleep 0.1; done
	;;
stop) runs && kill -KILL "$(cat $pid_file)" && rm $pid_file ;;
restart) "$0" stop; "$0" start ;;
status)
	runs && echo "ntpd (pid $(cat $pid_file)) is running..." && exit 0
	echo "ntpd is stopped" && exit 3
	;;
*)
	echo "Usage: $0 {start|stop|status|restart}" >&2
	exit 1
	;;
esac
"""


@dataclass(frozen=True, kw_only=True)
class Package:
    name: str
    version: str
    arch: str
    size: str
    programs: tuple[str, ...]
    needs: tuple[str, ...] = ()
    service: str | None = None

    @property
    def label(self) -> str:
        return f"{self.name}-{self.version}.{self.arch}"

    def is_installed(self) -> bool:
        return all(os.access(program, os.X_OK) for program in self.programs)


PACKAGES = {
    package.name: package
    for package in (
        Package(name="rsync", version="3.0.6-12.el6", arch="x86_64", size="335 k", programs=("/usr/bin/rsync",)),
        Package(name="cstream", version="2.7.4-3.el6", arch="x86_64", size="24 k", programs=("/usr/sbin/cstream",)),
        Package(
            name="vzdump",
            version="1.2-6",
            arch="noarch",
            size="28 k",
            programs=("/usr/sbin/vzdump", "/usr/sbin/vzrestore"),
            needs=("cstream",),
        ),
        Package(
            name="ntp",
            version="4.2.6p5-15.el6",
            arch="x86_64",
            size="600 k",
            programs=("/usr/sbin/ntpd", "/etc/init.d/ntpd"),
            service="/etc/init.d/ntpd",
        ),
    )
}


class NotInSource(Exception):
    """The package source does not hold a program it should; the name is the message."""


def main(argv: list[str] | None = None) -> int:
    words = sys.argv[1:] if argv is None else argv
    if os.geteuid():
        print("You need to be root to perform this command.")
        return 1
    operands = [word for word in words if not word.startswith("-")]
    faults.strike("yum", *operands)
    match operands:
        case ["install", *names] if names:
            agreed = any(word in ("-y", "--assumeyes", "-qy", "-yq") for word in words)
            return install(names, agreed=agreed)
        case ["update" | "makecache" | "clean", *_]:
            print("Loaded plugins: fastestmirror")
            return 0
    print("Loaded plugins: fastestmirror\nYou need to give some command", file=sys.stderr)
    return 1


def install(names: list[str], *, agreed: bool) -> int:
    print("Loaded plugins: fastestmirror\nSetting up Install Process")
    for name in names:
        if name not in PACKAGES:
            print(f"No package {name} available.")
        elif PACKAGES[name].is_installed():
            print(f"Package {PACKAGES[name].label} already installed and latest version")
    known = [PACKAGES[name] for name in names if name in PACKAGES]
    asked = [package for package in known if not package.is_installed()]
    if not known:
        print("Error: Nothing to do")
        return 1
    if not asked:
        print("Nothing to do")
        return 0
    needed = [PACKAGES[name] for package in asked for name in package.needs]
    return transact(asked, [package for package in needed if not package.is_installed()], agreed=agreed)


def transact(asked: list[Package], needed: list[Package], *, agreed: bool) -> int:
    print_plan(asked, needed)
    if not agreed:
        print("Is this ok [y/N]: ", end="", flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            print("Exiting on user Command")
            return 1
    print("Downloading Packages:\nRunning rpm_check_debug\nRunning Transaction Test\nTransaction Test Succeeded")
    print("Running Transaction")
    everything = [*needed, *asked]
    for number, package in enumerate(everything, start=1):
        print(f"  Installing : {package.label:<60} {number:>5}/{len(everything)}", flush=True)
        try:
            unpack(package)
        except (NotInSource, OSError) as error:
            print(f"Error unpacking rpm package {package.label}: {error}")
            return 1
    print_installed("Installed", asked)
    print_installed("Dependency Installed", needed)
    print("\nComplete!")
    return 0


def print_plan(asked: list[Package], needed: list[Package]) -> None:
    print("Resolving Dependencies\n--> Running transaction check")
    for package in [*asked, *needed]:
        print(f"---> Package {package.name}.{package.arch} 0:{package.version} will be installed")
    print(f"--> Finished Dependency Resolution\n\nDependencies Resolved\n\n{RULE}")
    print(f" {'Package':<20} {'Arch':<10} {'Version':<22} {'Repository':<14} {'Size':>8}\n{RULE}")
    for title, packages in (("Installing:", asked), ("Installing for dependencies:", needed)):
        if packages:
            print(title)
        for package in packages:
            row = f"{package.name:<20} {package.arch:<10} {package.version:<22} {'lab-packages':<14}"
            print(f" {row} {package.size:>8}")
    print(f"\nTransaction Summary\n{RULE}\nInstall {len(asked) + len(needed):>7} Package(s)\n")


def print_installed(title: str, packages: list[Package]) -> None:
    if packages:
        print(f"\n{title}:")
    for package in packages:
        print(f"  {package.name}.{package.arch} 0:{package.version}")


def unpack(package: Package) -> None:
    if package.name == "ntp":
        # Nothing of it waits in the source: the program is a sleeper of the right name.
        shutil.copy("/usr/bin/sleep", "/usr/sbin/ntpd")
        place(NTPD_SCRIPT.encode(), Path("/etc/init.d/ntpd"))
        return
    for program in map(Path, package.programs):
        if not os.access(program, os.X_OK):
            waiting = SOURCE / program.name
            if not waiting.exists():
                raise NotInSource(str(waiting))
            place(waiting.read_bytes(), program)


def place(data: bytes, program: Path) -> None:
    """Write a program so that nobody ever runs half of it."""
    unfinished = program.with_name(f".{program.name}.rpmnew")
    unfinished.write_bytes(data)
    unfinished.chmod(0o755)
    unfinished.replace(program)


def start_services(names: list[str]) -> None:
    """Start what was installed, as Debian does and Red Hat does not."""
    for name in names:
        if name in PACKAGES and (script := PACKAGES[name].service):
            subprocess.run([script, "start"], check=False)


def apt_get(argv: list[str] | None = None) -> int:
    """Speak apt-get's words, do yum's work."""
    words = [word for word in (sys.argv[1:] if argv is None else argv) if not word.startswith("-")]
    faults.strike("apt-get", *words)
    match words:
        case ["update"]:
            print("Reading package lists... Done")
            return 0
        case ["install", *names] if names:
            return apt_install(names)
    print(f"E: Invalid operation {words[0] if words else ''}", file=sys.stderr)
    return 100


def apt_install(names: list[str]) -> int:
    print("Reading package lists... Done\nBuilding dependency tree... Done")
    for name in names:
        if name not in PACKAGES:
            print(f"E: Unable to locate package {name}", file=sys.stderr)
            return 100
    wanted = [PACKAGES[name] for name in names]
    wanted += [PACKAGES[name] for package in wanted for name in package.needs]
    for package in wanted:
        if package.is_installed():
            print(f"{package.name} is already the newest version ({package.version}).")
        else:
            print(f"Setting up {package.name} ({package.version}) ...", flush=True)
            try:
                unpack(package)
            except (NotInSource, OSError) as error:
                print(f"E: Failed to fetch {package.name}: {error}", file=sys.stderr)
                return 100
    start_services(names)
    return 0
