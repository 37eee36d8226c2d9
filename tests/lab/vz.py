"""A container on a lab node, made and handled by the node's own tools."""

from __future__ import annotations

import itertools
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

from lab.handle import Lab, LabNode

_numbers = itertools.count(1000)


@dataclass(frozen=True, kw_only=True)
class LabContainer:
    lab: Lab
    node: LabNode
    ctid: int

    @classmethod
    def on(cls, lab: Lab, node: str) -> LabContainer:
        """Choose a number no other test uses; addresses come round again after a hundred."""
        return cls(lab=lab, node=lab.node(node), ctid=next(_numbers))

    @property
    def address(self) -> str:
        return f"192.0.2.{101 + self.ctid % 100}"

    @property
    def private(self) -> str:
        return f"/vz/private/{self.ctid}"

    @property
    def conf(self) -> str:
        return f"/etc/vz/conf/{self.ctid}.conf"

    @property
    def lock(self) -> str:
        return f"/vz/lock/{self.ctid}.lck"

    def create(self) -> None:
        words = ["--ostemplate", "lab-guest", "--ipadd", self.address, "--hostname", f"ct{self.ctid}.example.net"]
        self.node.run(["vzctl", "create", str(self.ctid), *words])

    def start(self) -> None:
        self.node.run(["vzctl", "start", str(self.ctid)])

    def vzctl(self, verb: str, *words: str, node: LabNode | None = None) -> subprocess.CompletedProcess[str]:
        return (node or self.node).run(["vzctl", verb, str(self.ctid), *words], check=False)

    def status(self, node: LabNode | None = None) -> str:
        """Return the words of `vzctl status` after the number."""
        return self.vzctl("status", node=node).stdout.split(" ", 2)[2].strip()

    def there(self, path: str, node: LabNode | None = None) -> bool:
        return (node or self.node).run(["test", "-e", path], check=False).returncode == 0

    def read(self, path: str, node: LabNode | None = None) -> str:
        return (node or self.node).run(["cat", path]).stdout

    def page(self, path: str = "/state", *, timeout_seconds: float = 3) -> str:
        """Ask the guest; `vzctl start` returns before it listens, so a refusal is met with patience."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                return self._ask(path, timeout_seconds)
            except urllib.error.URLError as error:
                if not isinstance(error.reason, ConnectionRefusedError) or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def _ask(self, path: str, timeout_seconds: float) -> str:
        url = f"http://{self.address}{path}"
        with self.lab.inside("client"), urllib.request.urlopen(url, timeout=timeout_seconds) as answer:
            return str(answer.read().decode())

    def remove_everywhere(self) -> None:
        script = """
        rm -f /run/vzsim/faults.json /vz/lock/$1.lck
        vzctl chkpnt $1 --kill || vzctl stop $1 --fast; vzctl umount $1; vzctl destroy $1
        rm -rf /vz/private/$1 /vz/root/$1 /etc/vz/conf/$1.* /vz/dump/*.$1 /vz/vztmp
        """
        for node in self.lab.nodes:
            node.run(["sh", "-c", script, "sh", str(self.ctid)], check=False)


def trust_each_other(lab: Lab) -> None:
    """Let root of every node into every other, as an operator would have set it up."""
    make = (
        "test -f /root/.ssh/id_ed25519 || ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519; cat /root/.ssh/*.pub"
    )
    keys = "".join(node.run(["sh", "-c", make]).stdout for node in lab.nodes)
    known = "".join(f"{node.address} {node.host_key}\n" for node in lab.nodes)
    for node in lab.nodes:
        node.put("/root/.ssh/known_hosts", known)
        node.put("/root/.ssh/authorized_keys", keys, mode=0o600)
