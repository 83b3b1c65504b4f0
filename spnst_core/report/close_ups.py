"""Close-ups: the part of a content where two pastiches differ most in structure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

SHARE, ASPECT = 0.32, 2.0
"""Width of a close-up as a share of the picture's width, and its aspect ratio in pixels."""


@dataclass(frozen=True)
class CloseUp:
    """A part of a picture to be shown enlarged: its sides as shares of the width and height, in [0, 1]."""

    left: float
    top: float
    right: float
    bottom: float

    def of(self, width: int, height: int) -> tuple[int, int, int, int]:
        """The window in pixels of a picture, at least one each way: left, top, right, bottom."""
        left, top = min(round(self.left * width), width - 1), min(round(self.top * height), height - 1)
        return left, top, max(left + 1, round(self.right * width)), max(top + 1, round(self.bottom * height))

    def crop(self, picture: Image.Image) -> Image.Image:
        """That part of a picture."""
        return picture.crop(self.of(*picture.size))


def most_different(first: npt.ArrayLike, second: npt.ArrayLike, share: float = SHARE) -> CloseUp:
    """The window over which two edge maps (H, W) of one content differ most, by the sum of |first - second|.

    Of several equal ones it is the topmost, then the leftmost. What isn't finite counts as no difference.

    Raises:
        ValueError: the maps aren't of one shape (H, W), or ``share`` isn't in (0, 1].
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.shape != b.shape or a.ndim != 2 or not a.size:
        raise ValueError(f"two edge maps of one shape (H, W) are needed, not {a.shape} and {b.shape}")
    if not 0 < share <= 1:
        raise ValueError(f"a window's share of the width must be above 0 and at most 1, not {share:g}")
    height, width = a.shape
    across = max(1, round(share * width))
    down = min(height, max(1, round(across / ASPECT)))
    with np.errstate(invalid="ignore"):
        # The corners of an integral image give the sums over all windows at once.
        sums = np.pad(np.nan_to_num(np.abs(a - b), posinf=0.0).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    windows = sums[down:, across:] - sums[:-down, across:] - sums[down:, :-across] + sums[:-down, :-across]
    # Windows that differ by rounding only count as equal.
    best = windows >= windows.max() - 1e-9 * max(1.0, sums[-1, -1])
    top, left = np.unravel_index(int(best.argmax()), best.shape)
    return CloseUp(float(left) / width, float(top) / height, float(left + across) / width, float(top + down) / height)
