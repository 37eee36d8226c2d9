"""A container that exists only as files and a vzctl that remembers: what vzdump and vzrestore are tested against."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from lab.handle import LabNode

VZCTL = """\
#!/bin/sh
# {home}/state says running or down; {home}/refuse names a verb that fails.
echo "$*" >>{home}/calls
[ "$1" = --skiplock ] && shift
verb=$1
[ "$verb" = chkpnt ] && verb=${{3#--}}
ls {home}/dumps >{home}/dumps-at-$verb
grep -qx "$verb" {home}/refuse 2>/dev/null && echo "Error: refused" >&2 && exit 16
case "$verb" in
status) echo "CTID $2 exist mounted $(cat {home}/state)" ;;
stop) echo down >{home}/state ;;
start) echo running >{home}/state ;;
esac
"""
PREPARE = """
mkdir -p {home}/dumps {private}/etc {private}/tmp {private}/var/log {private}/data
echo running >{home}/state
echo shop >{private}/etc/hostname
echo old >{private}/var/log/messages
echo scratch >{private}/tmp/scratch
head -c 300000 /dev/urandom >{private}/data/noise
ln {private}/data/noise {private}/data/same-noise
ln -s noise {private}/data/to-noise
mknod {private}/data/pipe p
chown 1234:4321 {private}/data/noise
chmod 640 {private}/data/noise
"""
WITH_OUR_VZCTL = 'mount --bind "$1" /usr/sbin/vzctl && shift && exec "$@"'


@dataclass(frozen=True, kw_only=True)
class FileContainer:
    node: LabNode
    ctid: int

    @property
    def home(self) -> str:
        return f"/vz/backup-test-{self.ctid}"

    @property
    def dumps(self) -> str:
        return f"{self.home}/dumps"

    @property
    def private(self) -> str:
        return f"/vz/private/{self.ctid}"

    @property
    def conf(self) -> str:
        return f"/etc/vz/conf/{self.ctid}.conf"

    def prepare(self) -> None:
        self.node.run(["yum", "-y", "install", "vzdump"])
        self.node.put(f"{self.home}/vzctl", VZCTL.format(home=self.home), mode=0o755)
        self.node.run(["sh", "-ec", PREPARE.format(home=self.home, private=self.private)])
        self.node.put(
            self.conf,
            f'VE_ROOT="/vz/root/$VEID"\nVE_PRIVATE="{self.private}"\nHOSTNAME="shop"\nIP_ADDRESS="192.0.2.77"\nONBOOT="yes"\n',
        )

    def remove(self) -> None:
        self.node.run(
            ["sh", "-c", f"rm -rf {self.home} {self.private} /vz/root/{self.ctid} /etc/vz/conf/{self.ctid}.*"]
        )

    def argv(self, *words: str) -> list[str]:
        """Return the command that runs a tool on the node and lets it see our vzctl; nobody else does."""
        return ["unshare", "-m", "sh", "-c", WITH_OUR_VZCTL, "sh", f"{self.home}/vzctl", *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.node.run(self.argv(*words), check=False)

    def vzdump(self, *options: str) -> list[str]:
        """Dump into our own directory and return the lines said; the exit code is 0 whatever happened."""
        done = self.run("vzdump", "--dumpdir", self.dumps, "--bwlimit", "0", *options, str(self.ctid))
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def calls(self) -> list[str]:
        return [line.replace(f" {self.ctid}", " CTID") for line in self.text(f"{self.home}/calls").splitlines()]

    def text(self, path: str) -> str:
        return self.node.run(["cat", path]).stdout

    def list(self, directory: str) -> list[str]:
        return self.node.run(["ls", "-A", directory]).stdout.split()

    def archive(self) -> str:
        (name,) = [name for name in self.list(self.dumps) if name.endswith((".tar", ".tgz"))]
        return f"{self.dumps}/{name}"

    def members(self) -> list[str]:
        return self.node.run(["tar", "tf", self.archive()]).stdout.splitlines()
