"""The nodes' root: Debian trixie with criu 4.2, built once per recipe and shared read-only by every node."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import host_needs, sources

CACHE = Path("/var/cache/ovzpanel-lab")
SUITE = "trixie"
PACKAGES = [
    "ca-certificates",
    "conntrack",
    "criu",
    "gzip",
    "iproute2",
    "iptables",
    "iputils-arping",
    "iputils-ping",
    "nftables",
    "openssh-client",
    "openssh-server",
    "procps",
    "python3",
    "rsync",
    "tar",
    "util-linux",
    "xz-utils",
]
# Trixie's criu 4.1 cannot dump TCP sockets on kernels from 6.16 on; sid's 4.2 installs there and leaves libc alone.
NEWER_CRIU = r"""
set -e
export DEBIAN_FRONTEND=noninteractive
echo "deb $MIRROR sid main" >/etc/apt/sources.list.d/sid.list
printf 'Package: *\nPin: release a=unstable\nPin-Priority: 90\n' >/etc/apt/preferences.d/sid
apt-get -o Acquire::Check-Valid-Until=false update -qq
apt-get install -y -qq --no-install-recommends -t sid criu
"""
SLIM = r"""
set -e
apt-get clean
rm -rf /var/lib/apt/lists/* /usr/share/doc/* /usr/share/man/* /usr/share/locale/* /etc/ssh/ssh_host_*
rm -f /etc/resolv.conf /etc/hostname /etc/machine-id
"""


class BaseNotBuilt(RuntimeError):
    """The nodes' root could not be built; the end of the builder's own words is in the message."""


def digest() -> str:
    """Name the recipe: a change of anything that ends up in the root makes another cache entry."""
    recipe = json.dumps([SUITE, sorted(PACKAGES), NEWER_CRIU, SLIM])
    return hashlib.sha256(recipe.encode()).hexdigest()[:16]


def ensure(cache: Path = CACHE) -> Path:
    """Return the root for this recipe; only the first caller on a machine waits for the build."""
    root = cache / f"base-{digest()}"
    if root.is_dir():
        return root
    cache.mkdir(parents=True, exist_ok=True)
    with _alone(cache):
        if not root.is_dir():
            _drop_half_built(cache)
            _build(root)
    return root


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _drop_half_built(cache: Path) -> None:
    for half in cache.glob(".building-*"):
        shutil.rmtree(half)


def _build(root: Path) -> None:
    host_needs.require("debootstrap", "unshare", "chroot")
    half = Path(tempfile.mkdtemp(prefix=".building-", dir=root.parent))
    mirror = sources.debian_mirror()
    _say(_isolated(_debootstrap(half, mirror)))
    _lend_resolver(half)
    try:
        _say(_isolated(["chroot", str(half), "sh", "-c", NEWER_CRIU]), MIRROR=mirror)
    except BaseNotBuilt as error:
        # Trixie's own criu is there; whether it will do is found out by the probe at the first start.
        print(f"lab: keeping trixie's criu: {error}")
    _say(_isolated(["chroot", str(half), "sh", "-c", SLIM]))
    half.chmod(0o755)
    half.rename(root)


def _debootstrap(target: Path, mirror: str) -> list[str]:
    script = Path("/usr/share/debootstrap/scripts") / SUITE
    fallback = [] if script.exists() else [str(script.with_name("sid"))]
    return [
        "debootstrap",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        SUITE,
        str(target),
        mirror,
        *fallback,
    ]


def _isolated(argv: list[str]) -> list[str]:
    # debootstrap mounts /proc into its target: in namespaces of its own even kill -9 leaves no mount behind.
    return ["setpriv", "--pdeathsig", "KILL", "unshare", "-mp", "--fork", "--kill-child", "--mount-proc", "--", *argv]


def _say(argv: list[str], **extra: str) -> None:
    environment = {**os.environ, **sources.proxy_environment(), **extra}
    done = subprocess.run(argv, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise BaseNotBuilt(f"{argv[8:11]} ended with {done.returncode}:\n{tail}")


def _lend_resolver(root: Path) -> None:
    for name in ("resolv.conf", "hosts"):
        shutil.copyfile(Path("/etc") / name, root / "etc" / name)
    proxies = sources.proxy_environment()
    lines = [f'Acquire::{name.removesuffix("_proxy")}::Proxy "{value}";' for name, value in proxies.items()]
    (root / "etc/apt/apt.conf.d/90lab").write_text("\n".join(lines) + "\n")
