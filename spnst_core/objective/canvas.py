"""The canvas that is optimised: the picture at a stage's size, with a margin around it if the recipe has one."""

import torch.nn.functional as F
from torch import Tensor

from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io
from spnst_core.recipes.recipe import Recipe, Stage

SMALLEST_SIDE = 12
"""Shortest side in pixels, at any stage, that margins and the embedded networks can handle.

VGG19 and HED need 16 and check that themselves.
"""


def shape_at(content: Tensor, size: int) -> tuple[int, int]:
    """Height and width of the content (1, 3, H, W) with long side ``size``.

    Raises:
        InputError: the picture is so long and narrow that too little is left of its short side, or it would have more
            than `spnst_core.imaging.io.MAX_PIXELS` pixels.
    """
    height, width = image_io.fit(content.shape[2], content.shape[3], size)
    if min(height, width) < SMALLEST_SIDE:
        needed = -(-SMALLEST_SIDE * size // min(height, width))
        raise InputError(
            f"a picture of {content.shape[3]}×{content.shape[2]} becomes {width}×{height} in a stage of size {size}, "
            f"shorter than {SMALLEST_SIDE} px on a side: crop it or choose a size {needed / size:.1f} times as large"
        )
    if height * width > image_io.MAX_PIXELS:
        raise InputError(
            f"a pastiche of {width}×{height} has more than {image_io.MAX_PIXELS // 1_000_000} million pixels: "
            "choose a smaller size"
        )
    return height, width


def at_size(content: Tensor, size: int) -> Tensor:
    """The content (1, 3, H, W) with long side ``size``, (1, 3, h, w).

    Raises:
        InputError: as `shape_at`.
    """
    return image_io.resize(content, *shape_at(content, size))


def canvas(content: Tensor, recipe: Recipe, stage: Stage) -> Tensor:
    """The content (1, 3, H, W) at a stage's size, framed by the recipe's margin m: (1, 3, h + 2m, w + 2m).

    Raises:
        InputError: as `at_size`.
    """
    return framed(at_size(content, recipe.stage_size(stage)), recipe.margin)


def framed(x: Tensor, margin: int) -> Tensor:
    """Pictures (N, 3, h, w) padded by reflection with a margin m, less than their sides: (N, 3, h + 2m, w + 2m)."""
    return F.pad(x, (margin,) * 4, mode="reflect") if margin else x


def crop(x: Tensor, margin: int) -> Tensor:
    """A canvas (N, 3, h + 2m, w + 2m) without its margin m, (N, 3, h, w), as a view."""
    return x[..., margin : x.shape[-2] - margin, margin : x.shape[-1] - margin]
