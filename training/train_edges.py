"""Train EdgeNet on rendered scenes and dead leaves: ``python -m training.train_edges --out DIR --scenes POOL``.

Occlusions, and the borders between solids or faces that the picture shows, are edges; textures, shading and shadows
aren't. The loss is binary cross-entropy, a border's target a little below an occlusion's.
"""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from scipy.ndimage import distance_transform_edt
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

from spnst_core.metrics.structure import TOLERANCE, ridges, thresholds
from spnst_core.models.embedded.edges import EdgeNet, MultiScaleEdges
from training.leaves import dead_leaves
from training.loop import Run, options_of, train
from training.pool import SHAPES, Pool, example
from training.rendering import photograph
from training.scenes import sample
from training.textures import Array
from training.train_depth import HELD_OUT

SIDE = 128
"""Of the pictures in a batch, in pixels of a picture whose long side is 320."""

SHARE_OF_LEAVES = 0.4
BORDER_TARGET = 0.7


class Batches(Dataset[tuple[Tensor, Tensor]]):
    """Batch ``step``: (B, 3, SIDE, SIDE) photographs in [0, 1] and (B, 1, SIDE/2, SIDE/2) targets in [0, 1]."""

    def __init__(self, run: Run, pool: Pool) -> None:
        self.run, self.pool = run, pool

    def __len__(self) -> int:
        return self.run.steps

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng([self.run.seed, step, 2])
        pairs = [
            _from_leaves(rng) if rng.random() < SHARE_OF_LEAVES else self._from_scene(rng)
            for _ in range(self.run.batch)
        ]
        rgb, target = (torch.from_numpy(np.stack(x)) for x in zip(*pairs, strict=True))
        return rgb.permute(0, 3, 1, 2), target[:, None]

    def _from_scene(self, rng: np.random.Generator) -> tuple[Array, Array]:
        scene = self.pool[int(rng.integers(len(self.pool)))]
        height, width = scene.edges.shape
        side = int(min(SIDE / math.exp(rng.uniform(-0.1, 0.5)), height, width)) // 2 * 2
        top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
        part = slice(top, top + side), slice(left, left + side)
        target = np.where(scene.edges[part] == 255, 255, scene.edges[part] * (BORDER_TARGET * 255 / 128))
        rgb = Image.fromarray(scene.rgb[part]).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        depth = Image.fromarray(scene.inverse_depth[part]).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        photo = photograph(np.asarray(rgb), np.asarray(depth), rng)
        return _turned(rng, photo, _halved(target.astype(np.uint8)))


def _from_leaves(rng: np.random.Generator) -> tuple[Array, Array]:
    rgb, outlines = dead_leaves(rng, SIDE)
    photo = photograph(rgb, np.zeros(outlines.shape, np.float32), rng)
    return _turned(rng, photo, _halved((outlines * 255).astype(np.uint8)))


def _halved(edges: npt.NDArray[np.uint8]) -> Array:
    """Edges two pixels wide at any size, as probabilities one pixel wide at half of ``SIDE``."""
    half = Image.fromarray(edges).resize((SIDE // 2, SIDE // 2), Image.Resampling.BOX)
    return np.asarray(half, np.float32) / 255


def _turned(rng: np.random.Generator, rgb: Array, target: Array) -> tuple[Array, Array]:
    """Mirrored left to right half the time; outlines have no preferred side."""
    if rng.random() < 0.5:
        rgb, target = rgb[:, ::-1], target[:, ::-1]
    return np.ascontiguousarray(rgb), np.ascontiguousarray(target)


def edge_loss(log_odds: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Binary cross-entropy of (N, 1, H, W) maps."""
    return {"cross-entropy": F.binary_cross_entropy_with_logits(log_odds, target)}


@cache
def held_out(series: str, count: int) -> tuple[tuple[Tensor, npt.NDArray[np.bool_]], ...]:
    """Photographed scenes (1, 3, H, W) of a series of `train_depth.HELD_OUT` and their edges, one pixel wide."""
    seed, make = HELD_OUT[series]
    pairs = []
    for k in range(count):
        scene = example(sample(seed, k, *SHAPES[k % len(SHAPES)], make))
        photo = photograph(scene.rgb, scene.inverse_depth, np.random.default_rng([seed, k]))
        edges = scene.edges > 0
        inner = edges & np.roll(edges, 1, 0) & np.roll(edges, 1, 1)
        pairs.append((torch.from_numpy(photo).permute(2, 0, 1)[None], inner))
    return tuple(pairs)


def score(detector: Callable[[Tensor], Tensor], count: int = 12) -> dict[str, float]:
    """F at the best threshold of each series, with `TOLERANCE` and after non-maximum suppression.

    Any number of pixels may match the same pixel, which is faster and slightly more lenient than the one-to-one
    matching of `benchmarks.truth`.
    """
    figures = {}
    for series in HELD_OUT:
        pairs = held_out(series, count)
        with torch.no_grad():
            maps = [ridges(detector(x)[0, 0].numpy()) for x, _ in pairs]
        counts = [
            np.sum([_counts(ridge >= level, edges) for ridge, (_, edges) in zip(maps, pairs, strict=True)], axis=0)
            for level in thresholds(maps, halving=3)
        ]
        # F of precision a/b and recall c/d, written so that no denominator is 0.
        figures[f"{series} F"] = max((float(2 * a * c / max(a * d + c * b, 1)) for a, b, c, d in counts), default=0.0)
    return figures


def _counts(found: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Found pixels near a true one, found ones, true pixels near a found one, true ones."""
    reach = TOLERANCE * math.hypot(*true.shape)
    near_true, near_found = (distance_transform_edt(~mask) <= reach for mask in (true, found))
    return (
        int((found & near_true).sum()),
        int(found.sum()),
        int((true & near_found & found.any()).sum()),
        int(true.sum()),
    )


def main() -> None:
    """Train, and print the figures of the result and of the analytic edges."""
    options = options_of(main.__doc__, steps=1000).parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(options.seed)
    pool = Pool(options.scenes, 0, options.count)
    for _ in pool.fill():
        pass
    run = Run(options.out, options.seed, options.steps, batch=12, lr=options.lr)
    net = train(run, EdgeNet(), Batches(run, pool), EdgeNet.predict, edge_loss, score)
    print("network        ", score(net))
    print("five-scale edges", score(MultiScaleEdges()))


if __name__ == "__main__":
    main()
