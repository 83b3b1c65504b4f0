"""Building blocks of the networks that ship with the package: the embedded ones and `spnst_core.models.depth_head`.

None of the convolutions is followed by a normalisation: training folds that into the weights.
"""

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


class Attention(nn.Module):
    """A transformer block over the positions of a small feature map (Dosovitskiy et al., arXiv:2010.11929)."""

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.near = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        self.mlp = nn.Sequential(
            nn.LayerNorm(channels), nn.Linear(channels, 2 * channels), nn.GELU(), nn.Linear(2 * channels, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        tokens = (x + self.near(x)).flatten(2).transpose(1, 2)
        q, k, v = self.qkv(self.norm(tokens)).view(n, h * w, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        tokens = tokens + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, h * w, c))
        tokens = tokens + self.mlp(tokens)
        return tokens.transpose(1, 2).reshape(n, c, h, w)


def longest_side(x: Tensor, size: int) -> tuple[int, int]:
    """Height and width of a picture (N, C, H, W) once its long side is ``size`` pixels."""
    height, width = x.shape[2:]
    scale = size / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def positions(x: Tensor) -> Tensor:
    """Row and column of each position relative to the centre, in units of half the long side, (1, 2, H, W)."""
    height, width = x.shape[2:]
    half = max(height, width) / 2
    rows = (torch.arange(height, device=x.device, dtype=x.dtype) + 0.5 - height / 2) / half
    columns = (torch.arange(width, device=x.device, dtype=x.dtype) + 0.5 - width / 2) / half
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij"))[None]
