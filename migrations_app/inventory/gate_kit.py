"""What a node is given to become one of the panel's: the gate's files, and the panel's public key."""

from __future__ import annotations

from pathlib import Path

from migrations_app.vz.names import BadValue, checked_public_key

GATE_FOLDER = Path(__file__).resolve().parents[2] / "gate"
KEY_COMMENT = "ovzpanel"


class NoPanelKey(Exception):
    """The panel has no key of its own yet, or its public half cannot be read."""


def gate_files(folder: Path = GATE_FOLDER) -> dict[str, bytes]:
    """Return the files by their path below the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def public_key(ssh_key_file: Path) -> str:
    """Return the line that a node's authorized_keys shall hold.

    :raises NoPanelKey: with the way to make one.
    """
    public_file = ssh_key_file.with_name(f"{ssh_key_file.name}.pub")
    try:
        kind, body = checked_public_key(public_file.read_text())
    except (OSError, UnicodeDecodeError, BadValue) as error:
        raise NoPanelKey(
            f"{public_file} is not there or holds no public key. The worker makes the key when it first starts: "
            "run manage.py work."
        ) from error
    return f"{kind} {body} {KEY_COMMENT}"
