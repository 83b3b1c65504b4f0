"""Losses: pure functions from tensors to one number for each picture of the batch.

Every term has two forms. ``relative`` divides by the energy of the target, so that a weight reads as "how much" and
means the same at every size, layer and network. ``raw`` gives the plain sums of the first implementations.

Whatever the precision of the networks that features come from, sums and products of them are in float32 or wider.

Shape:
    Inputs are (N, C, H, W) unless said otherwise. A target may have N = 1: it then serves the whole batch.
    Results are (N,), differentiable in the first argument.
"""

from collections.abc import Iterator
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from spnst_core.compute.moments import PIECE, covariance, gram, mean, wide

Form = Literal["relative", "raw"]

EPSILON = 1e-8
"""Added to every energy that divides, so that a black, flat or empty target gives a large number and never NaN."""

LINES = 2**14
"""Lines that are summed at once on a processor, so few that PyTorch doesn't share them between threads."""


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
    """Σ(x − t)² over all but the first dimension, (N,); the target isn't differentiated.

    Raises:
        ValueError: the shapes don't fit.
    """
    _pair(x, target)
    error: Tensor = _TotalSquaredError.apply(x, target)
    return error


class _TotalSquaredError(torch.autograd.Function):
    """Piece by piece, so that on a processor nothing of the features' size is written down in float32.

    Nothing is kept for the gradient but the features and their target. The gradient has the precision of x and its
    order in memory.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, target: Tensor) -> Tensor:
        ctx.save_for_backward(x, target)
        return torch.stack([_total((wide(a) - wide(b)).square_()) for a, b in _pieces(x, target)]).sum(0)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None]:
        (x, target), factor = ctx.saved_tensors, 2 * grads[0][:, None, None]
        order, done = _order(x), 0
        gradient = torch.empty([x.shape[dim] for dim in order], dtype=x.dtype, device=x.device)
        lines = gradient.view(len(x), -1, gradient.shape[-1])
        for a, b in _pieces(x, target):
            lines[:, done : done + a.shape[1]].copy_((wide(a) - wide(b)).mul_(factor))
            done += a.shape[1]
        return gradient.permute([order.index(dim) for dim in range(x.dim())]), None


def _order(x: Tensor) -> list[int]:
    """Its dimensions as they lie in memory, the first one first."""
    return [0, *sorted(range(1, x.dim()), key=x.stride, reverse=True)]


def _pieces(x: Tensor, *others: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """The same values of each, (N, lines, n), in the order in which they lie in the memory of the first one.

    On a processor a piece is what stays in its cache, elsewhere it is all there is.
    """
    order = _order(x)
    lines = [y.expand_as(x).permute(order).reshape(len(x), -1, x.shape[order[-1]]) for y in (x, *others)]
    most = max(1, min(PIECE // max(1, lines[0].shape[2]), LINES)) if x.device.type == "cpu" else lines[0].shape[1]
    return zip(*(y.split(most, 1) for y in lines), strict=True)


def _total(x: Tensor) -> Tensor:
    """Sum over lines (N, lines, n), one by one first: PyTorch's sum of all depends on how many threads share it."""
    return x.sum(2).sum(1)


def energy(x: Tensor) -> Tensor:
    """Σx² over all but the first dimension."""
    return torch.stack([_total(wide(piece).square()) for (piece,) in _pieces(x)]).sum(0)


def error_of_sums(error: Tensor, energy: Tensor, values: Tensor | int, form: Form = "relative") -> Tensor:
    """`squared_error` from Σ(x − t)² and Σt², (N,) each, and the number of values of one picture."""
    return error / values if form == "raw" else error / (energy + EPSILON)


def content_loss(features: Tensor, target: Tensor, form: Form = "relative") -> Tensor:
    """Squared error of an encoder's features (Gatys et al., CVPR 2016, eq. 1; there a sum, here mean or relative)."""
    return squared_error(features, target, form)


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
    """Maps (N, 1, H, W) as lines (N, H, W) of mean 0 and variance 1."""
    lines, count = x.flatten(1, 2), x[0].numel()
    centred = lines - _to_lines(_total(lines) / count, lines)
    return centred / _to_lines((_total(centred.square()) / count + EPSILON).sqrt(), lines)


def _to_lines(values: Tensor, lines: Tensor) -> Tensor:
    """One value for each picture, (N,), at all places of its lines (N, H, W); its gradient is a `_total`."""
    return values[:, None].expand(lines.shape[:2])[:, :, None].expand_as(lines)


def total_variation(x: Tensor, target: Tensor | None = None) -> Tensor:
    """Sum of squared differences between neighbours over C·H·W; divided by the target's own where one is given."""
    down = F.mse_loss(x[:, :, 1:], x[:, :, :-1], reduction="none")
    right = F.mse_loss(x[..., 1:], x[..., :-1], reduction="none")
    own = (_total(down.flatten(1, 2)) + _total(right.flatten(1, 2))) / x[0].numel()
    if target is None:
        return own
    with torch.no_grad():
        energy = total_variation(target)
    return own / (energy + EPSILON)
