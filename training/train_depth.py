"""Train DepthNet on rendered scenes: ``python -m training.train_depth --out DIR --scenes POOL``.

The target is inverse depth, clipped at its 98th percentile, averaged with its own rank in the picture (both
standardised): a monotone compression, since rendered inverse depth has a heavy tail that photographs' measured depth
lacks and since the order is what must be right. Prediction and target are standardised before they are compared, which
makes the loss blind to scale and shift (cf. Ranftl et al., arXiv:1907.01341).
"""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from spnst_core.metrics.structure import aligned_error, rank_correlation
from spnst_core.models.embedded.depth import DepthNet
from training.loop import Run, options_of, train
from training.pool import SHAPES, Example, Pool, example
from training.rendering import Scene, photograph
from training.scenes import build, sample
from training.textures import Array
from training.workshop import workshop

SIZES = ((0.6, 96), (0.9, 128), (1.0, 160))
"""Up to each share of the steps, the long side of the pictures in a batch: small ones first, since they cost little."""

ASPECTS = ((3, 4), (3, 4), (3, 4), (4, 3), (1, 1), (2, 3), (1, 2), (1, 3))
PARTS = {1: 1.0, 2: 0.4, 4: 0.4, 8: 0.2}
"""Weight of the loss in each grid of 1×1, 2×2, … parts."""


# ------------------------------------------------------------------------------------------------------------ the data


class Batches(Dataset[tuple[Tensor, Tensor]]):
    """Batch ``step``: (B, 3, H, W) photographs in [0, 1] and (B, 1, ⌈H/2⌉, ⌈W/2⌉) targets, of one random shape."""

    def __init__(self, run: Run, pool: Pool) -> None:
        self.run, self.pool = run, pool

    def __len__(self) -> int:
        return self.run.steps

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng([self.run.seed, step, 1])
        long = next(size for share, size in SIZES if step < share * self.run.steps)
        aspect = ASPECTS[rng.integers(len(ASPECTS))]
        height, width = (round(long * side / max(aspect)) for side in aspect)
        views = [view(self.pool[int(k)], height, width, rng) for k in rng.integers(0, len(self.pool), self.run.batch)]
        pairs = [(photo, compressed(inverse_depth)) for photo, inverse_depth in views]
        rgb, target = (torch.from_numpy(np.stack(x)) for x in zip(*pairs, strict=True))
        return rgb.permute(0, 3, 1, 2), target[:, None]


def view(scene: Example, height: int, width: int, rng: np.random.Generator, stride: int = 2) -> tuple[Array, Array]:
    """A random crop of a scene as a camera might have taken it, often mirrored, and its inverse depth.

    Shapes: (H, W, 3) in [0, 1] and (⌈H/stride⌉, ⌈W/stride⌉).
    """
    full_height, full_width = scene.inverse_depth.shape
    zoom, stretch = rng.uniform(0.6, 1.0), math.exp(rng.uniform(-0.12, 0.12))
    fit = min(full_width / (width * stretch), full_height / height) * zoom
    w, h = width * stretch * fit, height * fit
    left, top = rng.uniform(0, full_width - w), rng.uniform(0, full_height - h)
    box = (left, top, min(left + w, full_width), min(top + h, full_height))
    rgb = np.asarray(Image.fromarray(scene.rgb).resize((width, height), Image.Resampling.BILINEAR, box))
    coarse = (-(-width // stride), -(-height // stride))
    inverse_depth = np.asarray(Image.fromarray(scene.inverse_depth).resize(coarse, Image.Resampling.BILINEAR, box))
    if rng.random() < 0.5:
        rgb, inverse_depth = rgb[:, ::-1], inverse_depth[:, ::-1]
    enlarged = np.kron(inverse_depth, np.ones((stride, stride)))[:height, :width]
    return photograph(np.ascontiguousarray(rgb), enlarged, rng), inverse_depth


def compressed(inverse_depth: Array) -> Array:
    """Inverse depth clipped at its 98th percentile and averaged with its rank, both standardised."""
    flat = inverse_depth.ravel()
    order = np.sort(flat)
    rank = np.searchsorted(order, flat) + np.searchsorted(order, flat, "right")
    parts = [np.minimum(flat, order[int(0.98 * len(order))]), rank.astype(np.float32)]
    mixed = sum((x - x.mean()) / max(float(x.std()), 1e-6) for x in parts) / 2
    return np.asarray(mixed, np.float32).reshape(inverse_depth.shape)


# ------------------------------------------------------------------------------------------------------------ the loss


def depth_loss(prediction: Tensor, target: Tensor) -> dict[str, Tensor]:
    """The mean absolute difference of two (N, 1, H, W) maps, standardised in the whole and in each part of a grid.

    In the whole, the slope from the top of a picture to its bottom dominates; in its parts, the depth order of objects
    counts (cf. Zhang et al., "Hierarchical Normalization", arXiv:2210.09670).
    """
    terms = {}
    for parts, weight in PARTS.items():
        blocks = [_blocks(x, parts) for x in (prediction, target)]
        terms[f"{parts}x{parts}"] = weight * (_standardised(blocks[0]) - _standardised(blocks[1])).abs().mean()
    return terms


def _blocks(x: Tensor, parts: int) -> Tensor:
    """Maps (N, 1, H, W) cut into a grid of ``parts`` × ``parts``, (N·parts², h·w), without the remainder."""
    h, w = x.shape[2] // parts, x.shape[3] // parts
    grid = x[:, 0, : h * parts, : w * parts].unflatten(1, (parts, h)).unflatten(3, (parts, w))
    return grid.transpose(2, 3).reshape(-1, h * w)


def _standardised(x: Tensor) -> Tensor:
    """Rows of mean 0 and deviation 1; those that hardly vary stay small."""
    centred = x - x.mean(1, keepdim=True)
    return centred / (centred.square().mean(1, keepdim=True) + 1e-3).sqrt()


# --------------------------------------------------------------------------------------------------------- how good

HELD_OUT: dict[str, tuple[int, Callable[[np.random.Generator], Scene]]] = {
    "held_out": (7_777_777, build),
    "shifted": (8_888_888, workshop),
}
"""Series of scenes that no training sees: of the same kinds, and of a kind, props and textures of their own."""


@cache
def held_out(series: str, count: int) -> tuple[tuple[Array, Array], ...]:
    """Photographed scenes (H, W, 3) of a series of `HELD_OUT` with their inverse depth (H, W)."""
    seed, make = HELD_OUT[series]
    scenes = [example(sample(seed, k, *SHAPES[k % len(SHAPES)], make)) for k in range(count)]
    rngs = [np.random.default_rng([seed, k]) for k in range(count)]
    photos = [photograph(s.rgb, s.inverse_depth, rng) for s, rng in zip(scenes, rngs, strict=True)]
    return tuple((photo, s.inverse_depth) for photo, s in zip(photos, scenes, strict=True))


def score(estimate: Callable[[Tensor], Tensor], count: int = 40) -> dict[str, float]:
    """Mean rank correlation and aligned error of inverse depths estimated for ``count`` held-out scenes of a series."""
    figures = {}
    for series in HELD_OUT:
        pairs = []
        for photo, truth in held_out(series, count):
            x = torch.from_numpy(photo).permute(2, 0, 1)[None]
            with torch.no_grad():
                answer = estimate(x)[0, 0].numpy()
            pairs.append((rank_correlation(answer, truth), aligned_error(answer, truth)))
        figures[f"{series} correlation"], figures[f"{series} error"] = np.mean(pairs, axis=0).tolist()
    return figures


def vertical_position(x: Tensor) -> Tensor:
    """The trivial baseline: lower in the picture is nearer, (N, C, H, W) → (N, 1, H, W)."""
    return torch.arange(float(x.shape[2])).view(1, 1, -1, 1).expand(len(x), 1, *x.shape[2:])


def main() -> None:
    """Render the scenes that are missing, train, and print the figures of the result and of the plain guess."""
    options = options_of(main.__doc__, steps=4800).parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(options.seed)
    pool = Pool(options.scenes, 0, options.count)
    for _ in pool.fill():
        pass
    run = Run(options.out, options.seed, options.steps, batch=12, lr=options.lr)
    net = train(run, DepthNet(), Batches(run, pool), DepthNet.predict, depth_loss, score)
    print("network          ", score(net))
    print("vertical position", score(vertical_position))


if __name__ == "__main__":
    main()
