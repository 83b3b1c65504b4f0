"""A sheet of generated scenes to look at: ``python -m training.contact_sheet FILE.jpg``.

Each kind of scene has a row, which ends with the training targets of its last scene: inverse depth, lighter for nearer,
with occlusions bright and borders dim. The last row is the workshop, which is never trained on.
"""

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from training.pool import Example, example
from training.scenes import KINDS, sample
from training.train_depth import compressed
from training.workshop import workshop

SHAPE = (126, 168)


def contact_sheet(seed: int, columns: int = 6) -> npt.NDArray[np.uint8]:
    """Rows of ``columns - 1`` scenes of a kind and the targets of the last one, as (H, W, 3) bytes."""
    rows = []
    for make in (*(make for _, make in KINDS), workshop):
        scenes = [example(sample(seed, k, *SHAPE, make)) for k in range(columns - 1)]
        rows.append(np.concatenate([*(scene.rgb for scene in scenes), _answer(scenes[-1])], axis=1))
    return np.concatenate(rows)


def _answer(scene: Example) -> npt.NDArray[np.uint8]:
    near = np.clip(110 + 50 * compressed(scene.inverse_depth), 0, 255).astype(np.uint8)
    shown = np.maximum(near, scene.edges)
    return np.stack([near, shown, shown], axis=2)


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("file", type=Path, help="the sheet")
    parser.add_argument("--seed", type=int, default=5, help="seed of the scenes")
    options = parser.parse_args()
    Image.fromarray(contact_sheet(options.seed)).save(options.file, quality=72, optimize=True)


if __name__ == "__main__":
    main()
