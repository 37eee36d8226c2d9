"""Where a run keeps its files: small state in /run, disks and roots in /var/tmp."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

STATE = Path("/run/ovzpanel-lab")
DISKS = Path("/var/tmp/ovzpanel-lab")
RUN_VARIABLE = "OVZ_LAB_RUN"
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, kw_only=True)
class RunPaths:
    run_id: str

    @property
    def state_dir(self) -> Path:
        return STATE / self.run_id

    @property
    def disk_dir(self) -> Path:
        return DISKS / self.run_id

    @property
    def owner(self) -> Path:
        """Flocked by the supervisor for life: free means that nobody looks after this run."""
        return self.state_dir / "owner"

    @property
    def state(self) -> Path:
        return self.state_dir / "state.json"

    @property
    def control(self) -> Path:
        return self.state_dir / "control"

    @property
    def mail(self) -> Path:
        return self.state_dir / "mail"

    @property
    def keys(self) -> Path:
        return self.state_dir / "keys"

    @property
    def layer(self) -> Path:
        """What every node of this run has on top of the base root: tools, guest, settings."""
        return self.disk_dir / "layer"

    def node_disk(self, name: str) -> Path:
        return self.disk_dir / name
