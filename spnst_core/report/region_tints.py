"""Regions of a content as tinted areas over the content, and the colours that stand for them in a legend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from PIL import Image, ImageColor

from spnst_core.imaging import io as image_io
from spnst_core.imaging.colour import luminance
from spnst_core.imaging.planes import at_shape
from spnst_core.objective.regions import Regions

TINTS = ("#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#f0e442", "#0072b2", "#d55e00")
"""Colours that are told apart without red or green (Okabe & Ito, 2008); from the eighth region on they repeat."""

STRENGTH = 0.6
"""How much of its tint a region takes on; the rest is the content in grey."""


def tints(names: Iterable[str]) -> dict[str, str]:
    """The colour of each region, as ``#rrggbb``, by its name; the same names get the same colours in any order."""
    return {name: TINTS[place % len(TINTS)] for place, name in enumerate(sorted(set(names)))}


@torch.no_grad()
def tinted(content: Image.Image, regions: Regions, colours: Mapping[str, str]) -> Image.Image:
    """A content in grey, on which each region with a name is tinted, also the one that isn't painted.

    Soft edges fade, and what no mask covers stays grey.

    Args:
        colours: those of the regions, as `tints` gives them.

    Returns:
        An ``RGB`` picture of the content's size.
    """
    grey = luminance(image_io.to_tensor(content)).expand(-1, 3, -1, -1)
    found = grey
    for name, plane in regions.named.items():
        colour = torch.tensor(ImageColor.getrgb(colours[name])).view(1, 3, 1, 1) / 255
        found = found + STRENGTH * at_shape(plane.cpu(), *grey.shape[2:]) * (colour - grey)
    return image_io.to_image(found)
