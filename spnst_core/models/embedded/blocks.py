"""Building blocks of the embedded networks. None of them normalises: training folds that into the weights."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Conv(nn.Sequential):
    """A convolution and a leaky ReLU; ``stride`` 2 halves each side, rounding up."""

    def __init__(self, channels: int, out: int, stride: int = 1, kernel: int = 3) -> None:
        super().__init__(nn.Conv2d(channels, out, kernel, stride, kernel // 2), nn.LeakyReLU(0.1, inplace=True))
        self.out_channels = out


class Residual(nn.Module):
    """x + g·f(x); the gain g of each channel is small at first, so that the network starts close to a shallow one."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(Conv(channels, channels), Conv(channels, channels))
        self.gain = nn.Parameter(torch.full((1, channels, 1, 1), 0.2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.gain * self.body(x)


class Up(nn.Module):
    """Upsamples coarse features to the resolution of a skip connection and merges both."""

    def __init__(self, channels: int, skip: int, out: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(channels, out, 1)
        self.skip = Conv(skip, out, kernel=1)
        self.body = Conv(out, out)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        up = F.interpolate(self.narrow(x), skip.shape[2:], mode="bilinear", align_corners=False)
        y: Tensor = self.body(up + self.skip(skip))
        return y


def longest_side(x: Tensor, size: int) -> tuple[int, int]:
    """Height and width of a picture (N, C, H, W) once its long side is ``size`` pixels."""
    height, width = x.shape[2:]
    scale = size / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))
