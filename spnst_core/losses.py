"""Losses: pure functions from tensors to one number for each picture of the batch.

Every term has two forms. ``relative`` divides by the energy of the target, so that a weight reads as "how much" and
means the same at every size, layer and network. ``raw`` gives the plain sums of the first implementations.

Whatever the precision of the networks that features come from, sums and products of them are in float32 or wider.

Shape:
    Inputs are (N, C, H, W) unless said otherwise. A target may have N = 1: it then serves the whole batch.
    Results are (N,), differentiable in the first argument.
"""

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Form = Literal["relative", "raw"]

EPSILON = 1e-8
"""Added to every energy that divides, so that a black, flat or empty target gives a large number and never NaN."""


def wide(x: Tensor) -> Tensor:
    """At least in float32: where sums are made, bfloat16's eight bits aren't enough."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _pair(x: Tensor, target: Tensor) -> None:
    if x.shape[1:] != target.shape[1:] or target.shape[0] not in (1, x.shape[0]):
        raise ValueError(f"target of shape {tuple(target.shape)} doesn't fit a batch of shape {tuple(x.shape)}")


def squared_error(x: Tensor, target: Tensor, form: Form = "relative") -> Tensor:
    """Σ(x − t)² / Σt² (relative) or mean (x − t)² (raw), over all but the first dimension.

    Raises:
        ValueError: the shapes don't fit.
    """
    return error_of_sums(total_squared_error(x, target), energy(target), x[0].numel(), form)


def total_squared_error(x: Tensor, target: Tensor) -> Tensor:
    """Σ(x − t)² over all but the first dimension.

    Raises:
        ValueError: the shapes don't fit.
    """
    _pair(x, target)
    x, target = wide(x), wide(target)
    # In x's order in memory: the gradient then has it too, and needn't be copied to be added to others of x.
    order = sorted(range(1, x.dim()), key=x.stride, reverse=True)
    x, target = x.permute(0, *order), target.expand_as(x).permute(0, *order)
    # mse_loss keeps x and the target for the gradient; a difference would be kept beside them.
    return F.mse_loss(x, target, reduction="none").flatten(1).sum(1)


def energy(x: Tensor) -> Tensor:
    """Σx² over all but the first dimension."""
    return torch.linalg.vector_norm(wide(x).flatten(1), dim=1).square()


def error_of_sums(error: Tensor, energy: Tensor, values: Tensor | int, form: Form = "relative") -> Tensor:
    """`squared_error` from Σ(x − t)² and Σt², (N,) each, and the number of values of one picture."""
    return error / values if form == "raw" else error / (energy + EPSILON)


def content_loss(features: Tensor, target: Tensor, form: Form = "relative") -> Tensor:
    """Squared error of an encoder's features (Gatys et al., CVPR 2016, eq. 1; there a sum, here mean or relative)."""
    return squared_error(features, target, form)


def gram(features: Tensor) -> Tensor:
    """Gram matrix F·Fᵀ/(H·W), (N, C, C): mean products of feature channels (Gatys et al., eq. 3, normalised)."""
    return moments(features)[0]


def mean(features: Tensor) -> Tensor:
    """Spatial mean of each channel, (N, C)."""
    return moments(features)[1]


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Gram matrix (N, C, C) and mean (N, C), in one pass over the features and one over their gradient."""
    product, total = sums(features)
    positions = features[0, 0].numel()
    return product / positions, total / positions


def sums(features: Tensor) -> tuple[Tensor, Tensor]:
    """F·Fᵀ (N, C, C) and the sum of F (N, C) over all positions, in float32 or wider."""
    product, total = _Sums.apply(features)
    return product, total


class _Sums(torch.autograd.Function):
    """One product for the gradient of both, where autograd would make two and go through the features four times.

    The gradient has the precision of F and its order in memory.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(features)
        exact = wide(features).permute(0, 2, 3, 1).flatten(1, 2)
        with torch.autocast(features.device.type, enabled=False):
            # A loop is faster than a batched product on processors.
            return torch.stack([f.mT @ f for f in exact]), exact.sum(1)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Tensor:
        (features,) = ctx.saved_tensors
        product, total = (grad.to(features.dtype) for grad in (grads[0] + grads[0].mT, grads[1]))
        if features.stride(1) == 1:  # channels last
            last = features.permute(0, 2, 3, 1)
            f = last.flatten(1, 2)
            return torch.baddbmm(total[:, None].expand_as(f), f, product).view(last.shape).permute(0, 3, 1, 2)
        f = features.flatten(2)
        return torch.baddbmm(total[:, :, None].expand_as(f), product, f).view(features.shape)


def covariance(gram: Tensor, mean: Tensor) -> Tensor:
    """Covariance of the channels, (N, C, C), from Gram (N, C, C) and mean (N, C)."""
    return gram - mean[:, :, None] * mean[:, None, :]


def style_loss(features: Tensor, target_gram: Tensor, target_mean: Tensor, form: Form = "relative") -> Tensor:
    """Distance between the feature statistics of a picture and those of a style, for one layer.

    ``raw`` is the mean squared error of the Grams (Gatys et al., eq. 4, with another constant). ``relative`` departs
    from the paper: it adds the relative errors of the *centred* second moment and of the mean, so that a layer with a
    large mean response, whose Gram is nearly rank one, still has its texture matched.

    Shape:
        features (N, C, H, W); target_gram (N or 1, C, C); target_mean (N or 1, C).
    """
    return statistics_loss(gram(features), mean(features), target_gram, target_mean, form)


def statistics_loss(
    gram: Tensor, mean: Tensor, target_gram: Tensor, target_mean: Tensor, form: Form = "relative"
) -> Tensor:
    """`style_loss` from the picture's own Gram (N, C, C) and mean (N, C)."""
    if form == "raw":
        return squared_error(gram, target_gram, "raw")
    centred = squared_error(covariance(gram, mean), covariance(target_gram, target_mean))
    return centred + squared_error(mean, target_mean)


def edge_loss(maps: Tensor, target: Tensor, form: Form = "relative") -> Tensor:
    """Squared error of edge maps, values in [0, 1] (Cheng et al., TIP 2020, compare features of the edge network)."""
    return squared_error(maps, target, form)


def depth_loss(depth: Tensor, target: Tensor, form: Form = "relative") -> Tensor:
    """Distance between two maps of relative inverse depth, (N, 1, H, W).

    Such maps have no scale and no origin of their own, so ``relative`` standardises both to mean 0 and variance 1:
    mean (z − zₜ)² = 2 (1 − ρ), with ρ the correlation; 0 is the same shape, 2 unrelated, 4 inside out. ``raw`` is the
    plain mean squared error, which the first implementations used.
    """
    if form == "raw":
        return squared_error(depth, target, "raw")
    return squared_error(_standardise(wide(depth)), _standardise(wide(target)), "raw")


def _standardise(x: Tensor) -> Tensor:
    centred = x - x.mean((1, 2, 3), keepdim=True)
    return centred / (centred.square().mean((1, 2, 3), keepdim=True) + EPSILON).sqrt()


def total_variation(x: Tensor, target: Tensor | None = None) -> Tensor:
    """Sum of squared differences between neighbours over C·H·W; divided by the target's own where one is given."""
    down = F.mse_loss(x[:, :, 1:], x[:, :, :-1], reduction="none")
    right = F.mse_loss(x[..., 1:], x[..., :-1], reduction="none")
    own = (down.flatten(1).sum(1) + right.flatten(1).sum(1)) / x[0].numel()
    if target is None:
        return own
    with torch.no_grad():
        energy = total_variation(target)
    return own / (energy + EPSILON)
