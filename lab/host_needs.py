"""What the machine must bring before a lab can be built on it."""

from __future__ import annotations

import os
import shutil

PACKAGE_OF = {
    "chroot": "coreutils",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "losetup": "mount",
    "mkfs.ext4": "e2fsprogs",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "ssh-keygen": "openssh-client",
    "tc": "iproute2",
    "unshare": "util-linux",
}


class HostLacks(RuntimeError):
    """The machine cannot carry a lab as it is; the message says what to do."""


def require(*programs: str) -> None:
    """Refuse in one sentence before anything is started."""
    if os.geteuid() != 0:
        raise HostLacks("the lab makes namespaces and mounts: run it as root")
    lacking = [name for name in programs if shutil.which(name) is None]
    if lacking:
        packages = sorted({PACKAGE_OF.get(name, name) for name in lacking})
        raise HostLacks(
            f"not installed: {', '.join(lacking)}; run `make setup` or `apt-get install {' '.join(packages)}`"
        )
