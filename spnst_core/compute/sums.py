"""Sums over whole pictures in float32 or wider, chunk by chunk: bit-identical on any number of threads.

Shape:
    Inputs are (N, …). A target may have N = 1 and then applies to the whole batch. Results are (N,), differentiable
    in the first argument.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

PIECE = 2**18
"""Values per chunk on a CPU: one megabyte of float32."""

LINES = 2**14
"""Rows per chunk on a CPU, few enough that PyTorch doesn't divide them between threads."""


def wide(x: Tensor) -> Tensor:
    """The tensor in float32 or wider: the eight significant bits of bfloat16 aren't enough for sums."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _pair(x: Tensor, target: Tensor) -> None:
    if x.shape[1:] != target.shape[1:] or target.shape[0] not in (1, x.shape[0]):
        raise ValueError(f"target of shape {tuple(target.shape)} doesn't fit a batch of shape {tuple(x.shape)}")


def total_squared_error(x: Tensor, target: Tensor) -> Tensor:
    """Σ(x − t)² over all but the first dimension, (N,); the target isn't differentiated.

    Raises:
        ValueError: the shapes don't fit.
    """
    _pair(x, target)
    error: Tensor = _TotalSquaredError.apply(x, target)
    return error


class _TotalSquaredError(torch.autograd.Function):
    """Chunk by chunk, so that on a CPU no float32 copy of the features is ever stored.

    Only the features and their target are kept for the backward pass. The gradient has the dtype and the memory layout
    of x.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, target: Tensor) -> Tensor:
        ctx.save_for_backward(x, target)
        return torch.stack([total((wide(a) - wide(b)).square_()) for a, b in _pieces(x, target)]).sum(0)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None]:
        (x, target), factor = ctx.saved_tensors, 2 * grads[0][:, None, None]
        order, done = _order(x), 0
        gradient = torch.empty([x.shape[dim] for dim in order], dtype=x.dtype, device=x.device)
        lines = gradient.view(len(x), -1, gradient.shape[-1])
        for a, b in _pieces(x, target):
            lines[:, done : done + a.shape[1]].copy_((wide(a) - wide(b)).mul_(factor))
            done += a.shape[1]
        return gradient.permute([order.index(dim) for dim in range(x.dim())]), None


def _order(x: Tensor) -> list[int]:
    """The dimensions of ``x`` in memory order, the batch first."""
    return [0, *sorted(range(1, x.dim()), key=x.stride, reverse=True)]


def _pieces(x: Tensor, *others: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Corresponding chunks (N, rows, n) of the tensors, in the memory order of ``x``.

    On a CPU a chunk fits the cache; on other devices the only chunk is the whole tensor.
    """
    order = _order(x)
    lines = [y.expand_as(x).permute(order).reshape(len(x), -1, x.shape[order[-1]]) for y in (x, *others)]
    most = max(1, min(PIECE // max(1, lines[0].shape[2]), LINES)) if x.device.type == "cpu" else lines[0].shape[1]
    return zip(*(y.split(most, 1) for y in lines), strict=True)


def total(x: Tensor) -> Tensor:
    """Sum of (N, rows, n) per picture, row by row first: PyTorch's sum over both depends on the number of threads."""
    return x.sum(2).sum(1)


def energy(x: Tensor) -> Tensor:
    """Σx² over all but the first dimension."""
    return torch.stack([total(wide(piece).square()) for (piece,) in _pieces(x)]).sum(0)
