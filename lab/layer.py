"""What every node of a run carries on top of the base root, copied from this checkout.

`lab/rootfs` gives settings and process 1; `lab/vzsim` becomes /usr/lib/vzsim; `lab/guest` becomes /usr/lib/lab-guest;
the files of `lab/vzsim/doors` become programs in /usr/sbin, save those that `doors/optional` names, which wait in
/usr/share/lab-packages until somebody installs them.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from lab.paths import HERE

NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.pyc", "doors")


def install(layer: Path, checkout: Path = HERE) -> None:
    shutil.copytree(checkout / "rootfs", layer)
    for script in (layer / "etc/init.d").iterdir():
        script.chmod(0o755)
    for source, target in (("vzsim", "usr/lib/vzsim"), ("guest", "usr/lib/lab-guest")):
        if (checkout / source).is_dir():
            shutil.copytree(checkout / source, layer / target, ignore=NOT_COPIED)
    if (checkout / "vzsim/doors").is_dir():
        _hang_doors(checkout / "vzsim/doors", layer)


def _hang_doors(doors: Path, layer: Path) -> None:
    optional = _optional(doors)
    programs, packages = layer / "usr/sbin", layer / "usr/share/lab-packages"
    programs.mkdir(parents=True, exist_ok=True)
    packages.mkdir(parents=True, exist_ok=True)
    for door in sorted(path for path in doors.iterdir() if path.is_file() and path.name != "optional"):
        target = (packages if door.name in optional else programs) / door.name
        shutil.copyfile(door, target)
        target.chmod(0o755)


def _optional(doors: Path) -> frozenset[str]:
    listed = doors / "optional"
    return frozenset(listed.read_text().split()) if listed.exists() else frozenset()
