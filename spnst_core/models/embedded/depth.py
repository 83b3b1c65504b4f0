"""DepthNet: a small network for monocular relative inverse depth, trained on rendered scenes (see training/).

An inverted-residual U-Net (Sandler et al., MobileNetV2, arXiv:1801.04381) with two self-attention blocks at its
coarsest level, where a picture is at most 6x6 tokens, so that every output sees the whole scene.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

WEIGHTS = Path(__file__).with_name("depth.safetensors")
STRIDE = 32


class DepthNet(nn.Module):
    """Relative inverse depth (larger = nearer) of RGB pictures, known up to a scale and a shift.

    The picture is resized so that its long side is ``size`` and both sides are multiples of 32, and the prediction
    is resized back. Every normalisation is within one picture, so a batch gives what its pictures give one by one.

    Shape: (N, 3, H, W) in [0, 1] → (N, 1, H, W), any H and W, differentiable with respect to the input.
    """

    size = 192

    def __init__(self) -> None:
        super().__init__()
        self.stem = _conv(3, 16, stride=2)
        self.down4 = nn.Sequential(_conv(16, 32, stride=2), _Residual(32, _conv(32, 32)))
        self.down8 = nn.Sequential(_conv(32, 64, stride=2), _inverted(64), _inverted(64))
        self.down16 = nn.Sequential(_conv(64, 96, stride=2, groups=32), _inverted(96), _inverted(96), _inverted(96))
        self.down32 = nn.Sequential(_conv(96, 144, stride=2, groups=48), _inverted(144))
        self.context = nn.Sequential(_Attention(144), _Attention(144))
        self.up16 = _Up(144, 96, 96, _inverted(96))
        self.up8 = _Up(96, 64, 64, _inverted(64))
        self.up4 = _Up(64, 32, 32, _Residual(32, _conv(32, 32)))
        self.up2 = _Up(32, 16, 16, _conv(16, 16))
        self.head = nn.Conv2d(16, 1, 3, padding=1, padding_mode="replicate")

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) RGB in [0, 1] → (N, 1, H, W) relative inverse depth, any scale."""
        height, width = x.shape[-2:]
        small = F.interpolate(x, _working_size(height, width, self.size), mode="bilinear", antialias=True)
        return F.interpolate(self.predict(small), (height, width), mode="bicubic", align_corners=False)

    def predict(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) with sides that are multiples of 32 → (N, 1, H/2, W/2), without any resizing."""
        x2 = self.stem(4.0 * x - 2.0)
        x4 = self.down4(x2)
        x8 = self.down8(x4)
        x16 = self.down16(x8)
        y = self.context(self.down32(x16))
        y = self.up16(y, x16)
        y = self.up8(y, x8)
        y = self.up4(y, x4)
        return self.head(self.up2(y, x2))


def load_depth() -> DepthNet:
    """The trained network, float32, in eval mode, its weights frozen."""
    net = DepthNet()
    net.load_state_dict({name: weight.float() for name, weight in load_file(WEIGHTS).items()})
    return net.eval().requires_grad_(False)


def _working_size(height: int, width: int, size: int) -> tuple[int, int]:
    scale = size / max(height, width)
    return (max(1, round(height * scale / STRIDE)) * STRIDE, max(1, round(width * scale / STRIDE)) * STRIDE)


def _conv(channels: int, out: int, stride: int = 1, kernel: int = 3, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.GroupNorm(out // 8, out),
        nn.SiLU(),
    )


def _inverted(channels: int, expansion: int = 3) -> nn.Module:
    inner = channels * expansion
    return _Residual(
        channels,
        nn.Sequential(
            _conv(channels, inner, kernel=1),
            nn.Conv2d(inner, inner, 5, padding=2, groups=inner, bias=False),
            nn.SiLU(),
            nn.Conv2d(inner, channels, 1, bias=False),
        ),
    )


class _Residual(nn.Module):
    """x + g·f(x); the gain g of each channel starts small, so that the deep network starts out shallow."""

    def __init__(self, channels: int, body: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.gain = nn.Parameter(torch.full((1, channels, 1, 1), 0.2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.gain * self.body(x)


class _Attention(nn.Module):
    """A transformer block over the positions of a small feature map (Dosovitskiy et al., arXiv:2010.11929)."""

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.place = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.qkv = nn.Sequential(nn.GroupNorm(1, channels), nn.Conv2d(channels, 3 * channels, 1))
        self.out = nn.Conv2d(channels, channels, 1)
        self.mlp = nn.Sequential(
            nn.GroupNorm(1, channels),
            nn.Conv2d(channels, 2 * channels, 1),
            nn.GELU(),
            nn.Conv2d(2 * channels, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        x = x + self.place(x)
        q, k, v = self.qkv(x).reshape(n, 3, self.heads, c // self.heads, h * w).transpose(-1, -2).unbind(1)
        y = F.scaled_dot_product_attention(q, k, v).transpose(-1, -2).reshape(n, c, h, w)
        x = x + self.out(y)
        return x + self.mlp(x)


class _Up(nn.Module):
    """Doubles the resolution and joins the encoder's features of that resolution."""

    def __init__(self, channels: int, skip: int, out: int, body: nn.Module) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(channels, out, 1, bias=False)
        self.skip = _conv(skip, out, kernel=1)
        self.body = body

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        up = F.interpolate(self.narrow(x), scale_factor=2.0, mode="bilinear", align_corners=False)
        y: Tensor = self.body(up + self.skip(skip))
        return y
