"""Moments of features: Gram matrices, channel means and covariances, bit-identical on any number of threads."""

from typing import Any

import torch
from torch import Tensor

from spnst_core.compute.sums import PIECE, total, wide

POSITIONS = 512
"""Rows per CPU matmul, few enough that BLAS stays single-threaded and results don't depend on the thread count."""


EMPTY = 1e-6
"""Sum of a guide below which nothing counts: dividing by less, gradients would overflow."""


def gram(features: Tensor) -> Tensor:
    """Gram matrix F·Fᵀ/(H·W), (N, C, C): mean products of feature channels (Gatys et al., eq. 3, normalised)."""
    return moments(features)[0]


def mean(features: Tensor) -> Tensor:
    """Spatial mean of each channel, (N, C)."""
    return moments(features)[1]


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Gram matrix (N, C, C) and mean (N, C), in one forward pass and one backward pass over the features."""
    product, summed = sums(features)
    positions = features[0, 0].numel()
    return product / positions, summed / positions


def sums(features: Tensor) -> tuple[Tensor, Tensor]:
    """F·Fᵀ (N, C, C) and the sum of F (N, C) over all positions, in float32 or wider."""
    product, summed = _Sums.apply(features)
    return product, summed


def guided_sums(features: Tensor, guide: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """`sums` of several regions, in which each position counts by a guide (Gatys et al., CVPR 2017, section 4).

    Args:
        features: F, (N, C, h, w).
        guide: what each position counts in each of R regions, at least 0, (1, R, h, w).

    Returns:
        F·Fᵀ (N·R, C, C) and the sum of F (N·R, C), all regions of a picture in a row, and the sum of the guide (R,).
    """
    product, summed = _Sums.apply(features, guide)
    return product, summed, total(wide(guide[0]))


def guided_moments(features: Tensor, guide: Tensor) -> tuple[Tensor, Tensor]:
    """`moments` of several regions, each of its own responses, (N·R, C, C) and (N·R, C); see `guided_sums`."""
    return normalised(*guided_sums(features, guide))


def normalised(product: Tensor, summed: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
    """Moments from what `guided_sums` gives; those of a region that no position counts in are 0."""
    positions = count.clamp_min(EMPTY).repeat(len(summed) // len(count))
    return product / positions[:, None, None], summed / positions[:, None]


class _Sums(torch.autograd.Function):
    """Both sums, with one matrix product for their gradient; autograd would take two, and read the features four times.

    The gradient has the dtype and the memory layout of F. With a guide, no weighted copy of the features is kept.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, guide: Tensor | None = None) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(features, guide)
        positions = features.permute(0, 2, 3, 1).flatten(1, 2)
        regions = [None] if guide is None else guide[0].flatten(1).unbind()
        with torch.autocast(features.device.type, enabled=False):
            if features.device.type == "cpu":
                found = [_sums_of_one(picture, region) for picture in positions for region in regions]
                product, summed = zip(*found, strict=True)
                return torch.stack(product), torch.stack(summed)
            f = wide(positions)
            weighted = [f if region is None else f * region[:, None] for region in regions]
            products, totals = [each.mT @ f for each in weighted], [each.sum(1) for each in weighted]
            return torch.stack(products, 1).flatten(0, 1), torch.stack(totals, 1).flatten(0, 1)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None]:
        features, guide = ctx.saved_tensors
        product, summed = (grad.to(features.dtype) for grad in (grads[0] + grads[0].mT, grads[1]))
        if guide is None:
            return _pulled(features, product, summed), None
        regions, found = guide.shape[1], torch.zeros_like(features)
        for region in range(regions):
            pulled = _pulled(features, product[region::regions], summed[region::regions])
            found.addcmul_(pulled, guide[:, region : region + 1].to(features.dtype))
        return found, None


def _pulled(features: Tensor, product: Tensor, summed: Tensor) -> Tensor:
    """The gradient of the sums, unweighted, from those of F·Fᵀ, made symmetric, and of the sum of F."""
    if features.stride(1) == 1:  # channels last
        last = features.permute(0, 2, 3, 1)
        f = last.flatten(1, 2)
        return torch.baddbmm(summed[:, None].expand_as(f), f, product).view(last.shape).permute(0, 3, 1, 2)
    f = features.flatten(2)
    return torch.baddbmm(summed[:, :, None].expand_as(f), product, f).view(features.shape)


def _sums_of_one(positions: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """FᵀF (C, C) and ΣF (C,) of positions (P, C) on a CPU, bit-identical on any number of threads.

    Args:
        weights: what each position counts, (P,); by default all count 1.
    """
    channels = positions.shape[1]
    product, summed = wide(positions.new_zeros(channels, channels)), wide(positions.new_zeros(channels))
    rows = POSITIONS * max(1, PIECE // (POSITIONS * channels))
    for start in range(0, len(positions), rows):
        piece = wide(positions[start : start + rows])
        weighted = piece if weights is None else piece * weights[start : start + rows, None]
        blocks = len(piece) // POSITIONS
        whole = blocks * POSITIONS
        each, weighted_each = (x[:whole].unflatten(0, (blocks, POSITIONS)) for x in (piece, weighted))
        product += (weighted_each.mT @ each).sum(0) + weighted[whole:].mT @ piece[whole:]
        summed += weighted.sum(0)
    return product, summed


def covariance(gram: Tensor, mean: Tensor) -> Tensor:
    """Covariance of the channels, (N, C, C), from Gram (N, C, C) and mean (N, C)."""
    return gram - mean[:, :, None] * mean[:, None, :]
