"""Magenta's network for arbitrary styles (Ghiasi et al., BMVC 2017), in the small version for phones.

One network looks at a style and predicts a vector of 100 numbers: MobileNetV2 (Sandler et al., CVPR 2018). Another
paints any content in one pass; scales and offsets of its instance normalisations are linear in that vector. The
published files compute in 8-bit integers at fixed sizes. Here the same weights compute in floating point, at any size.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spnst_core.imaging.io import resize

VECTOR = 100
"""Numbers that describe a style."""

STYLE_SIDE = 256
"""Side in pixels of the square in which a style is looked at."""

STRIDE = 4
"""Pixels per position of the residual blocks; sides are padded to a multiple of it."""

RESIDUALS = 5
"""Number of residual blocks."""

BLOCKS = (
    *((32, 16, 1, 1), (16, 24, 2, 6), (24, 24, 1, 6)),
    *((24, 32, 2, 6), (32, 32, 1, 6), (32, 32, 1, 6)),
    *((32, 64, 2, 6), (64, 64, 1, 6), (64, 64, 1, 6), (64, 64, 1, 6)),
    *((64, 96, 1, 6), (96, 96, 1, 6), (96, 96, 1, 6)),
    *((96, 160, 2, 6), (160, 160, 1, 6), (160, 160, 1, 6), (160, 320, 1, 6)),
)
"""Blocks of MobileNetV2: channels in and out, stride, and by how much they expand the channels in between."""

_EPSILON = 1e-5


class Magenta(nn.Module):
    """Both networks: `style_vector` looks at styles, calling it paints contents."""

    def __init__(self) -> None:
        super().__init__()
        self.predict = _Predictor()
        self.transform = _Transformer()

    def style_vector(self, style: Tensor) -> Tensor:
        """What is to be known of styles, (N, `VECTOR`); a weighted mean of such vectors is a blend.

        Args:
            style: (N, 3, H, W) RGB in [0, 1]; the square in the middle is looked at.
        """
        height, width = style.shape[2:]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        vectors: Tensor = self.predict(resize(style[..., top : top + side, left : left + side], STYLE_SIDE, STYLE_SIDE))
        return vectors

    def forward(self, content: Tensor, vectors: Tensor) -> Tensor:
        """The pastiches of contents (N, 3, H, W) RGB in [0, 1], of the same shape and range.

        Args:
            content: any H and W from 16.
            vectors: of the styles, (N, `VECTOR`).
        """
        height, width = content.shape[2:]
        padded = F.pad(content, (0, -width % STRIDE, 0, -height % STRIDE), mode="reflect")
        painted: Tensor = self.transform(padded, vectors[:, :, None, None])
        return painted[..., :height, :width]


class _Predictor(nn.Module):
    """(N, 3, 256, 256) in [0, 1] → (N, 100)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = _Convolution(3, 32, 3, stride=2)
        self.blocks = nn.ModuleList(_InvertedResidual(*block) for block in BLOCKS)
        self.last = nn.Conv2d(320, 1280, 1)
        self.vector = nn.Conv2d(1280, VECTOR, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu6(self.first(x))
        for block in self.blocks:
            x = block(x)
        vectors: Tensor = self.vector(F.relu6(self.last(x)).mean((2, 3), keepdim=True))
        return vectors.flatten(1)


class _Convolution(nn.Conv2d):
    """As TensorFlow pads on even sides: by one on each side, or with stride 2 only at the bottom and on the right."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(channels, out, kernel, stride, groups=groups)
        self.border = (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.border))


class _InvertedResidual(nn.Module):
    """Channels are expanded, each convolved by itself, and projected; the sum with the input where shapes allow it."""

    def __init__(self, channels: int, out: int, stride: int, factor: int) -> None:
        super().__init__()
        inner = factor * channels
        self.expand = nn.Conv2d(channels, inner, 1) if factor > 1 else None
        self.depthwise = _Convolution(inner, inner, 3, stride, groups=inner)
        self.project = nn.Conv2d(inner, out, 1)
        self.adds = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.adds else y


class _Transformer(nn.Module):
    """Contents (N, 3, H, W) in [0, 1] and vectors (N, 100, 1, 1) → pastiches (N, 3, H, W) in [0, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.contract = nn.ModuleList(
            [_reflecting(3, 8, 9), _reflecting(8, 16, 3, stride=2), _reflecting(16, 32, 3, stride=2)]
        )
        self.residuals = nn.ModuleList(_Residual(32) for _ in range(RESIDUALS))
        self.expand = nn.ModuleList([_Styled(32, 16, 3), _Styled(16, 8, 3)])
        self.last = _Styled(8, 3, 9)

    def forward(self, x: Tensor, vectors: Tensor) -> Tensor:
        for convolution in self.contract:
            x = F.relu(convolution(x))
        for residual in self.residuals:
            x = residual(x, vectors)
        for styled in self.expand:
            x = F.relu(styled(F.interpolate(x, scale_factor=2, mode="nearest"), vectors))
        return torch.sigmoid(self.last(x, vectors))


class _Styled(nn.Module):
    """A convolution and an instance normalisation whose scales and offsets depend on the style."""

    def __init__(self, channels: int, out: int, kernel: int) -> None:
        super().__init__()
        self.convolution = _reflecting(channels, out, kernel, bias=False)  # normalising would take it out again
        self.scale = nn.Conv2d(VECTOR, out, 1)
        self.offset = nn.Conv2d(VECTOR, out, 1)

    def forward(self, x: Tensor, vectors: Tensor) -> Tensor:
        x = F.instance_norm(self.convolution(x), eps=_EPSILON)
        y: Tensor = x * self.scale(vectors) + self.offset(vectors)
        return y


class _Residual(nn.Module):
    """x + f(x) of two convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _Styled(channels, channels, 3)
        self.second = _Styled(channels, channels, 3)

    def forward(self, x: Tensor, vectors: Tensor) -> Tensor:
        y: Tensor = x + self.second(F.relu(self.first(x, vectors)), vectors)
        return y


def _reflecting(channels: int, out: int, kernel: int, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(channels, out, kernel, stride, kernel // 2, padding_mode="reflect", bias=bias)
