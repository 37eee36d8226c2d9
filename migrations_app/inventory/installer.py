"""The one line that, run as root on a node, installs the gate and lets the panel's key in, through the gate only."""

from __future__ import annotations

import base64
import gzip
import io
import shlex
import tarfile
from collections.abc import Mapping, Sequence

from migrations_app.vz.names import checked_public_key

_EXECUTABLE = frozenset({"install.sh", "ovzgate"})


def install_command(
    gate_files: Mapping[str, bytes],
    public_key: str,
    *,
    panel_networks: Sequence[str] = (),
    node_networks: Sequence[str] = (),
) -> str:
    """Return a line for any POSIX shell; running it again replaces the gate and the panel's line, and nothing else.

    It unpacks the files, of which ``install.sh`` does the work, into a folder of its own and removes that afterwards.
    The networks are where the panel's key may come from, and whom the node may exchange containers with; none: any.
    """
    checked_public_key(public_key)
    words = shlex.join([public_key, *_limits(panel_networks, node_networks)])
    archive = base64.b64encode(_packed(gate_files)).decode()
    return (
        "(set -eu; umask 077; d=$(mktemp -d); trap 'rm -rf \"$d\"' EXIT; "
        f'echo {archive} | base64 -d | tar -xzf - -C "$d"; sh "$d/install.sh" {words})'
    )


def _limits(panel_networks: Sequence[str], node_networks: Sequence[str]) -> list[str]:
    limits = [",".join(panel_networks), ",".join(node_networks)]
    return limits if any(limits) else []


def _packed(files: Mapping[str, bytes]) -> bytes:
    """Return a compressed tar archive that is the same for the same files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o755 if name in _EXECUTABLE else 0o644
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)
