"""Where a picture has fine detail, by HED: a detail map to start from, as of a face or of writing."""

import torch
import torch.nn.functional as F
from skimage.filters import gaussian
from torch import Tensor

from spnst_core.models.hed import SideOutputs

LONG_SIDE = 512
"""Of the picture that the network looks at, in pixels, at most: HED was trained on pictures of nearly that size."""

FINE, COARSE = (0, 1), (3, 4)
"""The side outputs that are compared: those of blocks 1 and 2, and of blocks 4 and 5."""

BORDER = 16
"""Pixels that the picture is continued by on each side: HED's fine scales see an edge where it ends."""

SPREAD = 1 / 40
"""Standard deviation of the smoothing, in long sides: what is fine lies in patches, not in lines."""

FULL = 0.35
"""Smoothed excess of fine edges over coarse ones from which on the map is white; chosen by eye on photographs."""


@torch.no_grad()
def fine_detail(network: SideOutputs, picture: Tensor) -> Tensor:
    """How dense those edges of a picture are that only HED's fine scales see, (1, 1, h, w) in [0, 1].

    Outlines show at all scales and don't count; eyes, lettering and lattices show at the fine ones alone.

    Args:
        network: a HED.
        picture: (1, 3, H, W) RGB in [0, 1].

    Returns:
        The map in the picture's proportions, its long side `LONG_SIDE` or the picture's own if that is smaller.
    """
    factor = min(1.0, LONG_SIDE / max(picture.shape[2:]))
    height, width = (max(1, round(factor * side)) for side in picture.shape[2:])
    small = F.interpolate(picture, (height, width), mode="bilinear", antialias=True)
    outputs = network.outputs(F.pad(small, (BORDER,) * 4, mode="replicate"))
    fine, coarse = (outputs[:, list(sides)].mean(1) for sides in (FINE, COARSE))
    excess = (fine - coarse).clamp(min=0)[0, BORDER:-BORDER, BORDER:-BORDER].cpu().numpy()
    spread = gaussian(excess, sigma=SPREAD * max(height, width), mode="reflect")
    return torch.from_numpy(spread / FULL).clamp(0, 1)[None, None]
