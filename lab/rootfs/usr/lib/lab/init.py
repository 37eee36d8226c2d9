"""Process 1 of a lab node: bring the services up, say so, and bury the orphans until somebody pulls the plug."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

KERNEL = Path("/run/vzkernel/proc")
VZ_FOLDERS = ("private", "root", "dump", "lock", "template/cache")
NOBODY_RELAYS = """\
*filter
:FORWARD DROP [0:0]
-A FORWARD ! -i eth0 -j ACCEPT
-A FORWARD ! -o eth0 -j ACCEPT
COMMIT
"""
SYSCTLS = {
    "net/ipv4/ip_forward": "1",
    "net/ipv4/conf/all/send_redirects": "0",
    "net/ipv4/conf/default/send_redirects": "0",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
    "net/ipv6/conf/default/accept_dad": "0",
}


def leave_the_host() -> None:
    subprocess.run(["umount", "-l", "/.host"], check=True)
    Path("/.host").rmdir()


def open_the_network() -> None:
    """Forward for containers only: a node that gave an address away must not relay for it."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for name, value in SYSCTLS.items():
        Path("/proc/sys", name).write_text(value)
    for program in ("iptables-restore", "ip6tables-restore"):
        subprocess.run([program], input=NOBODY_RELAYS, text=True, check=True)


def show_the_kernel() -> None:
    """Lay out the files an OpenVZ kernel shows under /proc."""
    for folder in (KERNEL / "vz", KERNEL / "bc", Path("/run/vzsim"), Path("/run/sshd")):
        folder.mkdir(parents=True, exist_ok=True)
    (KERNEL / "vz/version").write_text("042stab145.3\n")
    (KERNEL / "vz/veip").write_text("Version: 2.5\n")
    (KERNEL / "vz/veinfo").write_text(f"{0:>10d} {2:>5d} {1:>5d}\n")
    if Path("/etc/lab-checkpointing").exists():
        for name in ("cpt", "rst"):
            (KERNEL / name).touch()
    for name in VZ_FOLDERS:
        Path("/vz", name).mkdir(parents=True, exist_ok=True)


def start_the_services() -> None:
    shutil.copy("/usr/bin/sleep", "/usr/sbin/chronyd")
    for command in (["/usr/sbin/sshd"], ["/etc/init.d/chrony", "start"], ["/etc/init.d/vz", "start"]):
        # Standard output is the report to the supervisor: nobody else may write there.
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)


def report_ready() -> None:
    os.write(1, b"ready\n")
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 1)


def compile_the_tools() -> None:
    """Save each tool's first call the work; whoever is faster than this compiles for himself."""
    subprocess.Popen(["nice", "python3", "-m", "compileall", "-q", "/usr/lib/vzsim"], stdout=subprocess.DEVNULL)


def bury_orphans() -> None:
    while True:
        try:
            os.wait()
        except ChildProcessError:
            time.sleep(0.2)


def main() -> None:
    leave_the_host()
    open_the_network()
    show_the_kernel()
    start_the_services()
    report_ready()
    compile_the_tools()
    bury_orphans()


main()
