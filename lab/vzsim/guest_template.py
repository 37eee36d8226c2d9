"""The one operating system template of the lab: little more than the guest service, over the node's own /usr."""

from __future__ import annotations

import os
import shutil
import stat
from importlib.util import module_from_spec, spec_from_file_location

from . import paths

NAME = "lab-guest"
FOLDERS = ("usr", "proc", "sys", "dev", "run", "tmp", "var/log", "etc", "root", "home", "opt", "sbin", "data")
LINKS = {name: f"usr/{name}" for name in ("bin", "lib", "lib64")}
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\n",
    "etc/group": "root:x:0:\n",
    "etc/hosts": "127.0.0.1\tlocalhost\n::1\tlocalhost\n",
}


def unpack(private: str, hostname: str) -> None:
    """Fill a private area."""
    for folder in FOLDERS:
        os.makedirs(f"{private}/{folder}", exist_ok=True)
    os.chmod(f"{private}/tmp", 0o1777)
    for name, target in LINKS.items():
        os.symlink(target, f"{private}/{name}")
    for name, (major, minor) in DEVICES.items():
        os.mknod(f"{private}/dev/{name}", stat.S_IFCHR, os.makedev(major, minor))
        os.chmod(f"{private}/dev/{name}", 0o666)
    os.symlink("/proc/self/fd", f"{private}/dev/fd")
    for name, text in {**FILES, "etc/hostname": f"{hostname}\n"}.items():
        with open(f"{private}/{name}", "w") as file:
            file.write(text)
    _install_guest(private)


def _install_guest(private: str) -> None:
    for inside, (source, mode) in _guest_files().items():
        target = f"{private}{inside}"
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(source, target)
        os.chmod(target, mode)
    # The identity is made with the container and travels with its data.
    with open(f"{private}/data/identity", "w") as file:
        file.write(os.urandom(16).hex() + "\n")


def _guest_files() -> dict[str, tuple[str, int]]:
    """Ask the guest what it consists of."""
    spec = spec_from_file_location("lab_guest", f"{paths.GUEST_TEMPLATE}/__init__.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(paths.GUEST_TEMPLATE)
    guest = module_from_spec(spec)
    spec.loader.exec_module(guest)
    return {inside: (str(source), mode) for inside, (source, mode) in guest.FILES.items()}
