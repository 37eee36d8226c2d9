"""The contracts, kept by the real shell and the real gate on lab nodes: what the pretend ones do is no invention."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from lab.handle import Lab, LabNode
from migrations_app.adapters import ssh_key
from migrations_app.adapters.probe import TcpProbe
from migrations_app.adapters.ssh import SshShell
from migrations_app.ports.probe import Look, ProbeResult, Service
from migrations_app.ports.shell import Endpoint, Reply
from tests.contracts.move_contract import LiveContract, MoveContract
from tests.contracts.probe_contract import ProbeContract
from tests.contracts.shell_contract import ShellContract
from tests.contracts.stage import Guest, Stage
from tests.lab.vz import LabContainer

pytestmark = pytest.mark.lab
GATE = Path(__file__).parents[2] / "gate"
FIRST_MIGRATION = 5_000


class ShellInPanel:
    """The real shell, calling from the panel's network."""

    def __init__(self, lab: Lab, shell: SshShell) -> None:
        self.lab = lab
        self.shell = shell

    def call(
        self, endpoint: Endpoint, words: Sequence[str], *, stdin: bytes = b"", timeout_seconds: float = 15
    ) -> Reply:
        with self.lab.inside("panel"):
            return self.shell.call(endpoint, words, stdin=stdin, timeout_seconds=timeout_seconds)

    def offered_host_key(self, address: str, port: int) -> str:
        with self.lab.inside("panel"):
            return self.shell.offered_host_key(address, port)


class LabStage(Stage):
    def __init__(self, lab: Lab, shell: ShellInPanel, fresh_ctid: Callable[[], int]) -> None:
        super().__init__(FIRST_MIGRATION)
        self.lab = lab
        self.shell = shell
        self.source, self.target = endpoint(lab.nodes[0]), endpoint(lab.nodes[1])
        self.fresh_ctid = fresh_ctid
        self.guests: list[LabContainer] = []

    def guest(self) -> Guest:
        made = LabContainer(lab=self.lab, node=self.lab.nodes[0], ctid=self.fresh_ctid())
        self.guests.append(made)
        made.create()
        made.start()
        made.page()
        return Guest(ctid=str(made.ctid), address=made.address)

    def migration(self) -> int:
        type(self).newest = getattr(type(self), "newest", FIRST_MIGRATION) + 1
        return int(type(self).newest)


def endpoint(node: LabNode) -> Endpoint:
    return Endpoint(name=node.name, address=node.address, host_key=node.host_key)


@pytest.fixture(scope="module")
def shell(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShellInPanel]:
    """Install the gate with a key of its own on both nodes; the keys that were there come back afterwards."""
    key = ssh_key.read_or_make_key(tmp_path_factory.mktemp("panel") / "node_key")
    before = {node.name: node.run(["cat", "/root/.ssh/authorized_keys"], check=False).stdout for node in lab.nodes}
    for node in lab.nodes[:2]:
        install_gate(node, ssh_key.public_line(key))
        node.run(["sh", "-c", "command -v vzdump || yum -y install vzdump"])
    real = SshShell(key)
    yield ShellInPanel(lab, real)
    real.close()
    for node in lab.nodes[:2]:
        node.put("/root/.ssh/authorized_keys", before[node.name], mode=0o600)


def install_gate(node: LabNode, public_key: str) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(GATE, arcname="gate")
    node.put("/root/gate.tar.gz", packed.getvalue())
    script = 'cd /root && tar xzf gate.tar.gz && sh gate/install.sh "$1" && rm -rf gate gate.tar.gz'
    node.run(["sh", "-c", script, "sh", public_key])


@pytest.fixture
def stage(lab: Lab, shell: ShellInPanel, fresh_ctid: Callable[[], int]) -> Iterator[LabStage]:
    stage = LabStage(lab, shell, fresh_ctid)
    yield stage
    for guest in stage.guests:
        guest.remove_everywhere()


class TestRealShell(ShellContract):
    pass


class ProbeInPanel:
    """The real probe, looking from the panel's network."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def connect(self, address: str, port: int, *, timeout_seconds: float) -> ProbeResult:
        with self.lab.inside("panel"):
            return TcpProbe().connect(address, port, timeout_seconds=timeout_seconds)

    def look(self, services: Sequence[Service], *, timeout_seconds: float) -> tuple[Look, ...]:
        with self.lab.inside("panel"):
            return TcpProbe().look(services, timeout_seconds=timeout_seconds)


class TestRealProbe(ProbeContract):
    @pytest.fixture
    def probe(self, lab: Lab) -> ProbeInPanel:
        return ProbeInPanel(lab)


class TestRealMoves(MoveContract):
    pass


class TestRealLiveMoves(LiveContract):
    @pytest.fixture(autouse=True)
    def needs_checkpointing(self, lab: Lab) -> None:
        if not lab.checkpointing:
            pytest.skip("this host cannot checkpoint processes")
