"""A node: namespaces over its own root and its own /vz, started and awaited by the supervisor."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

from lab import anchor, cgroups, network
from lab.paths import HERE, RunPaths

BOOT_SCRIPT = HERE / "rootfs/usr/lib/lab/boot.sh"
BOOT_WITHIN_SECONDS = 30.0
# Join the control group first: what the node starts later is born inside it.
JOIN_AND_RUN = 'echo 0 >"$1/cgroup.procs" && shift && exec "$@"'


class NodeDidNotBoot(RuntimeError):
    """A node's process 1 did not report ready; the end of the supervisor's log says why."""


@dataclass(frozen=True, kw_only=True)
class NodeSpec:
    name: str
    address: IPv4Address
    vz_size_mib: int
    checkpointing: bool
    routed: bool = False  # a router leads to another segment


@dataclass(kw_only=True)
class Booting:
    """A node on its way up; the read end of its report is open until it is ready."""

    spec: NodeSpec
    holder: subprocess.Popen[bytes]
    report: int
    heard: bytes = field(default=b"")

    def wait_until(self, word: bytes, *, seconds: float = BOOT_WITHIN_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while word not in self.heard:
            readable, _, _ = select.select([self.report], [], [], max(0.0, deadline - time.monotonic()))
            piece = os.read(self.report, 64) if readable else b""
            if not piece:
                raise NodeDidNotBoot(f"{self.spec.name} got as far as {self.heard.decode().split()!r}")
            self.heard += piece

    def finish(self) -> int:
        """Return the process id, as the host sees it, of the node's process 1."""
        self.wait_until(b"ready")
        os.close(self.report)
        children = Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text().split()
        return int(children[0])


def prepare_disk(paths: RunPaths, spec: NodeSpec, peers: dict[str, IPv4Address]) -> None:
    """Lay out what belongs to this node alone: its /vz, its name, its host key."""
    disk = paths.node_disk(spec.name)
    etc = disk / "upper/etc"
    (etc / "ssh").mkdir(parents=True)
    _make_vz(disk / "vz.img", spec.vz_size_mib)
    (etc / "hostname").write_text(f"{spec.name}\n")
    hosts = "".join(f"{address}\t{name}\n" for name, address in peers.items())
    (etc / "hosts").write_text(f"127.0.0.1\tlocalhost\n::1\tlocalhost\n{hosts}")
    if spec.checkpointing:
        (etc / "lab-checkpointing").touch()
    for suffix, mode in (("", 0o600), (".pub", 0o644)):
        target = etc / f"ssh/ssh_host_ed25519_key{suffix}"
        shutil.copyfile(host_key_file(paths, spec.name).with_suffix(suffix), target)
        target.chmod(mode)
    ssh = disk / "upper/root/.ssh"
    ssh.mkdir(parents=True)
    for private in (ssh, ssh.parent):
        private.chmod(0o700)


def _make_vz(image: Path, size_mib: int) -> None:
    with image.open("wb") as disk:
        disk.truncate(size_mib << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,nodiscard", str(image)], check=True)


def wait_until_disk_is_free(paths: RunPaths, name: str) -> None:
    """The kernel lets go of a dead node's /vz a moment after its last process."""
    image = str(paths.node_disk(name) / "vz.img")
    deadline = time.monotonic() + BOOT_WITHIN_SECONDS
    while subprocess.run(["losetup", "-j", image], capture_output=True, check=True).stdout:
        if time.monotonic() > deadline:
            raise NodeDidNotBoot(f"{name}: the kernel does not let go of {image}")
        time.sleep(0.02)


def host_key_file(paths: RunPaths, name: str) -> Path:
    return paths.keys / name


def make_host_key(paths: RunPaths, name: str) -> str:
    """Return the public half as `ssh-ed25519 AAAA...`."""
    key = host_key_file(paths, name)
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    kind, blob, *_ = key.with_suffix(".pub").read_text().split()
    return f"{kind} {blob}"


def start(paths: RunPaths, spec: NodeSpec, *, base: Path, switch: int) -> Booting:
    """Start a node on its disk and plug it in; it goes on booting while the caller does something else."""
    group = cgroups.make(paths.run_id, spec.name)
    disk = paths.node_disk(spec.name)
    read_end, write_end = os.pipe()
    namespaces = ["unshare", "-mpnuiC", "--fork", "--kill-child", "--propagation", "private", "--"]
    words = [spec.name, f"{paths.layer}:{base}", str(disk)]
    holder = anchor.spawn(
        ["sh", "-c", JOIN_AND_RUN, "sh", str(group), *namespaces, "sh", str(BOOT_SCRIPT), *words],
        run_id=paths.run_id,
        stdout=write_end,
    )
    os.close(write_end)
    booting = Booting(spec=spec, holder=holder, report=read_end)
    booting.wait_until(b"born")
    segment = network.segment_of(spec.address)
    network.plug_in(switch, spec.name, holder.pid, spec.address, segment)
    if spec.routed:
        network.lead_over(holder.pid, segment)
    return booting
