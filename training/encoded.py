"""Features of rendered scenes on disk, so that a trained head doesn't cost a pass over its frozen trunk at every step.

File k holds `ROWS` views of scenes as a camera might have taken them, all of one shape: the responses of `LAYERS` and
the inverse depth, both in half precision. It depends on the seeds of the scenes and of the views and on k alone, so
encoding can be interrupted and resumed.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from spnst_core.models.depth_head import LAYERS, STRIDE
from spnst_core.models.trunk import Trunk
from training.pool import Pool
from training.train_depth import view

SHAPES = ((112, 160), (160, 112), (128, 160), (128, 128), (112, 144), (64, 208), (112, 160), (80, 192))
"""Height and width of the views in files no. 0, 1, 2, …, over and over; multiples of the coarsest layer's stride."""

ROWS = 8
INVERSE_DEPTH = "inverse_depth"


class Encoded:
    """The first ``count`` files of views of a pool's scenes, ``ROWS`` scenes each, in a folder."""

    def __init__(self, folder: Path, seed: int, count: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.seed, self.count = folder, seed, count

    def fill(self, pool: Pool, trunk: Trunk) -> Iterator[int]:
        """Write the missing files, scenes in their order, over and over; yields the number of each file."""
        for k in range(self.count):
            path = self._path(k)
            if not path.exists():
                part = path.with_suffix(f".{os.getpid()}.part")
                save_file(encode(pool, trunk, self.seed, k), part)
                part.replace(path)
                yield k

    def read(self, k: int, row: int, patience: float = 600) -> dict[str, Tensor]:
        """A view's responses (1, C, h, w) by layer, and its inverse depth (1, h, w) under `INVERSE_DEPTH`; float32.

        Raises:
            TimeoutError: the file wasn't there, and nobody has written it for ``patience`` seconds.
        """
        path = self._path(k)
        deadline = time.monotonic() + patience
        while not path.exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{path} isn't there: encode the views, or go on encoding them")
            time.sleep(0.2)
        with safe_open(path, "pt") as file:
            return {name: file.get_slice(name)[row : row + 1].float() for name in file.keys()}  # noqa: SIM118

    def _path(self, k: int) -> Path:
        return self.folder / f"{k:05}.safetensors"


@torch.no_grad()
def encode(pool: Pool, trunk: Trunk, seed: int, k: int) -> dict[str, Tensor]:
    """The content of file ``k``: responses (ROWS, C, h, w) and inverse depth (ROWS, h, w) in float16."""
    rng = np.random.default_rng([seed, k, 3])
    height, width = SHAPES[k % len(SHAPES)]
    scenes = [pool[(ROWS * k + row) % pool.count] for row in range(ROWS)]
    photos, depths = zip(*(view(scene, height, width, rng, STRIDE) for scene in scenes), strict=True)
    x = torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2)
    found = trunk.responses(trunk.scale(x), LAYERS) | {INVERSE_DEPTH: torch.from_numpy(np.stack(depths))}
    return {name: value.half().contiguous() for name, value in found.items()}
