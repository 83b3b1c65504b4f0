"""Single-channel maps, such as depth and edges, as pictures in a perceptually uniform colour map."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from PIL import Image

TAILS = 1.0
"""Percentage of the values that saturates at each end, so that a few extremes don't compress the rest."""

ColourMap = Literal["viridis", "magma", "inferno", "cividis"]


def depth_in_colour(depth: Image.Image) -> Image.Image:
    """Render a depth map of any range: what is nearest is lightest."""
    return in_colour(depth, "magma")


def edges_in_colour(edges: Image.Image) -> Image.Image:
    """Render an edge map whose values are probabilities from 0 (dark) to 255 (light)."""
    return in_colour(edges, "viridis", low=0, high=255)


def in_colour(
    values: npt.ArrayLike | Image.Image,
    colour_map: ColourMap,
    *,
    low: float | None = None,
    high: float | None = None,
) -> Image.Image:
    """Render a map (H, W) of any range as an ``RGB`` picture; the lightest colour stands for the largest value.

    The colour maps are matplotlib's, whose lightness rises evenly (van der Walt & Smith, 2015).

    Args:
        values: an array, or a picture, which is converted to grey. Values that aren't finite get the darkest colour.
        colour_map: magma suits depth, viridis edges.
        low: the value that gets the first colour; by default a percentile near the least.
        high: the value that gets the last colour; by default a percentile near the largest.

    Raises:
        ValueError: the map isn't two-dimensional.
    """
    if isinstance(values, Image.Image):
        values = np.asarray(values.convert("L"))
    grid = np.asarray(values, np.float64)
    if grid.ndim != 2:
        raise ValueError(f"a map must be (H, W), not {grid.shape}")
    known = grid[np.isfinite(grid)]
    if not known.size:
        known = np.zeros(1)
    first = np.percentile(known, TAILS) if low is None else low
    last = np.percentile(known, 100 - TAILS) if high is None else high
    scaled = (np.nan_to_num(grid, nan=first, posinf=last, neginf=first) - first) / (last - first if last > first else 1)
    colours = colormaps[colour_map](np.clip(scaled, 0, 1), bytes=True)
    return Image.fromarray(np.ascontiguousarray(colours[..., :3]))
