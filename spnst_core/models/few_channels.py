"""A convolution of pictures: its input has so few channels that the usual gradient multiplies mostly in vain."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def conv_of_few_channels(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``F.conv2d(x, weight, bias)``, differentiable in ``x`` alone; the gradient takes half as long or less.

    Shape: x (N, c, H, W) with c of at most a few, weight (C, c, k, k) → (N, C, H − k + 1, W − k + 1).

    Raises:
        ValueError: the weight isn't square.
    """
    if weight.shape[2] != weight.shape[3]:
        raise ValueError(f"a kernel of {weight.shape[2]} × {weight.shape[3]} isn't square")
    found: Tensor = _ConvOfFewChannels.apply(x, weight, bias)
    return found


class _ConvOfFewChannels(torch.autograd.Function):
    """The gradient is a convolution as well, with c channels to give, and libraries compute sixteen.

    So it gives 4·c: those of a pixel and of its three neighbours, at every second pixel of every second row, by kernels
    one wider that hold the flipped one in its four places.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.sides = x.shape[2:]
        return F.conv2d(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        ((weight,), (height, width)), grad = (ctx.saved_tensors, ctx.sides), grads[0]
        kernel = _of_four_pixels(weight.to(grad.dtype))
        # The first row and column of pixels lie outside: so one more of each is there where a side is odd.
        found = F.pixel_shuffle(F.conv2d(grad, kernel, stride=2, padding=weight.shape[2]), 2)
        return found[:, :, 1 : 1 + height, 1 : 1 + width], None, None


def _of_four_pixels(weight: Tensor) -> Tensor:
    """(C, c, k, k) → (4·c, C, k + 1, k + 1), its channels in the order of `F.pixel_shuffle`."""
    flipped, side = weight.flip(2, 3).transpose(0, 1), weight.shape[2]
    places = [F.pad(flipped, (b, 1 - b, a, 1 - a)) for a in (0, 1) for b in (0, 1)]
    kernel = torch.stack(places, 1).reshape(-1, weight.shape[0], side + 1, side + 1)
    return kernel.contiguous(memory_format=torch.channels_last)
