"""The panel's own SSH key: made once, kept in a file that only the panel may read."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from paramiko import Ed25519Key, SSHException

COMMENT = "ovzpanel"


class PanelKeyUnreadable(Exception):
    """The panel's key file cannot be used; see docs/runbook/panel-key-unreadable.md."""

    def __init__(self, path: Path, reason: object) -> None:
        super().__init__(
            f"{path}: {reason}. Put the panel's Ed25519 key back, readable by the panel's user only, or remove the "
            "file: a new key is made then, and every node must be given its public part again."
        )


def read_or_make_key(path: Path) -> Ed25519Key:
    """Return the panel's key; make it when there is none.

    Two may race at the first start: the file is written whole under another name and linked, so the
    loser reads what the winner wrote.

    :raises PanelKeyUnreadable:
    """
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & 0o077:
            raise PanelKeyUnreadable(path, "others may read it (chmod 600)")
        key = Ed25519Key.from_private_key_file(str(path))
        _publish(key, path.with_name(f"{path.name}.pub"))
        return key
    except (OSError, SSHException, ValueError) as error:
        raise PanelKeyUnreadable(path, error) from error


def public_line(key: Ed25519Key) -> str:
    """Return the public part as a line of an authorized_keys file."""
    return f"{key.get_name()} {key.get_base64()} {COMMENT}"


def _publish(key: Ed25519Key, path: Path) -> None:
    """Keep the public part beside the secret one: the pages show it, and must not need the secret for that."""
    line = f"{public_line(key)}\n"
    if not path.exists() or path.read_text() != line:
        with NamedTemporaryFile("w", dir=path.parent, prefix=f"{path.name}.", delete=False) as draft:
            draft.write(line)
        os.chmod(draft.name, 0o644)
        os.replace(draft.name, path)


def _make(path: Path) -> None:
    secret = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.") as draft:  # made 0600
        draft.write(secret)
        draft.flush()
        with suppress(FileExistsError):  # the other one was faster, which is fine
            os.link(draft.name, path)
