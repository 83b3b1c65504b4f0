"""Regions as a user gives them: a part of a content, and the style that it is painted in."""

from __future__ import annotations

from dataclasses import dataclass

from spnst_core.imaging.band import Band
from spnst_core.imaging.blend import Blend
from spnst_core.imaging.io import Picture
from spnst_core.imaging.planes import Plane

KEEP = "keep"
"""The name of the region that isn't painted: there the content stays as it is."""


@dataclass(frozen=True)
class Region:
    """A part of a content, and what it is painted in.

    Attributes:
        mask: how much each pixel of the content belongs to the region, from 0 to 1, in the content's aspect, of any
            size: a path ending in ``.npy``, ``.png``, ``.tif`` or ``.exr``, an array (H, W), or a tensor. Grey edges
            are soft. Or a `Band` of the content's depth.
        style: its own style, as for `stylize`; None: the style of the whole.
        style_mask: the part of the style that it is painted in, likewise in the style's aspect; None: all of it.
        strokes: ``small``, ``medium`` or ``large``: half, once or twice as large as those of the whole, or ``mixed``,
            all three at once; None: as the recipe says.
    """

    mask: Plane | Band
    style: Picture | Blend | None = None
    style_mask: Plane | None = None
    strokes: str | None = None
