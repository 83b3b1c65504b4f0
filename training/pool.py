"""Rendered scenes on disk, which all trainings share: ``python -m training.pool FOLDER --scenes N``.

Scene k depends on the seed and on k alone, so rendering can be interrupted and resumed, with any number of processes.
"""

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.rendering import Picture
from training.scenes import sample
from training.textures import Array

SHAPES = ((168, 224), (168, 224), (168, 224), (224, 168), (112, 336))
"""Height and width of scenes no. 0, 1, 2, …, over and over; all of the same area."""

AREA = SHAPES[0][0] * SHAPES[0][1]
OCCLUSION, BORDER = 255, 128


@dataclass(frozen=True)
class Example:
    """``rgb`` (H, W, 3) bytes; ``inverse_depth`` (H, W) in 1/m; ``edges`` (H, W) bytes, OCCLUSION, BORDER or 0."""

    rgb: npt.NDArray[np.uint8]
    inverse_depth: Array
    edges: npt.NDArray[np.uint8]


class Pool:
    """The first ``count`` scenes of a series, in memory-mapped files of a folder."""

    def __init__(self, folder: Path, seed: int, count: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.seed, self.count = seed, count
        self._rgb = _memmap(folder / "rgb.u8", np.uint8, (count, AREA, 3))
        self._inverse_depth = _memmap(folder / "inverse_depth.f16", np.float16, (count, AREA))
        self._edges = _memmap(folder / "edges.u8", np.uint8, (count, AREA))
        self._done = _memmap(folder / "done.i64", np.int64, (1,))

    def fill(self, processes: int = 1) -> Iterator[int]:
        """Render the missing scenes; yields the number of scenes rendered so far."""
        first = int(self._done[0])
        if first == self.count:
            return
        with ProcessPoolExecutor(processes, get_context("spawn")) as renderers:
            for k, example in enumerate(
                renderers.map(partial(_render, self.seed), range(first, self.count), chunksize=8), first
            ):
                self._rgb[k] = example.rgb.reshape(AREA, 3)
                self._inverse_depth[k] = example.inverse_depth.reshape(AREA)
                self._edges[k] = example.edges.reshape(AREA)
                self._done[0] = k + 1
                yield k + 1

    def __len__(self) -> int:
        return int(self._done[0])

    def __getitem__(self, k: int) -> Example:
        shape = SHAPES[k % len(SHAPES)]
        inverse_depth = self._inverse_depth[k].reshape(shape).astype(np.float32)
        return Example(self._rgb[k].reshape(*shape, 3), inverse_depth, self._edges[k].reshape(shape))


def example(picture: Picture) -> Example:
    """A rendered picture as stored in the pool."""
    edges = np.where(picture.edges, OCCLUSION, np.where(picture.borders, BORDER, 0)).astype(np.uint8)
    return Example(np.round(picture.rgb * 255).astype(np.uint8), picture.inverse_depth, edges)


def _render(seed: int, k: int) -> Example:
    return example(sample(seed, k, *SHAPES[k % len(SHAPES)]))


def _memmap(path: Path, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    return np.memmap(path, dtype, "r+" if path.exists() else "w+", shape=shape)


def main() -> None:
    """Render a pool of scenes, or resume rendering it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path, help="folder of the scenes")
    parser.add_argument("--scenes", type=int, default=10_000, help="number of scenes, 250 kB each")
    parser.add_argument("--seed", type=int, default=0, help="seed of the scenes")
    parser.add_argument("--processes", type=int, default=1, help="number of processes that render")
    options = parser.parse_args()
    for count in Pool(options.folder, options.seed, options.scenes).fill(options.processes):
        if count % 500 == 0:
            print(f"{count} of {options.scenes} scenes", flush=True)


if __name__ == "__main__":
    main()
