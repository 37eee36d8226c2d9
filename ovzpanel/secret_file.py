"""Files that nobody but the panel may read: a secret that it makes for itself, and its embedded database."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile


def read_or_make_secret(path: Path) -> str:
    """Return the secret in the file; make it, readable by its owner only, when it is not there.

    Two processes may race at the first start: the file is made whole under another name and linked, so the loser
    reads what the winner wrote.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=path.parent, prefix=f"{path.name}.") as draft:  # made 0600
            draft.write(secrets.token_urlsafe(64))
            draft.flush()
            with suppress(FileExistsError):  # the other process was faster, which is fine
                os.link(draft.name, path)
    return path.read_text()


def make_private(path: Path) -> None:
    """Make the file for its owner only, if it is not there; SQLite gives those beside it the same mode."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
