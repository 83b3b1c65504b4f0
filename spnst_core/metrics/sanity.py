"""Sanity: numbers that tell whether a result or a target is usable at all."""

from collections.abc import Iterable
from math import inf, nan

import torch
from torch import Tensor

from spnst_core.objective.targets import DepthMap, StyleTargets


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
    """Standard deviation of the depth over its largest absolute value, at the size where that is smallest.

    0 for a flat map, at most 1; NaN if any value isn't finite. It doesn't depend on the map's scale.
    """
    reliefs = []
    for inverse_depth in depth.maps.values():
        x = inverse_depth.cpu().double()
        reliefs.append((x.std(correction=0) / x.abs().max().clamp_min(torch.finfo(x.dtype).tiny)).item())
    return nan if any(relief != relief for relief in reliefs) else min(reliefs)
