"""A private area: files with versions, so that a copy can be stale, and a difference is a real one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from migrations_app.ports.probe import Face


@dataclass(frozen=True, kw_only=True)
class File:
    stamp: int  # stands for the modification time
    size: int
    content: int  # differs where bytes differ, also under the same stamp and size


@dataclass(kw_only=True)
class Area:
    """The identity was given when the container was made and travels with its data."""

    identity: str
    files: dict[str, File] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)  # lines of the files that somebody looks into
    # By port: what kind of service it is and what it shows; an empty page where nothing is said.
    shown: dict[int, tuple[str, Face]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files.values())

    @property
    def digest(self) -> str:
        listing = repr((self.identity, sorted(self.files.items())))
        return hashlib.sha256(listing.encode()).hexdigest()

    def write(self, path: str, *, version: int, size: int = 1024) -> None:
        self.files[path] = File(stamp=version, size=size, content=version)

    def flip_a_byte(self, path: str) -> None:
        """Damage a file as a bad disk does: neither its size nor its time tells."""
        self.files[path] = replace(self.files[path], content=-self.files[path].content)

    def copy(self) -> Area:
        return Area(identity=self.identity, files=dict(self.files), texts=_copied(self.texts), shown=dict(self.shown))

    def take_over(self, original: Area, *, by_content: bool) -> tuple[int, int]:
        """Become like the original as rsync --delete does; return bytes and files sent."""
        sent = [path for path, file in original.files.items() if _differs(self.files.get(path), file, by_content)]
        for path in sent:
            self.files[path] = original.files[path]
        for path in self.files.keys() - original.files.keys():
            del self.files[path]
        self.identity, self.texts = original.identity, _copied(original.texts)
        self.shown = dict(original.shown)
        return sum(original.files[path].size for path in sent), len(sent)

    def itemized(self, original: Area, *, by_content: bool) -> Iterator[str]:
        """Yield what rsync -n --itemize-changes would print of a run from the original to here."""
        for path in sorted(self.files.keys() - original.files.keys()):
            yield f"*deleting   {path}"
        for path, file in sorted(original.files.items()):
            mine = self.files.get(path)
            if mine is None:
                yield f">f+++++++++ {path}"
            elif _differs(mine, file, by_content):
                yield f">f{'c' if by_content else '.'}{'.' if mine.size == file.size else 's'}t...... {path}"


def _copied(texts: dict[str, list[str]]) -> dict[str, list[str]]:
    return {path: list(lines) for path, lines in texts.items()}


def _differs(mine: File | None, original: File, by_content: bool) -> bool:
    if mine is None or by_content:
        return mine is None or mine.content != original.content
    return (mine.stamp, mine.size) != (original.stamp, original.size)
