"""Convolutions 3 × 3 with a quarter of the multiplications, for processors where networks multiply float32.

Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016, F(4×4, 3×3): sixteen responses come from a
tile of 6 × 6 by 36 products for each pair of channels, where the definition takes 144. Sums of large and small numbers
round more: with 128 channels by 1.3e-6 of the result, where the definition's are off by 4e-7.

The paper's points are 0, ±1, ±2 and ∞. Here they are 0, ±1, ½, −2 and ∞, for two reasons. Rounding errors are two
thirds as large; and the gradient with respect to the input, which is such a convolution by the flipped kernel, needs no
transformed kernels of its own. With every second sign turned, a flipped kernel is at the point a what the kernel is at
−1/a, times a²; so the gradient's are the kernel's own in another order, and signs are turned back around it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TILES = 512
"""Tiles at once: what is made of them stays in a processor's cache, and products of so many rows are fast."""

LEAST_CHANNELS = 64 * 128
"""Channels in times channels out from which this is faster, measured: 64 × 64 isn't, 64 × 128 is by up to a third."""

SMALLEST = 12
"""Side in responses below which there are too few tiles."""

# The transforms of a tile, of a kernel and of the products, for the points 0, 1, −1, ½, −2 and ∞.
_TILE = torch.tensor(
    [
        [2, -3, -4, 3, 2, 0],
        [0, -2, 1, 5, 2, 0],
        [0, -2, 5, -1, -2, 0],
        [0, 2, 1, -2, -1, 0],
        [0, 1, -2, -1, 2, 0],
        [0, 2, -3, -4, 3, 2],
    ],
    dtype=torch.float64,
)
_KERNEL = torch.tensor([[15, 0, 0], [5, 5, 5], [5, -5, 5], [4, 2, 1], [1, -2, 4], [0, 0, 15]], dtype=torch.float64) / 30
_RESPONSES = torch.tensor(
    [[1, 1, 1, 8, 1, 0], [0, 1, -1, 4, -2, 0], [0, 1, 1, 2, 4, 0], [0, 1, -1, 1, -8, 1]], dtype=torch.float64
)
_MIRRORED = [5, 2, 1, 4, 3, 0]
"""Where −1/a is, for each of the points a."""

_SIGNS = torch.tensor([1, -1, 1, -1, 1, -1], dtype=torch.float64)


@dataclass(frozen=True)
class _Way:
    """How tiles and products are transformed: for the responses, or for their gradient by the same kernels."""

    tile: Tensor
    products: Tensor


_THERE = _Way(_TILE, _RESPONSES)
_BACK = _Way(_TILE[_MIRRORED] * _SIGNS, _SIGNS[:4, None] * _RESPONSES[:, _MIRRORED])


class WinogradConv2d(nn.Conv2d):
    """A convolution 3 × 3 of stride 1 that takes less time, differentiable in its input alone.

    Small maps are convolved as usual.

    Args:
        weight: (C, c, 3, 3).
        bias: (C,) or None.
        padding: zeros around the picture, 0 to 2.

    Raises:
        ValueError: another kernel or padding.
    """

    kernels: Tensor

    def __init__(self, weight: Tensor, bias: Tensor | None, padding: int) -> None:
        if weight.shape[2:] != (3, 3) or padding not in (0, 1, 2):
            raise ValueError(f"a kernel {tuple(weight.shape[2:])} padded by {padding} isn't 3 × 3 padded by 0 to 2")
        # On no device: weights that would be thrown away mustn't be drawn.
        super().__init__(weight.shape[1], weight.shape[0], 3, padding=padding, bias=bias is not None, device="meta")
        self.zeros = padding
        self.weight = nn.Parameter(weight.detach(), requires_grad=False)
        if bias is not None:
            self.bias = nn.Parameter(bias.detach(), requires_grad=False)
        self.register_buffer("kernels", _kernels(weight.detach()), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, c, H, W) → (N, C, H + 2p − 2, W + 2p − 2)."""
        if min(x.shape[2:]) + 2 * self.zeros - 2 < SMALLEST:
            return super().forward(x)
        found: Tensor = _Winograd.apply(x, self.kernels, self.bias, self.zeros)
        return found


def pays(layer: nn.Conv2d) -> bool:
    """Whether `WinogradConv2d` can do the same in less time."""
    return (
        (layer.kernel_size, layer.stride, layer.dilation, layer.groups) == ((3, 3), (1, 1), (1, 1), 1)
        and layer.padding in ((0, 0), (1, 1))
        and layer.padding_mode == "zeros"
        and layer.in_channels * layer.out_channels >= LEAST_CHANNELS
    )


class _Winograd(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, kernels: Tensor, bias: Tensor | None, padding: int) -> Tensor:
        ctx.save_for_backward(kernels)
        ctx.padding = padding
        return _convolved(x, kernels, bias, padding, _THERE)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        (kernels,) = ctx.saved_tensors
        return _convolved(grads[0], kernels.mT, None, 2 - ctx.padding, _BACK), None, None, None


def _convolved(x: Tensor, kernels: Tensor, bias: Tensor | None, padding: int, way: _Way) -> Tensor:
    """Pictures (N, c, H, W) with transformed kernels (36, c, C), one by one: a batch rounds as they do alone."""
    padded = F.pad(x, (padding,) * 4).contiguous(memory_format=torch.channels_last)
    height, width = padded.shape[2] - 2, padded.shape[3] - 2
    y = torch.empty(
        (len(x), kernels.shape[2], height, width), dtype=x.dtype, device=x.device, memory_format=torch.channels_last
    )
    for source, target in zip(padded.permute(0, 2, 3, 1), y.permute(0, 2, 3, 1), strict=True):
        for left, columns in _spans(width, width):
            for top, rows in _spans(height, 4 * max(1, TILES // (columns // 4))):
                seen = source[top : top + rows + 2, left : left + columns + 2]
                own = target[top : top + rows, left : left + columns]
                own.view(rows // 4, 4, columns // 4, 4, -1).copy_(_of_tiles(seen, kernels, bias, way))
    return y


def _spans(length: int, most: int) -> Iterator[tuple[int, int]]:
    """Where spans of fours begin and how long they are, none longer than ``most``; the last one may overlap."""
    fours = length // 4 * 4
    for first in range(0, fours, most):
        yield first, min(most, fours - first)
    if fours < length:
        yield length - 4, 4


def _of_tiles(seen: Tensor, kernels: Tensor, bias: Tensor | None, way: _Way) -> Tensor:
    """Of a part (4·r + 2, 4·k + 2, c) of one padded picture the responses, (r, 4, k, 4, C)."""
    tiles = seen.unfold(0, 6, 4).unfold(1, 6, 4)  # (r, k, c, 6, 6)
    rows, columns, channels = tiles.shape[:3]
    spread = _square(way.tile, seen) @ tiles.permute(3, 4, 0, 1, 2).reshape(36, -1)
    products = torch.bmm(spread.view(36, rows * columns, channels), kernels)
    responses = (_square(way.products, seen) @ products.view(36, -1)).view(4, 4, rows, columns, -1)
    if bias is not None:
        responses += bias
    return responses.permute(2, 0, 3, 1, 4)


def _square(transform: Tensor, like: Tensor) -> Tensor:
    """What transforms rows and columns at once."""
    return torch.kron(transform, transform).to(like)


def _kernels(weight: Tensor) -> Tensor:
    """(C, c, 3, 3) → (36, c, C)."""
    transformed = _square(_KERNEL, weight.double()) @ weight.double().flatten(2).flatten(0, 1).mT
    return transformed.view(36, *weight.shape[:2]).mT.contiguous().to(weight.dtype)
