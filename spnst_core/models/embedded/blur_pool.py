"""Blur-pool: blurring before subsampling by two, so that shifting a picture by one pixel hardly changes the result."""

from typing import Any

import torch
from torch import Tensor


def blur_pool(x: Tensor) -> Tensor:
    """Binomial [1 2 1]/4 blur in both directions, then every second pixel (Zhang, ICML 2019, arXiv:1904.11486).

    The picture is mirrored at its borders. Shape: (N, C, H, W) → (N, C, ⌈H/2⌉, ⌈W/2⌉), sides of at least 2.
    """
    found: Tensor = _BlurPool.apply(x)
    return found


class _BlurPool(torch.autograd.Function):
    """Sums of shifted slices: a depthwise convolution takes longer, and in bfloat16 many times longer."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.sides = x.shape[2:]
        return _halved(_halved(x, 2), 3)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        height, width = ctx.sides
        return _halved_transposed(_halved_transposed(grads[0], 3, width), 2, height)


def _halved(x: Tensor, dim: int) -> Tensor:
    """(x[2k-1] + 2·x[2k] + x[2k+1]) / 4 along one dimension."""
    even, odd = _every_second(x, 0, dim), _every_second(x, 1, dim)
    last = odd.shape[dim]
    y = 2 * even
    y.narrow(dim, 0, last).add_(odd)
    y.narrow(dim, 1, even.shape[dim] - 1).add_(odd.narrow(dim, 0, even.shape[dim] - 1))
    y.narrow(dim, 0, 1).add_(odd.narrow(dim, 0, 1))  # mirrored
    if last < even.shape[dim]:
        y.narrow(dim, last, 1).add_(odd.narrow(dim, last - 1, 1))  # mirrored
    return y.div_(4)


def _halved_transposed(grad: Tensor, dim: int, length: int) -> Tensor:
    """The transpose of `_halved`: from ⌈length/2⌉ values along ``dim`` to ``length``."""
    sides = [*grad.shape[:dim], length, *grad.shape[dim + 1 :]]
    x = torch.empty(sides, dtype=grad.dtype, device=grad.device, memory_format=_format(grad))
    even, odd = _every_second(x, 0, dim), _every_second(x, 1, dim)
    last = odd.shape[dim]
    torch.div(grad, 2, out=even)
    odd.copy_(grad.narrow(dim, 0, last))
    odd.narrow(dim, 0, even.shape[dim] - 1).add_(grad.narrow(dim, 1, even.shape[dim] - 1))
    odd.narrow(dim, 0, 1).add_(grad.narrow(dim, 0, 1))
    if last < even.shape[dim]:
        odd.narrow(dim, last - 1, 1).add_(grad.narrow(dim, last, 1))
    odd.div_(4)
    return x


def _format(x: Tensor) -> torch.memory_format:
    """The memory format of ``x``."""
    flat = x.is_contiguous() or not x.is_contiguous(memory_format=torch.channels_last)
    return torch.contiguous_format if flat else torch.channels_last


def _every_second(x: Tensor, first: int, dim: int) -> Tensor:
    return x[(slice(None),) * dim + (slice(first, None, 2),)]
