"""Learn the embedded encoder's three filter banks from patches of the sample pictures, and write them as one file.

    python -m training.fit_encoder spnst_core/models/embedded/encoder.safetensors

Layer by layer: patches of the layer's input, minus their mean, PCA-whitened; spherical k-means; half of the filters
are random directions instead, which keep patterns too rare for k-means; filter = centroid · whitener; then each filter
is divided by the root mean square of its response, so that every channel weighs the same in a Gram matrix.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from spnst_core import samples
from spnst_core.imaging import io as image_io
from spnst_core.models.embedded.blur_pool import blur_pool
from spnst_core.models.embedded.encoder import FILTER_BANKS, PatchEncoder

SIZES = (128, 256)
PATCHES = 60_000
KEPT = (75, 128, 128)
"""Whitened directions kept in each layer."""
FLOOR = 0.02
"""Share of the largest variance that is added before whitening: damps directions that are mostly noise."""
ROUNDS = 12


def corpus() -> list[Tensor]:
    """The sample contents and styles at two sizes, (1, 3, H, W) each."""
    pictures = [*samples.contents().values(), *samples.styles().values()]
    tensors = []
    for picture in pictures:
        x = image_io.to_tensor(picture)
        for size in SIZES:
            tensors.append(image_io.resize(x, *image_io.fit(x.shape[2], x.shape[3], size)))
    return tensors


def fit(pictures: Sequence[Tensor], seed: int, patches: int = PATCHES) -> PatchEncoder:
    """An encoder learned from that many patches of pictures (1, 3, H, W); the same arguments give the same encoder."""
    generator = torch.Generator().manual_seed(seed)
    encoder = PatchEncoder().requires_grad_(False)
    inputs = list(pictures)
    for k, ((side, filters), kept) in enumerate(zip(FILTER_BANKS, KEPT, strict=True), start=1):
        bank = encoder.banks[k - 1]
        assert isinstance(bank, nn.Conv2d) and bank.bias is not None
        rows = _patches(inputs, side, patches // len(inputs), generator)
        weight, bias = _filters(rows, filters, kept, generator)
        bank.weight.copy_(weight.view_as(bank.weight))
        bank.bias.copy_(bias)
        outputs = [encoder.respond(x, k) for x in inputs]
        power = torch.stack([y.square().mean((0, 2, 3)) for y in outputs]).mean(0)
        scale = power.clamp_min(1e-12).rsqrt()
        bank.weight.mul_(scale.view(-1, 1, 1, 1))
        bank.bias.mul_(scale)
        inputs = [blur_pool(y * scale.view(1, -1, 1, 1)) for y in outputs]
    return encoder


def _patches(inputs: Sequence[Tensor], side: int, each: int, generator: torch.Generator) -> Tensor:
    """Random patches of every input, as rows (patches, C·side²)."""
    rows = []
    for x in inputs:
        columns = F.unfold(x, side)[0].mT
        chosen = torch.randint(len(columns), (each,), generator=generator)
        rows.append(columns[chosen])
    return torch.cat(rows)


def _filters(patches: Tensor, filters: int, kept: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Filters (filters, D) and their biases from patches (P, D)."""
    centre = patches.mean(0)
    centred = (patches - centre).double()
    variance, directions = torch.linalg.eigh(centred.mT @ centred / len(centred))
    variance, directions = variance.flip(0)[:kept], directions.flip(1)[:, :kept]
    whitener = (directions * (variance + FLOOR * variance[0]).rsqrt()).float()
    centroids = _spherical_kmeans(F.normalize((patches - centre) @ whitener), filters // 2, generator)
    others = F.normalize(torch.randn(filters - len(centroids), whitener.shape[1], generator=generator))
    weight = torch.cat([centroids, others]) @ whitener.mT
    return weight, -(weight @ centre)


def _spherical_kmeans(points: Tensor, clusters: int, generator: torch.Generator) -> Tensor:
    """Unit centroids (clusters, D) of unit points (P, D) by cosine; an empty cluster takes a random point."""
    centroids = points[torch.randperm(len(points), generator=generator)[:clusters]]
    for _ in range(ROUNDS):
        nearest = (points @ centroids.mT).argmax(1)
        sums = torch.zeros_like(centroids).index_add_(0, nearest, points)
        empty = sums.norm(dim=1) < 1e-6
        sums[empty] = points[torch.randint(len(points), (int(empty.sum()),), generator=generator)]
        centroids = F.normalize(sums)
    return centroids


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the weight file")
    parser.add_argument("--seed", type=int, default=0, help="random seed")
    arguments = parser.parse_args()
    encoder = fit(corpus(), arguments.seed)
    save_file({key: value.half().contiguous() for key, value in encoder.state_dict().items()}, arguments.out)
    print(f"{arguments.out}: {arguments.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
