"""Train DepthHead on features of rendered scenes: ``python -m training.train_depth_head --out DIR --scenes POOL``.

The trunk is frozen, so its responses are computed once for each view (`training.encoded`), in a process of its own that
keeps ahead of the training. A step's views are cropped and their responses varied, which costs little beside rendering
and encoding more views. Targets and loss are those of `training.train_depth`.
"""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from spnst_core.models.depth_head import LAYERS, DepthHead, VGG16Depth, compressed
from spnst_core.models.networks import create
from spnst_core.models.trunk import Trunk
from training.encoded import INVERSE_DEPTH, ROWS, SHAPES, Encoded
from training.loop import Run, options_of, train
from training.pool import Pool
from training.train_depth import compressed as target
from training.train_depth import depth_loss, score, vertical_position

GROWTH = 0.6
"""The share of the steps over which the files that batches are drawn from grow to all."""

SMALLEST_CROP = 0.6
"""Of each side of a view."""


class Batches(Dataset[tuple[dict[str, Tensor], Tensor]]):
    """Batch ``step``: compressed responses (B, C, h, w) by layer and targets (B, 1, h, w), of views of one shape.

    ``first`` is the share of the files that the first steps draw from; the others may be written meanwhile.
    """

    def __init__(self, run: Run, views: Encoded, first: float = 0.35) -> None:
        self.run, self.views, self.first = run, views, first

    def __len__(self) -> int:
        return self.run.steps

    def __getitem__(self, step: int) -> tuple[dict[str, Tensor], Tensor]:
        rng = np.random.default_rng([self.run.seed, step, 4])
        share = min(1.0, self.first + (1 - self.first) * step / (GROWTH * self.run.steps))
        written = min(self.views.count, max(len(SHAPES), int(share * self.views.count)))
        files = range(int(rng.integers(min(written, len(SHAPES)))), written, len(SHAPES))
        rows = [self.views.read(int(rng.choice(files)), int(rng.integers(ROWS))) for _ in range(self.run.batch)]
        batch = cropped({name: torch.cat([row[name] for row in rows]) for name in rows[0]}, rng)
        targets = np.stack([target(depth) for depth in batch.pop(INVERSE_DEPTH).numpy()])
        return compressed(varied(batch, rng)), torch.from_numpy(targets)[:, None]


def cropped(batch: dict[str, Tensor], rng: np.random.Generator) -> dict[str, Tensor]:
    """The same random part of every map of a batch, mirrored half of the time, cut on the grid of the coarsest layer.

    Mirrored responses aren't those of a mirrored picture, but near enough for the head to learn from.
    """
    height, width = batch[list(LAYERS)[-1]].shape[2:]
    h, w = (int(rng.integers(int(np.ceil(SMALLEST_CROP * side)), side + 1)) for side in (height, width))
    top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    is_mirrored = rng.random() < 0.5
    parts = {}
    for name, x in batch.items():
        n = x.shape[-1] // width
        part = x[..., n * top : n * (top + h), n * left : n * (left + w)]
        parts[name] = part.flip(-1) if is_mirrored else part.contiguous()
    return parts


def varied(features: dict[str, Tensor], rng: np.random.Generator) -> dict[str, Tensor]:
    """Responses as another look of the same scenes might have given them: each channel of each view has a random gain.

    It leads part of the way to the channel's mean in another view (cf. Zhou et al., "MixStyle", arXiv:2104.02008), with
    some noise; and a few channels are silent.
    """
    found = {}
    for name, x in features.items():
        n, c = x.shape[:2]
        mean = x.mean((2, 3), keepdim=True) + 0.02 * x.mean((1, 2, 3), keepdim=True)
        share = torch.from_numpy(rng.uniform(0, 0.6, (n, 1, 1, 1)).astype(np.float32))
        noise = torch.from_numpy(rng.normal(0, 0.2, (n, c, 1, 1)).astype(np.float32))
        heard = torch.from_numpy((rng.random((n, c, 1, 1)) > 0.05).astype(np.float32))
        found[name] = x * heard * (share * (mean.roll(1, 0) / mean).log().clamp(-1.5, 1.5) + noise).exp()
    return found


def on(trunk: Trunk, head: DepthHead) -> VGG16Depth:
    """The whole network, in evaluation mode."""
    network = VGG16Depth(trunk)
    network.head = head
    return network.eval()


def encode(scenes: Path, count: int, views: Encoded) -> None:
    """Encode the views that are missing, of the first ``count`` scenes in a folder."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    for _ in views.fill(Pool(scenes, 0, count), shipped_trunk()):
        pass


def shipped_trunk() -> Trunk:
    """The trunk of `hed_vgg16`, from the cache of weight files."""
    trunk = create("encoder", "vgg16").get_submodule("trunk")
    assert isinstance(trunk, Trunk)
    return trunk


def main() -> None:
    """Render and encode what is missing, train, and print the figures of the result and of the plain guess."""
    parser = options_of(main.__doc__, steps=8000)
    parser.add_argument("--views", type=Path, required=True, help="folder of encoded views; missing ones are encoded")
    parser.add_argument("--files", type=int, default=500, help=f"number of files of {ROWS} views, 7 MB each")
    parser.add_argument("--first", type=float, default=0.35, help="share of the files that the first steps draw from")
    parser.add_argument("--start", type=Path, help="checkpoint of another run to start from")
    parser.add_argument("--batch", type=int, default=12, help="views in a batch")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(options.seed)
    for _ in Pool(options.scenes, 0, options.count).fill():
        pass
    trunk, views = shipped_trunk(), Encoded(options.views, 0, options.files)
    run = Run(options.out, options.seed, options.steps, options.batch, options.lr)
    with ProcessPoolExecutor(1, get_context("spawn")) as encoder:
        encoding = encoder.submit(encode, options.scenes, options.count, views)
        batches = Batches(run, views, options.first)

        def held_out(head: DepthHead) -> dict[str, float]:
            return score(on(trunk, head))

        head = train(run, DepthHead(), batches, DepthHead.predict, depth_loss, held_out, options.start)
        encoding.result()
    print("network          ", score(on(trunk, head)))
    print("vertical position", score(vertical_position))


if __name__ == "__main__":
    main()
