"""The containers a newcomer finds in the demo: a small hosting company's customers on three nodes."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lab import dataset
from lab.dataset import Dataset
from lab.handle import Lab, LabNode


@dataclass(frozen=True, kw_only=True)
class DemoContainer:
    ctid: int
    node: str
    hostname: str
    data_mib: int
    files: int
    writer_bytes_per_second: int = 0

    @property
    def address(self) -> str:
        return f"192.0.2.{self.ctid}"


# The third node is nearly empty: there is somewhere to go.
FLEET = (
    DemoContainer(ctid=101, node="node-1", hostname="shop.bakery.example.com", data_mib=24, files=900),
    DemoContainer(ctid=102, node="node-1", hostname="mail.bakery.example.com", data_mib=40, files=2200),
    DemoContainer(
        ctid=103,
        node="node-1",
        hostname="wiki.chess-club.example.org",
        data_mib=8,
        files=300,
        writer_bytes_per_second=2048,
    ),
    DemoContainer(ctid=104, node="node-1", hostname="build.harbour-it.example.net", data_mib=60, files=3000),
    DemoContainer(ctid=105, node="node-2", hostname="www.harbour-it.example.net", data_mib=5, files=120),
    DemoContainer(
        ctid=106,
        node="node-2",
        hostname="db.harbour-it.example.net",
        data_mib=48,
        files=64,
        writer_bytes_per_second=16384,
    ),
    DemoContainer(ctid=107, node="node-2", hostname="cloud.miller-family.example.org", data_mib=32, files=700),
    DemoContainer(ctid=108, node="node-3", hostname="monitor.harbour-it.example.net", data_mib=3, files=40),
)


def populate(lab: Lab) -> tuple[DemoContainer, ...]:
    """Create, fill and start every container of the fleet; return what was made."""
    by_node = {node.name: [container for container in FLEET if container.node == node.name] for node in lab.nodes}
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: _populate_node(lab.node(name), by_node[name]), by_node))
    return tuple(container for containers in by_node.values() for container in containers)


def _populate_node(node: LabNode, containers: list[DemoContainer]) -> None:
    for container in containers:
        create(node, container)
        fill(node, container)
        node.run(["vzctl", "start", str(container.ctid)])


def create(node: LabNode, container: DemoContainer) -> None:
    ctid = str(container.ctid)
    node.run(["vzctl", "create", ctid, "--ostemplate", "lab-guest", "--hostname", container.hostname])
    node.run(["vzctl", "set", ctid, "--ipadd", container.address, "--onboot", "yes", "--save"])


def fill(node: LabNode, container: DemoContainer, *, seed: int | None = None) -> None:
    """Give the container its data: its own, or with a seed the same as others with that seed."""
    private = node.root / f"vz/private/{container.ctid}"
    size = Dataset(total_bytes=container.data_mib << 20, files=container.files, seed=seed or container.ctid)
    dataset.make(private / "data/files", size)
    settings = {"writer_bytes_per_second": container.writer_bytes_per_second}
    (private / "etc/guest.json").write_text(json.dumps(settings))
