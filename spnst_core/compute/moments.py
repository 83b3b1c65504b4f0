"""Moments of features: Gram matrices, channel means and covariances, bit-identical on any number of threads."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from spnst_core.compute.sums import PIECE, total, wide

POSITIONS = 512
"""Rows per CPU matmul, few enough that BLAS stays single-threaded and results don't depend on the thread count."""


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
    """`sums` in which each position counts by a guide (Gatys et al., CVPR 2017, section 4), and the sum of that, ().

    Args:
        features: F, (N, C, h, w).
        guide: what each place counts, at least 0, (1, 1, H, W), of h × w or a multiple of it; averaged to h × w.
    """
    height, width = features.shape[2:]
    share = F.adaptive_avg_pool2d(guide, (height, width)).to(features.dtype)
    product, _ = sums(features * share.sqrt())
    lines = wide(features * share).flatten(0, 1)
    return product, total(lines).view(features.shape[:2]), wide(share).sum()


def guided_moments(features: Tensor, guide: Tensor) -> tuple[Tensor, Tensor]:
    """`moments` in which each position counts by a guide; see `guided_sums`."""
    product, mean, count = guided_sums(features, guide)
    return product / count, mean / count


class _Sums(torch.autograd.Function):
    """Both sums, with one matrix product for their gradient; autograd would take two, and read the features four times.

    The gradient has the dtype and the memory layout of F.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(features)
        positions = features.permute(0, 2, 3, 1).flatten(1, 2)
        with torch.autocast(features.device.type, enabled=False):
            if features.device.type == "cpu":
                product, summed = zip(*map(_sums_of_one, positions), strict=True)
                return torch.stack(product), torch.stack(summed)
            f = wide(positions)
            return f.mT @ f, f.sum(1)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Tensor:
        (features,) = ctx.saved_tensors
        product, summed = (grad.to(features.dtype) for grad in (grads[0] + grads[0].mT, grads[1]))
        if features.stride(1) == 1:  # channels last
            last = features.permute(0, 2, 3, 1)
            f = last.flatten(1, 2)
            return torch.baddbmm(summed[:, None].expand_as(f), f, product).view(last.shape).permute(0, 3, 1, 2)
        f = features.flatten(2)
        return torch.baddbmm(summed[:, :, None].expand_as(f), product, f).view(features.shape)


def _sums_of_one(positions: Tensor) -> tuple[Tensor, Tensor]:
    """FᵀF (C, C) and ΣF (C,) of positions (P, C) on a CPU, bit-identical on any number of threads."""
    channels = positions.shape[1]
    product, summed = wide(positions.new_zeros(channels, channels)), wide(positions.new_zeros(channels))
    for piece in map(wide, positions.split(POSITIONS * max(1, PIECE // (POSITIONS * channels)))):
        blocks, rest = divmod(len(piece), POSITIONS)
        whole, left = piece.split((len(piece) - rest, rest))
        each = whole.unflatten(0, (blocks, POSITIONS))
        product += (each.mT @ each).sum(0) + left.mT @ left
        summed += piece.sum(0)
    return product, summed


def covariance(gram: Tensor, mean: Tensor) -> Tensor:
    """Covariance of the channels, (N, C, C), from Gram (N, C, C) and mean (N, C)."""
    return gram - mean[:, :, None] * mean[:, None, :]
