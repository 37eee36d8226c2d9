"""A pretend OpenVZ node: what it holds, and what would be seen on it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.fakes.area import Area
from tests.fakes.container import FakeContainer
from tests.fakes.gate import FakeGate
from tests.fakes.jobs import FakeJobs
from tests.fakes.work import Aside, Fault, Fence, WorkArea, public_key

if TYPE_CHECKING:
    from tests.fakes.forwards import Forward
    from tests.fakes.world import FakeWorld

TOOLS = {
    "vzctl": "4.11.1",
    "rsync": "3.4.1",
    "ssh": "10.0p1",
    "tar": "1.35",
    "gzip": "1.13",
} | dict.fromkeys(
    ("vzmigrate", "vzlist", "vzdump", "vzrestore", "vzcptcheck", "arpsend", "arping", "iptables"), "present"
)


class FakeNode:
    def __init__(self, world: FakeWorld, *, name: str, address: str, port: int = 22) -> None:
        self.world = world
        self.name = name
        self.address = address
        self.port = port
        self.host_key = public_key(f"{name} host key")
        self.is_up = True
        self.is_silent = False
        self.accepts_panel = True
        self.containers: dict[str, FakeContainer] = {}
        self.clients_know: set[str] = set()
        self.dropped: dict[str, str] = {}  # address -> the container it is frozen for
        self.work: dict[str, WorkArea] = {}
        self.authorized: dict[str, tuple[str, str]] = {}  # migration -> (from address, public key)
        self.fences: dict[str, Fence] = {}  # of copies in their own place
        self.asides: dict[tuple[str, str], Aside] = {}  # by CTID and the migration that keeps the copy
        self.tokens: dict[str, int] = {}
        self.faults: dict[str, Fault] = {}
        self.damages: dict[str, str] = {}  # op -> path in the area that arrives
        self.announced: list[str] = []
        self.forwards: dict[str, Forward] = {}  # by old address
        self.tunnel_kinds: tuple[str, ...] = ("gre", "vxlan")
        # Tools that a person runs by hand, by the container they work on.
        self.strangers: dict[str, tuple[str, ...]] = {}
        self.open_connections: dict[str, int] = {}
        # What a scan sees.
        self.tools = dict(TOOLS)
        self.vzmigrate_options = ("live", "check-only", "ssh-mux", "keep-dst", "nodeps")
        self.kernel = "2.6.32-042stab145.3"
        self.machine = "x86_64"
        self.service_runs = True
        self.can_checkpoint = True
        self.ntp_client = "chronyd"
        self.clock_offset_seconds = 0.0
        self.booted_at = world.clock() - timedelta(days=1)
        self.cpu_count = 4
        self.memory_total_kib = 16_777_216
        self.memory_free_kib = 12_582_912
        self.disk_total_kib = 104_857_600
        self.disk_free_kib = 83_886_080
        self.inodes_total = 6_553_600
        self.inodes_free = 6_000_000
        self.private_is_mountpoint = True
        self.bridges: tuple[str, ...] = ()
        self.cpt_caps = 511
        self.mac = "02:00:00:00:00:" + address.rpartition(".")[2].zfill(2)[-2:]
        self.link_bytes_per_second = 100_000_000
        self.gate = FakeGate(self)
        self.jobs = FakeJobs(self)

    # Making

    def make_container(
        self, ctid: str = "101", *, address: str = "192.0.2.101", running: bool = True, **config: str
    ) -> FakeContainer:
        """Put a container with some data here; running, with its address, unless told otherwise."""
        area = Area(identity=f"id-{ctid}-{self.world.next_version()}")
        for path, size in {"etc/hostname": 12, "data/journal/0": 4096, "data/blob": 50_000_000}.items():
            area.write(path, version=self.world.next_version(), size=size)
        values = {
            "VE_ROOT": "/vz/root/$VEID",
            "VE_PRIVATE": "/vz/private/$VEID",
            "VE_LAYOUT": "simfs",
            "HOSTNAME": f"ct{ctid}.example.net",
            "IP_ADDRESS": address,
            "ONBOOT": "yes",
            "OSTEMPLATE": "lab-guest",
            "PHYSPAGES": "0:131072",
            "DISKSPACE": "2097152:2306867",
        }
        container = FakeContainer(ctid=ctid, area=area, configs={"": values | config})
        self.containers[ctid] = container
        if running:
            container.state = "running"
        self.clients_know.update(container.addresses)
        return container

    def container(self, ctid: str) -> FakeContainer:
        """Return what this node holds under the number; the empty shape when it holds nothing."""
        return self.containers.setdefault(ctid, FakeContainer(ctid=ctid))

    def private_of(self, ctid: str) -> str:
        return f"/vz/private/{ctid}"

    def work_of(self, migration: str, ctid: str) -> WorkArea:
        return self.work.setdefault(migration, WorkArea(ctid=ctid))

    # Faults

    def fail(
        self,
        op: str,
        exit_code: int,
        error: str = "",
        *,
        times: int = 1,
        takes_effect: bool = False,
        source_too: bool = False,
    ) -> None:
        """Let an op fail the next so many times."""
        self.faults[op] = Fault(
            exit_code=exit_code, error=error, times=times, takes_effect=takes_effect, source_too=source_too
        )

    def damage_after(self, op: str, path: str) -> None:
        """Flip a byte of a file that arrives here with the next job of this op."""
        self.damages[op] = path

    def hang(self, op: str, *, times: int = 1) -> None:
        """Let a job of this op never end by itself."""
        self.faults[op] = Fault(exit_code=0, times=times, hangs=True)

    def crash(self) -> None:
        """Lose power: nothing runs, packet filters are empty, locks name dead processes; files stay."""
        self.is_up = False
        self.dropped.clear()
        self.flush()
        self.jobs.crash()
        for container in self.containers.values():
            container.lock_alive = False
            if container.has_processes:
                container.state = "down"

    def flush(self) -> None:
        """Lose all rules about addresses passed on, as in a firewall's reload; the gate's records stay."""
        for record in self.forwards.values():
            record.in_force, record.new_connections = False, 0

    def boot(self) -> None:
        """Come up, and start what is to start at boot."""
        self.is_up = True
        self.booted_at = self.world.clock()
        for container in self.containers.values():
            config = container.config or {}
            if container.exists and config.get("ONBOOT") == "yes" and config.get("DISABLED") != "yes":
                container.state = "running"

    def due_fault(self, op: str) -> Fault | None:
        fault = self.faults.get(op)
        if fault is None:
            return None
        fault.times -= 1
        if fault.times <= 0:
            del self.faults[op]
        return fault

    # Looking

    @property
    def uptime_seconds(self) -> float:
        return (self.world.clock() - self.booted_at).total_seconds()

    def serving(self, address: str) -> list[FakeContainer]:
        """Return the containers here that hold this address now; frozen processes hold theirs."""
        holders = (container for container in self.containers.values() if container.has_processes)
        return [container for container in holders if address in container.addresses and self.is_up]

    def hears(self, address: str) -> bool:
        """Return whether packets for the address come to this node's wire."""
        return ":" in address or address.rpartition(".")[0] == self.address.rpartition(".")[0]

    def ssh_fault(self, address: str, migration: str) -> str:
        """Return why this node cannot log in to the address with the migration's key; empty when it can."""
        work = self.work.get(migration, WorkArea(ctid=""))
        other = self.world.node_at(address)
        if other is None or not self.world.can_reach(self.name, other.name):
            return f"ssh: connect to host {address} port 22: Connection timed out"
        if work.pins.get(address) != other.host_key:
            return "Host key verification failed."
        if not work.public_key or other.authorized.get(migration) != (self.address, work.public_key):
            return f"root@{address}: Permission denied (publickey)."
        return ""
