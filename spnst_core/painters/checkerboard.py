"""Checkerboards: faint patterns of two or four pixels, which networks that upsample may leave in all they paint."""

import torch
from torch import Tensor

from spnst_core.imaging.colour import luminance

PERIODS = (2, 4)
"""Periods in pixels: those of the network's strides."""

NEAR = 8
"""Frequencies on each side that a period's is compared with."""


def checkerboard(picture: Tensor) -> float:
    """How far the power at a period of two or four pixels exceeds that at the frequencies around it, as a ratio.

    About 1 for a picture without such a pattern; the largest over both periods and both directions.

    Args:
        picture: (1, 3, H, W) in [0, 1], at least 32 px on each side.
    """
    grey = luminance(picture.cpu().double())[0, 0]
    return max(_peak(lines, period) for lines in (grey, grey.mT) for period in PERIODS)


def _peak(lines: Tensor, period: int) -> float:
    """The ratio along the second dimension of (M, N)."""
    length = lines.shape[1] // 8 * 8  # both periods fall on frequencies of their own
    seen = lines[:, :length] * torch.hann_window(length, dtype=lines.dtype)
    power = torch.fft.rfft(seen, dim=1).abs().square().mean(0)
    place = length // period
    around = [k for k in range(place - NEAR, place + NEAR + 1) if abs(k - place) >= 2 and 0 < k < len(power)]
    return float(power[place] / power[around].median().clamp_min(1e-12))
