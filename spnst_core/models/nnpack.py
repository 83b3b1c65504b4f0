"""Convolutions by NNPACK, which comes with PyTorch, for CPUs on which networks multiply float32.

It multiplies transforms: for kernels 3 × 3 Winograd's F(6×6, 3×3), 64 products for each pair of channels where the
definition takes 324 (Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016), for larger ones
Fourier's. Sums of large and small numbers round more: with 128 channels by 4e-6 of the result, where the definition's
are off by 4e-7.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from spnst_core.compute.threads import begun_with, in_parallel
from spnst_core.compute.torch_private import has_nnpack, nnpack_convolution

LEAST_CHANNELS = 3 * 64
"""Input times output channels from which NNPACK is faster, measured: 16 × 16 isn't, 3 × 64 is with its gradient."""

LEAST_PIXELS = 32 * 32
"""Pixels of a map below which direct convolution is faster, because NNPACK transforms the kernels at every call.

On one thread, 128 × 128 channels on 12 × 16 pixels take 2.9 ms by NNPACK and 1.2 directly, on 24 × 32 pixels 4.4 and
4.0, on 48 × 64 pixels 8.9 and 14. Kernels of 5 × 5 and other numbers of channels turn at the same size.
"""

SMALLEST_SIDE = 12
"""Pixels of the shorter side below which NNPACK's tiles of 6 × 6 results are mostly margin."""

MOST_THREADS = 4
"""Most threads per picture. With more, direct convolution is faster, because each thread transforms the picture.

Calculated, not measured.
"""

KERNELS = (3, 5)
"""Supported kernel sides, which are those of the networks here."""


class NnpackConv2d(nn.Conv2d):
    """A faster float32 convolution of stride 1, differentiable with respect to its input only.

    Small maps, dtypes other than float32 and devices other than CPUs use PyTorch's own convolution.

    Args:
        weight: (C, c, k, k), k being 3 or 5.
        bias: (C,) or None.
        padding: zeros around the picture, less than k.

    Raises:
        ValueError: another kernel or padding.
    """

    flipped: Tensor

    def __init__(self, weight: Tensor, bias: Tensor | None, padding: int) -> None:
        height, width = weight.shape[2:]
        if height != width or height not in KERNELS or not 0 <= padding < height:
            raise ValueError(f"a kernel {height} × {width} padded by {padding} isn't 3 × 3 or 5 × 5 padded by less")
        # On the meta device, so that no weights are initialised only to be replaced.
        super().__init__(
            weight.shape[1], weight.shape[0], height, padding=padding, bias=bias is not None, device="meta"
        )
        self.zeros = padding
        self.weight = nn.Parameter(weight.detach().contiguous(), requires_grad=False)
        if bias is not None:
            self.bias = nn.Parameter(bias.detach(), requires_grad=False)
        self.register_buffer("flipped", self.weight.flip(2, 3).transpose(0, 1).contiguous(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, c, H, W) → (N, C, H + 2p − k + 1, W + 2p − k + 1)."""
        usual = x.dtype != torch.float32 or x.device.type != "cpu" or torch.get_num_threads() > MOST_THREADS
        if usual or x.shape[2] * x.shape[3] < LEAST_PIXELS or min(x.shape[2:]) < SMALLEST_SIDE:
            return super().forward(x)
        found: Tensor = _Convolution.apply(x, self.weight, self.bias, self.flipped, self.zeros)
        return found


def pays(layer: nn.Conv2d) -> bool:
    """Whether `NnpackConv2d` can replace the convolution and is faster on this machine."""
    side = layer.kernel_size[0]
    return (
        (layer.kernel_size, layer.stride, layer.dilation, layer.groups) == ((side, side), (1, 1), (1, 1), 1)
        and side in KERNELS
        and layer.padding in [(padding, padding) for padding in range(side)]
        and layer.padding_mode == "zeros"
        and layer.in_channels * layer.out_channels >= LEAST_CHANNELS
        and _started()
    )


class _Convolution(torch.autograd.Function):
    """The gradient with respect to the input is a convolution by the flipped kernels."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, flipped: Tensor, padding: int) -> Tensor:
        ctx.save_for_backward(flipped)
        ctx.padding = weight.shape[2] - 1 - padding
        return _convolved(x, weight, bias, padding)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None, None]:
        (flipped,) = ctx.saved_tensors
        return _convolved(grads[0], flipped, None, ctx.padding), None, None, None, None


def _convolved(x: Tensor, weight: Tensor, bias: Tensor | None, padding: int) -> Tensor:
    """Convolve picture by picture, because NNPACK is slower with several at once."""
    filters = weight, weight.new_zeros(len(weight)) if bias is None else bias
    found = [_of_one(picture, *filters, padding) for picture in x.contiguous().split(1)]
    return torch.cat(found) if len(found) > 1 else found[0]


def _of_one(picture: Tensor, weight: Tensor, bias: Tensor, padding: int) -> Tensor:
    """Convolve (1, c, H, W), with the filters divided among the threads."""

    def part(share: tuple[Tensor, Tensor]) -> Tensor:
        return nnpack_convolution(picture, *share, padding)

    threads = torch.get_num_threads()
    if threads == 1:
        return part((weight, bias))
    shares = list(zip(weight.chunk(threads), bias.chunk(threads), strict=True))
    return torch.cat(in_parallel(part, shares, threads), 1)


@cache
def _started() -> bool:
    """Whether NNPACK is available, and if it is, start it.

    When it is first used, NNPACK makes as many threads of its own as the calling thread has in PyTorch. Called from a
    thread that has only one, it makes none; its threads would busy-wait and slow PyTorch's down.
    """
    if not has_nnpack():
        return False
    picture, filters = torch.zeros(1, 1, SMALLEST_SIDE, SMALLEST_SIDE), (torch.zeros(1, 1, 3, 3), torch.zeros(1))
    with begun_with(1, 1) as pool:
        pool.submit(_of_one, picture, *filters, 1).result()
    return True
