"""The guided filter: a local mean that stops at the edges of other pictures, its guides.

He, Sun & Tang, "Guided Image Filtering", IEEE TPAMI 35(6), 2013, with a guide of two channels (section 3.5).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def guided_filter(x: Tensor, guides: tuple[Tensor, Tensor], radius: int, epsilon: float) -> Tensor:
    """Smooth planes (N, C, H, W) except where one of two guides has an edge.

    In each window, the result is the linear function of both guides that comes nearest to ``x`` by least squares
    (equations 14 to 16).

    Args:
        x: what is smoothed, in any unit.
        guides: whose edges are kept, (N or 1, 1, H, W) each, in any unit.
        radius: a window has 2·radius + 1 pixels a side.
        epsilon: variance of a guide, in the square of its unit, below which a window counts as smooth.
    """
    mean, first, second = _box(x, radius), *(_box(guide, radius) for guide in guides)
    a, b = guides
    aa = _box(a * a, radius) - first * first + epsilon
    bb = _box(b * b, radius) - second * second + epsilon
    ab = _box(a * b, radius) - first * second
    ax = _box(a * x, radius) - first * mean
    bx = _box(b * x, radius) - second * mean
    determinant = aa * bb - ab * ab
    along_a, along_b = (ax * bb - bx * ab) / determinant, (bx * aa - ax * ab) / determinant
    rest = mean - along_a * first - along_b * second
    return _box(along_a, radius) * a + _box(along_b, radius) * b + _box(rest, radius)


def _box(x: Tensor, radius: int) -> Tensor:
    """The mean over windows; at the border, over the part of them that is inside the picture."""
    side = 2 * radius + 1
    rows = F.avg_pool2d(x, (1, side), 1, (0, radius), count_include_pad=False)
    return F.avg_pool2d(rows, (side, 1), 1, (radius, 0), count_include_pad=False)
