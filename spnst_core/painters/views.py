"""Views of contents that a painter is trained on: random crops, flips and colours, each a function of its number."""

from collections.abc import Sequence

import torch
from torch import Tensor

from spnst_core.imaging import io as image_io
from spnst_core.imaging.colour import luminance

NARROWEST = 0.6
"""Side of the smallest window that a view of full size shows, as a share of the content's short side."""

LIGHT, CONTRAST, SATURATION = 0.08, 0.2, 0.3
"""Largest change of a view's brightness, and of its contrast and saturation as shares."""


def view(contents: Sequence[Tensor], number: int, seed: int, side: int, size: int) -> Tensor:
    """The view of that number, (1, 3, side, side): a square window of one of the contents, perhaps flipped.

    All sizes of views show a content at the same scale, so that a painter's strokes don't grow when views do.

    Args:
        contents: pictures (1, 3, H, W) in [0, 1].
        seed: of the training.
        side: of the view in pixels, at most ``size``.
        size: side in pixels of the training's largest views.
    """
    random = torch.Generator().manual_seed(seed * 1_000_003 + number)
    content = contents[int(torch.randint(len(contents), (), generator=random))]
    share, down, right, flip, light, contrast, saturation = torch.rand(7, generator=random).tolist()
    height, width = content.shape[2:]
    window = max(1, round(min(height, width) * (NARROWEST + (1 - NARROWEST) * share) * side / size))
    top, left = round(down * (height - window)), round(right * (width - window))
    seen = image_io.resize(content[..., top : top + window, left : left + window], side, side)
    seen = seen.flip(3) if flip < 0.5 else seen
    grey = luminance(seen)
    seen = grey + (seen - grey) * (1 + SATURATION * (2 * saturation - 1))
    mean = grey.mean()
    seen = mean + (seen - mean) * (1 + CONTRAST * (2 * contrast - 1)) + LIGHT * (2 * light - 1)
    return seen.clamp(0, 1)
