"""Losses: pure functions from tensors to one value for each picture of the batch.

Every loss has two forms. ``relative`` divides by the energy of the target, so that a weight means the same for every
size, layer and network. ``raw`` gives the sums of the original implementations. Both are unweighted.

Features may be of any precision; sums and products of them are computed in float32 or wider.

Shapes: inputs are (N, C, H, W) unless stated otherwise. A target may have N = 1, and then serves the whole batch.
Results are (N,), at least 0, differentiable with respect to the first argument.

Examples:
    >>> import torch
    >>> from spnst_core import losses
    >>> maps, target = torch.full((2, 1, 16, 16), 0.5), torch.ones(1, 1, 16, 16)
    >>> losses.edge_loss(maps, target)
    tensor([0.2500, 0.2500])
    >>> losses.edge_loss(target, target, form="raw")
    tensor([0.])
    >>> losses.total_variation(maps)
    tensor([0., 0.])
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from spnst_core.compute.moments import covariance, gram, mean
from spnst_core.compute.sums import energy, total, total_squared_error, wide

Form = Literal["relative", "raw"]

EPSILON = 1e-8
"""Added to every energy that divides, so that a black, flat or empty target gives a large number and never NaN."""


def squared_error(x: Tensor, target: Tensor, form: Form = "relative") -> Tensor:
    """Σ(x − t)² / Σt² (relative) or mean (x − t)² (raw), over all but the first dimension.

    Raises:
        ValueError: the shapes don't fit.
    """
    return error_of_sums(total_squared_error(x, target), energy(target), x[0].numel(), form)


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


def depth_loss(depth: Tensor, target: Tensor, form: Form = "relative", shares: Tensor | None = None) -> Tensor:
    """Distance between two maps of relative inverse depth, (N, 1, H, W).

    Such maps have no scale and no origin of their own, so ``relative`` standardises both to mean 0 and variance 1:
    mean (z − zₜ)² = 2 (1 − ρ), with ρ the correlation; 0 means the same shape, 2 unrelated, 4 inverted. ``raw`` is the
    plain mean squared error, which the first implementations used.

    ``shares`` say what the squared error at each place counts in the mean, (1, 1, H, W); by default 1.
    """
    if form == "relative":
        depth, target = _standardise(wide(depth)), _standardise(wide(target))
    if shares is not None:
        root = shares.sqrt().reshape(1, *depth.shape[1:])
        depth, target = depth * root, target * root
    return squared_error(depth, target, "raw")


DULL = 1e-4
"""Added to the variance of a style's colours in every direction: a hundredth of their range, squared."""


def whitening(covariance: Tensor) -> Tensor:
    """(K + `DULL` · I)^-½ of covariances K (…, 3, 3): the map that makes colours uncorrelated and of variance 1."""
    k = covariance.cpu().double()  # MPS, for one, has no float64
    values, vectors = torch.linalg.eigh(k + DULL * torch.eye(k.shape[-1], dtype=k.dtype))
    return ((vectors * values.rsqrt()[..., None, :]) @ vectors.mT).to(covariance)


def palette_loss(
    covariance: Tensor, mean: Tensor, target_covariance: Tensor, target_mean: Tensor, whitening: Tensor
) -> Tensor:
    """Distance between the colours of a picture and those of a style: (‖W (K − Kₛ) W‖² + ‖W (m − mₛ)‖²) / 3.

    W is the style's `whitening`. It makes all colours count as much as they vary in the style: a few hues that the
    style doesn't have are a small part of the plain error of K, which brightness dominates. The second part is the
    squared Mahalanobis distance of the means.

    Shape:
        covariance, target_covariance, whitening (N, 3, 3); mean, target_mean (N, 3).
    """
    with torch.autocast(mean.device.type, enabled=False):  # the difference of two moments needs all of float32
        spread = whitening @ (covariance - target_covariance) @ whitening
        shift = whitening @ (mean - target_mean)[:, :, None]
        return (spread.square().sum((1, 2)) + shift.square().sum((1, 2))) / mean.shape[1]


def _standardise(x: Tensor) -> Tensor:
    """Maps (N, 1, H, W) as lines (N, H, W) of mean 0 and variance 1."""
    lines, count = x.flatten(1, 2), x[0].numel()
    centred = lines - _to_lines(total(lines) / count, lines)
    return centred / _to_lines((total(centred.square()) / count + EPSILON).sqrt(), lines)


def _to_lines(values: Tensor, lines: Tensor) -> Tensor:
    """One value for each picture, (N,), at all places of its lines (N, H, W); its gradient is a `total`."""
    return values[:, None].expand(lines.shape[:2])[:, :, None].expand_as(lines)


def total_variation(x: Tensor, target: Tensor | None = None) -> Tensor:
    """Sum of squared differences between neighbours over C·H·W; divided by that of the target, if one is given."""
    down = F.mse_loss(x[:, :, 1:], x[:, :, :-1], reduction="none")
    right = F.mse_loss(x[..., 1:], x[..., :-1], reduction="none")
    own = (total(down.flatten(1, 2)) + total(right.flatten(1, 2))) / x[0].numel()
    if target is None:
        return own
    with torch.no_grad():
        energy = total_variation(target)
    return own / (energy + EPSILON)
