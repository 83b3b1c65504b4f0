"""Bands of depth: which part of a content is so near or so far, as a mask."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from spnst_core.errors import InputError, cut

SOFT = 0.04
"""Width of a band's edges, as a share of the depth between the farthest and the nearest."""

_WRITTEN = re.compile(r"\s*(\d*\.?\d+)\s*-\s*(\d*\.?\d+)\s*")


def relative_depth(inverse_depth: Tensor) -> Tensor:
    """Inverse depth of any scale, (1, 1, H, W), from 0, far, to 1, near: its 1st and its 99th percentile."""
    low, high = np.quantile(inverse_depth.cpu().numpy(), (0.01, 0.99))
    return ((inverse_depth - float(low)) / max(float(high - low), 1e-6)).clamp(0, 1)


@dataclass(frozen=True)
class Band:
    """A part of a content between two depths, from 0, the farthest, to 1, the nearest.

    They are read off a depth map as it is shown, black far and white near: 0.6 is a grey of 153. Depth is relative
    inverse depth, so that equal steps are larger the farther away they are.

    Raises:
        InputError: they aren't numbers from 0 to 1, the first below the second.
    """

    far: float
    near: float

    def __post_init__(self) -> None:
        if not 0 <= self.far < self.near <= 1:
            raise InputError(
                f"a band of depth lies between two numbers from 0, far, to 1, near, such as 0.6-1, not "
                f"{self.far:g}-{self.near:g}"
            )

    @classmethod
    def parse(cls, text: str) -> Band:
        """The band that a text such as ``0.6-1`` means.

        Raises:
            InputError: it means none.
        """
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise InputError(f"a band of depth is written as two numbers, such as 0.6-1, not {cut(text)}")
        return cls(float(found[1]), float(found[2]))

    def __str__(self) -> str:
        return f"{self.far:g}-{self.near:g}"

    def mask(self, inverse_depth: Tensor) -> Tensor:
        """How much each place of a map of inverse depth (1, 1, H, W) belongs to the band, likewise, from 0 to 1.

        Its edges are ramps of a width of `SOFT`, so that two bands that meet sum to 1 there.
        """
        depth = relative_depth(inverse_depth)
        above = ((depth - self.far) / SOFT + 0.5).clamp(0, 1) if self.far > 0 else 1.0
        below = ((self.near - depth) / SOFT + 0.5).clamp(0, 1) if self.near < 1 else 1.0
        return (above * below) * depth.new_ones(depth.shape)
