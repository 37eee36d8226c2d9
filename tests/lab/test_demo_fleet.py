from __future__ import annotations

import time
import urllib.error
import urllib.request

import pytest

from lab import demo_fleet
from lab.handle import Lab

pytestmark = pytest.mark.lab


def test_every_container_of_the_demo_runs_where_it_should_and_answers() -> None:
    with Lab.start(nodes=3, vz_size_mib=1024) as lab:
        made = demo_fleet.populate(lab)
        assert len(made) == 8
        for container in made:
            status = lab.node(container.node).run(["vzctl", "status", str(container.ctid)]).stdout
            assert status == f"CTID {container.ctid} exist mounted running\n"
        with lab.inside("client"):
            pages = [page_of(container.address) for container in made]
    assert pages == [f"<h1>{container.hostname}</h1>\n" for container in made]


def test_a_container_of_the_demo_starts_again_with_its_node() -> None:
    container = demo_fleet.FLEET[-1]
    with Lab.start(nodes=3, vz_size_mib=512) as lab:
        node = lab.node(container.node)
        demo_fleet.create(node, container)
        node.run(["vzctl", "start", str(container.ctid)])
        node.run(["sync"])
        node.kill()
        node.boot()
        with lab.inside("client"):
            assert container.hostname in page_of(container.address)


def page_of(address: str) -> str:
    """Ask until the service is up: like the real one, `vzctl start` does not wait for it."""
    deadline = time.monotonic() + 5
    while True:
        try:
            with urllib.request.urlopen(f"http://{address}/", timeout=5) as page:
                return str(page.read().decode())
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
