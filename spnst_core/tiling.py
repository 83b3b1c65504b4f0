"""Networks seen tile by tile: sums and maps of a whole picture, and their exact gradients, in the memory of one tile.

A tile is read with a halo as wide as the network looks, so that its own responses are those of the whole picture; a
network pads at the picture's borders and nowhere else. What a tile gives is small (a Gram, a map of one channel), and
its features are forgotten: when gradients are asked for, the network looks at the tile once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from types import EllipsisType
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

Network = Callable[[Tensor, "Tile"], list[Tensor]]
"""From what a tile reads, (N, C, h, w), to what is to be summed or joined."""


@dataclass(frozen=True)
class Reach:
    """How a layer looks at a picture: one response for each ``stride`` pixels, from up to ``halo`` pixels around them.

    The pixels of a response are those of its place on a grid of ``stride``.
    """

    stride: int = 1
    halo: int = 0

    def then(self, kernel: int, stride: int = 1) -> Reach:
        """The same after a convolution or pooling, padded by half its kernel where that is odd."""
        return Reach(self.stride * stride, self.halo + (kernel - 1) // 2 * self.stride)

    @staticmethod
    def furthest(reaches: Iterable[Reach]) -> Reach:
        """The largest stride and the largest halo."""
        found = list(reaches)
        return Reach(max((r.stride for r in found), default=1), max((r.halo for r in found), default=0))


@dataclass(frozen=True)
class Span:
    """A tile along one side: it reads pixels ``start`` to ``stop``; its own are ``first`` to ``last``, None the end."""

    start: int
    stop: int
    first: int
    last: int | None

    def own(self, stride: int) -> slice:
        """Its own among the responses to what it reads."""
        last = None if self.last is None else (self.last - self.start) // stride
        return slice((self.first - self.start) // stride, last)


@dataclass(frozen=True)
class Tile:
    """A part of a picture, and what must be read to know it."""

    rows: Span
    columns: Span

    @property
    def window(self) -> tuple[slice | EllipsisType, ...]:
        """What it reads of a picture (N, C, H, W)."""
        return ..., slice(self.rows.start, self.rows.stop), slice(self.columns.start, self.columns.stop)

    def own(self, responses: Tensor, stride: int) -> Tensor:
        """Its own among a layer's responses to its window."""
        return responses[..., self.rows.own(stride), self.columns.own(stride)]


def cut(height: int, width: int, side: int, reach: Reach) -> list[Tile]:
    """Tiles, row by row, that share out a picture, none reading more than ``side`` pixels each way.

    They end on multiples of the stride or at the picture's border, and are as even as can be. A side too short for the
    halos gives tiles that are two halos wide, however much they read.
    """
    return [Tile(rows, columns) for rows in _spans(height, side, reach) for columns in _spans(width, side, reach)]


def whole(height: int, width: int) -> Tile:
    """A picture in one tile."""
    return Tile(Span(0, height, 0, None), Span(0, width, 0, None))


def summed(network: Network, x: Tensor, tiles: Sequence[Tile]) -> list[Tensor]:
    """What the network gives for each tile of pictures (N, C, H, W), added up; differentiable with respect to them."""
    return reduce(lambda total, part: [a + b for a, b in zip(total, part, strict=True)], _looks(network, x, tiles))


def joined(network: Network, x: Tensor, tiles: Sequence[Tile], strides: Sequence[int]) -> list[Tensor]:
    """Maps of whole pictures (N, C, H, W) from a network's answers to tiles, one map for each of ``strides``.

    Differentiable with respect to the pictures.
    """

    def own(piece: Tensor, tile: Tile) -> list[Tensor]:
        maps = network(piece, tile)
        # Copies, or else the map of all that was read would stay in memory.
        return [tile.own(m, stride).clone() for m, stride in zip(maps, strides, strict=True)]

    found = zip(tiles, _looks(own, x, tiles), strict=True)
    rows = [[maps for _, maps in row] for _, row in groupby(found, key=lambda each: each[0].rows)]
    return [torch.cat([torch.cat([maps[k] for maps in row], 3) for row in rows], 2) for k in range(len(strides))]


def _looks(network: Network, x: Tensor, tiles: Sequence[Tile]) -> Iterable[list[Tensor]]:
    for tile, piece in zip(tiles, _Windows.apply(x, tiles), strict=True):
        yield checkpoint(network, piece, tile, use_reentrant=False, preserve_rng_state=False)


class _Windows(torch.autograd.Function):
    """The windows of all tiles. Plain slices would each have a gradient as large as the picture."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, tiles: Sequence[Tile]) -> tuple[Tensor, ...]:
        ctx.tiles, ctx.shape = tiles, x.shape
        return tuple(x[tile.window] for tile in tiles)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None]:
        total = grads[0].new_zeros(ctx.shape)
        for tile, grad in zip(ctx.tiles, grads, strict=True):
            total[tile.window] += grad
        return total, None


def _spans(length: int, side: int, reach: Reach) -> list[Span]:
    if length <= side:
        return [Span(0, length, 0, None)]
    stride, halo = reach.stride, -(-reach.halo // reach.stride) * reach.stride
    count = -(-length // max(side - 2 * halo - stride, 2 * halo, stride))  # rounded ends may move by a stride
    ends = sorted({k * length // count // stride * stride for k in range(1, count)} - {0})
    return [
        Span(max(0, first - halo), length if last is None else min(length, last + halo), first, last)
        for first, last in zip([0, *ends], [*ends, None], strict=True)
    ]
