"""The network of a painter: Cheng et al. (TIP 2020), after Johnson et al. (ECCV 2016).

c9s1-32, d64, d128, five residual blocks of 128, u64, u32, c9s1-3 in their notation, with instance normalisation and
reflection padding. Where they transpose convolutions, which leaves checkerboards, this one repeats pixels and convolves
(Odena et al., Distill 2016).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spnst_core.errors import InputError

FULL, NARROW = 32, 16
"""Widths: channels of the first layer. The paper's network has 1.7 million weights, the narrow one 0.42 million."""

RESIDUALS = 5
"""Number of residual blocks."""

STRIDE = 4
"""Pixels per position of the residual blocks; sides are padded to a multiple of it."""

BEYOND = 0.1
"""How far the network's own values go beyond [0, 1]. A sigmoid that ended there would lose its gradient in dark areas,
which then stay black."""

SMALLEST_SIDE = 32
"""Shortest side in pixels of a picture that can be painted.

The residual blocks then see eight positions on a side: with fewer, most of what they read is reflected padding, and
instance normalisation has nothing to average over.
"""


class PainterNet(nn.Module):
    """From a content to its pastiche.

    Shape: (N, 3, H, W) RGB in [0, 1] → the same shape and range; any H and W from `SMALLEST_SIDE`.

    Args:
        width: channels of the first layer, `FULL` or `NARROW`; the residual blocks have four times as many.
    """

    def __init__(self, width: int = FULL) -> None:
        super().__init__()
        self.width = width
        self.down = nn.Sequential(
            _Block(3, width, 9), _Block(width, 2 * width, 3, stride=2), _Block(2 * width, 4 * width, 3, stride=2)
        )
        self.residuals = nn.Sequential(*(Residual(4 * width) for _ in range(RESIDUALS)))
        self.up = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="nearest"),
            _Block(4 * width, 2 * width, 3),
            nn.Upsample(scale_factor=2, mode="nearest"),
            _Block(2 * width, width, 3),
        )
        self.last = _convolution(width, 3, 9)

    def forward(self, x: Tensor) -> Tensor:
        """The pastiches of contents (N, 3, H, W)."""
        return self.unbounded(x).clamp(0, 1)

    def unbounded(self, x: Tensor) -> Tensor:
        """The same as it is trained: beyond [0, 1] by up to `BEYOND`, so that black and white areas have gradients."""
        height, width = x.shape[2:]
        y: Tensor = self.last(self.up(self.residuals(self.down(self.padded(x)))))
        return self.bounded(y[..., :height, :width])

    @staticmethod
    def padded(x: Tensor) -> Tensor:
        """What the first layer sees of contents: values in [-1, 1], sides reflected to a multiple of `STRIDE`."""
        # Centred input: the first reflected border would otherwise be told from the rest by its brightness alone.
        return 2 * F.pad(x, (0, -x.shape[3] % STRIDE, 0, -x.shape[2] % STRIDE), mode="reflect") - 1

    @staticmethod
    def bounded(y: Tensor) -> Tensor:
        """Pastiches of what the last layer gives: from -`BEYOND` to 1 + `BEYOND`."""
        return (1 + 2 * BEYOND) * torch.sigmoid(y) - BEYOND


def require_paintable(height: int, width: int, name: str = "the picture") -> None:
    """Check that a picture is large enough for the network.

    Raises:
        InputError: it isn't; the message tells the smallest size.
    """
    if min(height, width) < SMALLEST_SIDE:
        raise InputError(
            f"{name} is {width}×{height} px, and a painter needs at least {SMALLEST_SIDE} px on each side: "
            "choose a larger picture or a larger size"
        )


class _Block(nn.Sequential):
    """A convolution, instance normalisation with a learnt scale and offset, and a rectification."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int = 1) -> None:
        super().__init__(
            _convolution(channels, out, kernel, stride), nn.InstanceNorm2d(out, affine=True), nn.ReLU(inplace=True)
        )


class Residual(nn.Module):
    """x + f(x) of two convolutions; nothing rectifies the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _Block(channels, channels, 3),
            _convolution(channels, channels, 3),
            nn.InstanceNorm2d(channels, affine=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.body(x)
        return y


def _convolution(channels: int, out: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, out, kernel, stride, kernel // 2, padding_mode="reflect")
