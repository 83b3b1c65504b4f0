"""Sanity: numbers that tell whether a result or a target is usable at all."""

from collections.abc import Iterable
from math import inf, nan

import torch
from torch import Tensor

from spnst_core.compute.moments import covariance
from spnst_core.objective.targets import DepthMap, StyleTargets

FLAT = 1e-3
"""Relief below which a depth map is nothing but noise."""

PLAIN = 0.01
"""Spread of colours, in [0, 0.5], below which a picture holds nothing but one colour and noise."""


def value_range(x: Tensor) -> tuple[float, float]:
    """Lowest and highest value; both are NaN if any value isn't finite."""
    if not x.isfinite().all():
        return nan, nan
    return x.min().item(), x.max().item()


def gram_defects(style: StyleTargets) -> tuple[float, float]:
    """The worst Gram matrix's asymmetry and smallest eigenvalue, over all sizes and layers.

    Both are relative to the matrix's own largest entry and largest eigenvalue, so that they don't depend on the
    network. A Gram is F·Fᵀ: without rounding it has asymmetry 0 and no eigenvalue below 0. Both are NaN if any entry
    isn't finite.
    """
    asymmetry, smallest = 0.0, inf
    for gram in _grams(style):
        if not gram.isfinite().all():
            return nan, nan
        largest = gram.abs().max().clamp_min(torch.finfo(gram.dtype).tiny)
        asymmetry = max(asymmetry, ((gram - gram.mT).abs().max() / largest).item())
        eigenvalues = torch.linalg.eigvalsh(gram)
        smallest = min(smallest, (eigenvalues[0] / eigenvalues[-1].clamp_min(torch.finfo(gram.dtype).tiny)).item())
    return asymmetry, smallest


def _grams(style: StyleTargets) -> Iterable[Tensor]:
    for layers in style.statistics.values():
        for statistics in layers.values():
            yield statistics.gram[0].cpu().double()


def depth_relief(depth: DepthMap) -> float:
    """The `relief` of a depth map at the size where that is smallest; NaN if any value isn't finite."""
    reliefs = [relief(inverse_depth) for inverse_depth in depth.used.values()]
    return nan if any(each != each for each in reliefs) else min(reliefs)


def relief(inverse_depth: Tensor) -> float:
    """Standard deviation of a depth map over its largest absolute value.

    0 for a flat map, at most 1; NaN if any value isn't finite. It doesn't depend on the map's scale.
    """
    x = inverse_depth.cpu().double()
    return (x.std(correction=0) / x.abs().max().clamp_min(torch.finfo(x.dtype).tiny)).item()


def plain(content: Tensor, style: StyleTargets) -> list[str]:
    """Which of a cell's two pictures holds nothing but one colour: ``content``, (1, 3, H, W), and ``style``."""
    return [name for name, found in (("content", is_plain(content)), ("style", is_plain_style(style))) if found]


def is_plain(picture: Tensor) -> bool:
    """Whether a picture (1, 3, H, W) in [0, 1] holds nothing but one colour and noise.

    The spread of its colours is their standard deviation, as a quadratic mean of the three channels.
    """
    return picture[0].var(dim=(1, 2), correction=0).mean().item() < PLAIN**2


def is_plain_style(style: StyleTargets) -> bool:
    """The same of a style, by the largest spread among its sizes, and among regions if it has statistics for each."""
    palettes = [layers["colour"] for layers in style.statistics.values()]
    spreads = [covariance(p.gram, p.mean).diagonal(dim1=1, dim2=2).mean(1).max().item() for p in palettes]
    return max(spreads) < PLAIN**2
