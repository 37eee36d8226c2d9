"""What the stand-in kernel knows of a container that has a network here: forgotten when the node goes down."""

from __future__ import annotations

import os

from . import paths
from .container import Container


def file(ct: Container, name: str) -> str:
    return f"{paths.state_dir(ct.ctid)}/{name}"


def remember(ct: Container, name: str, text: str) -> None:
    os.makedirs(paths.state_dir(ct.ctid), exist_ok=True)
    with open(file(ct, name), "w") as record:
        record.write(text)


def recall(ct: Container, name: str) -> str:
    try:
        with open(file(ct, name)) as record:
            return record.read()
    except FileNotFoundError:
        return ""


def forget(ct: Container, name: str = "") -> None:
    if name:
        if os.path.exists(file(ct, name)):
            os.unlink(file(ct, name))
    else:
        remove_folder(paths.state_dir(ct.ctid))


def remove_folder(top: str) -> None:
    """Remove a folder of plain files and folders: what `shutil` would do, were it not so slow to load."""
    for folder, folders, files in os.walk(top, topdown=False):
        for name in files:
            os.unlink(f"{folder}/{name}")
        for name in folders:
            os.rmdir(f"{folder}/{name}")
    if os.path.isdir(top):
        os.rmdir(top)


def addresses(ct: Container) -> list[str]:
    """The addresses the running container has, whatever its file says by now."""
    return recall(ct, "addresses").split()


def remember_addresses(ct: Container, new: list[str]) -> None:
    remember(ct, "addresses", " ".join(new))
