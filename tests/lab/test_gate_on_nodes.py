"""The gate behind a real sshd: what the panel's key opens, and a container carried over by its words."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.handle import Lab, LabNode

pytestmark = pytest.mark.lab
GATE = Path(__file__).parents[2] / "gate"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """The panel's side: a key, pinned host keys, and ssh from the panel's network."""

    lab: Lab
    folder: Path

    @property
    def public_key(self) -> str:
        return (self.folder / "key.pub").read_text().strip()

    def ssh(
        self, node: LabNode, *words: str, stdin: bytes = b"", timeout: float = 60
    ) -> subprocess.CompletedProcess[bytes]:
        known = f"UserKnownHostsFile={self.folder}/known_hosts"
        options = [
            "-F",
            "/dev/null",
            "-i",
            f"{self.folder}/key",
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "BatchMode=yes",
            "-o",
            known,
        ]
        argv = ["ssh", *options, *words[:-1], f"root@{node.address}", words[-1]]
        return subprocess.run(
            self.lab.argv_in("panel", argv), input=stdin, capture_output=True, timeout=timeout, check=False
        )

    def do(self, node: LabNode, words: str) -> str:
        done = self.ssh(node, f"do {words}")
        assert done.returncode == 0, done
        rc, out, err = (_text(word) for word in done.stdout.decode().split())
        assert rc == "0", (words, out, err)
        return out

    def job(self, node: LabNode, key: str, words: str, *, stdin: bytes = b"") -> str:
        """Run a job to its end and return what it printed."""
        assert self.ssh(node, f"job start {key} {words}", stdin=stdin).stdout == b"started\n"
        deadline = time.monotonic() + 60
        while True:
            lines = self.ssh(node, f"job status {key} 5").stdout.decode().splitlines()
            if lines[0] != "running":
                assert lines[0] == "done 0", (words, _text(lines[1].split()[1]), _text(lines[2].split()[1]))
                return _text(lines[1].split()[1])
            assert time.monotonic() < deadline


def _text(word: str) -> str:
    if word == "-" or word.isdecimal():
        return word.removeprefix("-")
    return base64.b64decode(word).decode()


def _install(panel: Panel, node: LabNode) -> str:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(GATE, arcname="gate")
    node.put("/root/gate.tar.gz", packed.getvalue())
    script = 'cd /root && tar xzf gate.tar.gz && sh gate/install.sh "$1" && rm -rf gate gate.tar.gz'
    return node.run(["sh", "-c", script, "sh", panel.public_key]).stdout


@pytest.fixture(scope="module")
def panel(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    folder = tmp_path_factory.mktemp("panel")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ovzpanel", "-f", folder / "key"], check=True)
    (folder / "known_hosts").write_text("".join(f"{node.address} {node.host_key}\n" for node in lab.nodes))
    made = Panel(lab=lab, folder=folder)
    before = {node.name: node.run(["cat", "/root/.ssh/authorized_keys"], check=False).stdout for node in lab.nodes}
    for node in lab.nodes:
        _install(made, node)
    yield made
    for node in lab.nodes:
        node.put("/root/.ssh/authorized_keys", before[node.name], mode=0o600)


@pytest.fixture
def container(lab: Lab, fresh_ctid: Callable[[], int]) -> Iterator[int]:
    ctid = fresh_ctid()
    source = lab.nodes[0]
    source.run(["vzctl", "create", str(ctid), "--ostemplate", "lab-guest"])
    source.run(
        ["vzctl", "set", str(ctid), "--ipadd", f"192.0.2.{ctid}", "--hostname", f"ct{ctid}.example.net", "--save"]
    )
    source.run(["vzctl", "start", str(ctid)])
    _await_page(lab, ctid)
    yield ctid
    for node in lab.nodes[:2]:
        node.run(["sh", "-c", f"vzctl stop {ctid} --fast; vzctl destroy {ctid}"], check=False)


def _page(lab: Lab, ctid: int, *, seconds: float = 2) -> subprocess.CompletedProcess[str]:
    url = f"http://192.0.2.{ctid}/state"
    argv = lab.argv_in("client", ["curl", "-sS", "-m", str(seconds), url])
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def _await_page(lab: Lab, ctid: int) -> str:
    deadline = time.monotonic() + 15
    while True:
        seen = _page(lab, ctid)
        if seen.returncode == 0:
            return str(json.loads(seen.stdout)["identity"])
        assert time.monotonic() < deadline, seen


def test_installing_again_changes_nothing(lab: Lab, panel: Panel) -> None:
    node = lab.nodes[0]
    before = node.run(["cat", "/root/.ssh/authorized_keys"]).stdout
    assert "SHA256:" in _install(panel, node)
    assert node.run(["cat", "/root/.ssh/authorized_keys"]).stdout == before
    assert panel.ssh(node, "hello").stdout == f"ovzgate 1 {node.name}\n".encode()


@pytest.mark.parametrize(
    "command", ["id", "sh -c id", "start ; id", "$(id)", "../../bin/sh", "cat /etc/shadow", "scp -t /tmp"]
)
def test_the_key_opens_nothing_but_the_gate(lab: Lab, panel: Panel, command: str) -> None:
    done = panel.ssh(lab.nodes[0], command)
    assert (done.returncode, done.stdout) == (64, b"")


def test_the_key_opens_no_terminal_subsystem_or_tunnel(lab: Lab, panel: Panel) -> None:
    node = lab.nodes[0]
    assert panel.ssh(node, "-tt", "ask clock").stdout.count(b"\r") == 0
    assert panel.ssh(node, "-s", "sftp").returncode == 64
    assert b"administratively prohibited" in panel.ssh(node, "-W", "127.0.0.1:22", "hello", timeout=10).stderr
    refused = panel.ssh(node, "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:9", "hello", timeout=10)
    assert refused.returncode == 255


def test_a_started_job_lets_go_of_the_channel(lab: Lab, panel: Panel, container: int) -> None:
    node, silent = lab.nodes[0], "192.0.2.14"  # among those it may talk to, whatever other tests have told it
    drop = ["OUTPUT", "-d", silent, "-j", "DROP"]
    node.run(["iptables", "-w", "-I", *drop])
    began = time.monotonic()
    try:
        # The job stays in its connection attempt for ten seconds.
        done = panel.ssh(node, f"job start m901-measure-a1 {container} 1 measure {silent} 901", timeout=8)
        assert done.stdout == b"started\n"
        assert time.monotonic() - began < 5
        assert panel.ssh(node, f"job cancel m901-measure-a1 {container} 1").stdout == b"cancelled\n"
    finally:
        node.run(["iptables", "-w", "-D", *drop])


def test_a_frozen_address_keeps_callers_waiting(lab: Lab, panel: Panel, container: int) -> None:
    node, address = lab.nodes[0], f"192.0.2.{container}"
    panel.do(node, f"{container} 1 freeze {address}")
    timed_out = 28
    assert _page(lab, container, seconds=1.5).returncode == timed_out
    inside = f"import urllib.request as u; u.urlopen('http://{address}/state', timeout=3).read()"
    node.run(["python3", "-c", inside])  # the node itself may
    panel.do(node, f"{container} 1 unfreeze {address}")
    assert _page(lab, container).returncode == 0
    assert "ovz-freeze -d" not in node.run(["iptables", "-S"]).stdout


def test_a_caller_in_the_freeze_is_served_after_it(lab: Lab, panel: Panel, container: int) -> None:
    node, address = lab.nodes[0], f"192.0.2.{container}"
    panel.do(node, f"{container} 1 freeze {address}")
    argv = lab.argv_in("client", ["curl", "-sS", "-m", "10", f"http://{address}/state"])
    caller = subprocess.Popen(argv, stdout=subprocess.PIPE)
    time.sleep(0.3)
    panel.do(node, f"{container} 1 unfreeze {address}")
    assert b"identity" in caller.communicate(timeout=15)[0]


def test_a_container_is_carried_over(lab: Lab, panel: Panel, container: int) -> None:
    source, target, ctid, move = lab.nodes[0], lab.nodes[1], container, 900 + container
    identity, address = _await_page(lab, ctid), f"192.0.2.{ctid}"
    panel.do(target, f"{ctid} 1 reserve {move}")
    public = panel.do(source, f"{ctid} 1 trust_make {move}").split()
    panel.do(target, f"{ctid} 1 trust_accept {move} {source.address} {public[0]} {public[1]}")
    panel.do(source, f"{ctid} 1 trust_pin {move} {target.address} {target.host_key}")
    config = source.run(["cat", f"/etc/vz/conf/{ctid}.conf"]).stdout
    panel.job(target, f"m{move}-define-a1", f"{ctid} 1 define {move}", stdin=config.encode())
    panel.job(source, f"m{move}-first-a1", f"{ctid} 1 sync {target.address} {move} first 0")
    for node in (target, source):
        panel.do(node, f"{ctid} 1 freeze {address}")
    panel.job(source, f"m{move}-stop-a1", f"{ctid} 1 stop 60")
    panel.job(source, f"m{move}-final-a1", f"{ctid} 1 sync {target.address} {move} final 0")
    proof = panel.job(source, f"m{move}-verify-a1", f"{ctid} 1 sync {target.address} {move} verify 0")
    assert not [line for line in proof.splitlines() if line.startswith((">", "<", "c", ".", "*"))], proof
    panel.do(target, f"{ctid} 1 address {address}")
    panel.job(target, f"m{move}-start-a1", f"{ctid} 1 start")
    for node in (target, source):
        panel.do(node, f"{ctid} 1 unfreeze {address}")
    panel.do(source, f"{ctid} 1 fence {move} {int(time.time()) + 3600}")
    panel.do(target, f"{ctid} 1 accept_incoming {move}")
    for node in (source, target):
        panel.do(node, f"{ctid} 1 trust_drop {move}")
    assert _await_page(lab, ctid) == identity
    assert f"ovzpanel-m{move}" not in target.run(["cat", "/root/.ssh/authorized_keys"]).stdout
    assert str(move) not in source.run(["sh", "-c", "ps -eo args | grep '[s]sh.*mux' || true"]).stdout
    source.run(["sh", "-c", f"rm -rf /vz/private/{ctid} /etc/vz/conf/{ctid}.* /var/lib/ovzgate/retained/{ctid}*"])
