"""Views of contents that a painter is trained on: random crops, flips and colours, each a function of its number."""

from collections.abc import Sequence

import torch
from torch import Tensor

from spnst_core.imaging import io as image_io
from spnst_core.imaging.colour import luminance

ZOOM = 0.75, 1.25
"""How large a part of a content a view shows, beside what it would show of the content at the painter's size."""

LIGHT, CONTRAST, SATURATION = 0.08, 0.2, 0.3
"""Largest change of a view's brightness, and of its contrast and saturation as shares."""


def view(contents: Sequence[Tensor], number: int, seed: int, side: int, largest: int, size: int) -> Tensor:
    """The view of that number, (1, 3, side, side): a square window of one of the contents, perhaps flipped.

    All sizes of views show a content at the same scale, so that a painter's strokes don't grow when views do.

    Args:
        contents: pictures (1, 3, H, W) in [0, 1].
        seed: of the training.
        side: of the view in pixels, at most ``largest``.
        largest: side in pixels of the training's largest views.
        size: long side in pixels of the pictures that the painter is to paint.
    """
    random = torch.Generator().manual_seed(seed * 1_000_003 + number)
    content = contents[int(torch.randint(len(contents), (), generator=random))]
    share, down, right, flip, light, contrast, saturation = torch.rand(7, generator=random).tolist()
    height, width = content.shape[2:]
    zoom = ZOOM[0] + (ZOOM[1] - ZOOM[0]) * share
    whole = min(height, width, max(height, width) * largest / size * zoom)  # what a view of the largest side shows
    window = max(1, round(whole * side / largest))
    top, left = round(down * (height - window)), round(right * (width - window))
    seen = image_io.resize(content[..., top : top + window, left : left + window], side, side)
    seen = seen.flip(3) if flip < 0.5 else seen
    grey = luminance(seen)
    seen = grey + (seen - grey) * (1 + SATURATION * (2 * saturation - 1))
    mean = grey.mean()
    seen = mean + (seen - mean) * (1 + CONTRAST * (2 * contrast - 1)) + LIGHT * (2 * light - 1)
    return seen.clamp(0, 1)
