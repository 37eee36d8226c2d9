"""Make data to move: so many files of mixed sizes, half of them compressible, the same for the same seed.

`python -m lab.dataset /proc/PID/root/vz/private/101/data/set --mib 1024 --files 20000`
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

POOL_BYTES = 16 << 20
FOLDER_FILES = 200
SMALLEST_BYTES = 64
LARGEST_MEANS = 64  # no file is larger than so many times the mean


@dataclass(frozen=True, kw_only=True)
class Dataset:
    total_bytes: int
    files: int
    seed: int = 1

    def __post_init__(self) -> None:
        if self.files < 1 or self.total_bytes < self.files * SMALLEST_BYTES:
            raise ValueError(f"{self.files} files of at least {SMALLEST_BYTES} bytes do not make {self.total_bytes}")


@dataclass(frozen=True, kw_only=True)
class Pools:
    """Bytes to cut files from, so that a gigabyte costs no more than its writing."""

    noise: bytes
    words: bytes

    def cut(self, chance: random.Random, size_bytes: int) -> Iterator[bytes]:
        pool = self.noise if chance.random() < 0.5 else self.words
        while size_bytes > 0:
            start = chance.randrange(len(pool) // 2)
            piece = pool[start : start + min(size_bytes, len(pool) // 2)]
            size_bytes -= len(piece)
            yield piece


def make(directory: Path, dataset: Dataset) -> None:
    """Write the data set into a directory that is made for it."""
    chance = random.Random(dataset.seed)
    pools = make_pools(chance)
    for number, size_bytes in enumerate(draw_sizes(chance, dataset)):
        path = file_path(directory, number)
        if number % FOLDER_FILES == 0:
            path.parent.mkdir(parents=True)
        with path.open("wb") as file:
            file.writelines(pools.cut(chance, size_bytes))


def change(directory: Path, dataset: Dataset, *, share: float, seed: int) -> int:
    """Rewrite the beginning of a share of the files, as a working day does; return how many."""
    chance = random.Random(seed)
    chosen = chance.sample(range(dataset.files), int(dataset.files * share))
    for number in chosen:
        with file_path(directory, number).open("r+b") as file:
            file.write(chance.randbytes(SMALLEST_BYTES))
    return len(chosen)


def make_pools(chance: random.Random) -> Pools:
    vocabulary = [chance.randbytes(chance.randrange(1, 5)).hex().encode() for _ in range(2000)]
    words = b" ".join(chance.choices(vocabulary, k=POOL_BYTES // 7))
    return Pools(noise=chance.randbytes(POOL_BYTES), words=words)


def draw_sizes(chance: random.Random, dataset: Dataset) -> list[int]:
    """Draw sizes as file systems have them, many small and few large, and hit the total exactly."""
    drawn = [min(chance.lognormvariate(0, 1.5), LARGEST_MEANS) for _ in range(dataset.files)]
    spare = dataset.total_bytes - dataset.files * SMALLEST_BYTES
    scale = spare / sum(drawn)
    sizes = [SMALLEST_BYTES + int(size * scale) for size in drawn]
    sizes[-1] += dataset.total_bytes - sum(sizes)
    return sizes


def file_path(directory: Path, number: int) -> Path:
    return directory / f"{number // FOLDER_FILES:04}" / f"{number:07}"


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m lab.dataset", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--files", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(argv)
    make(arguments.directory, Dataset(total_bytes=arguments.mib << 20, files=arguments.files, seed=arguments.seed))


if __name__ == "__main__":
    main()
