"""Networks evaluated tile by tile: sums and maps of a whole picture, with exact gradients, in the memory of one tile.

A tile is read with a halo as wide as the network's receptive field reaches, so that its own responses equal those of
the whole picture; padding acts only at the picture's borders. The result of a tile is small (a Gram, a map of one
channel), and its features are discarded; for the gradient the network is evaluated on the tile again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from spnst_core.compute.process import trim_heap

ALIGNED = 6
"""Windows start on multiples of this many responses, so that NNPACK's 3 × 3 convolutions round as on the whole picture.

Otherwise max pooling would select other positions in areas of a single colour, and the gradient would differ.
"""

Slices = tuple[slice | EllipsisType, ...]
"""An index that selects a rectangle of tensors (…, H, W) as a view."""

Network = Callable[[Tensor, "Tile"], list[Tensor]]
"""From the window of a tile, (N, C, h, w), to the tensors to be summed or joined."""


@dataclass(frozen=True)
class Reach:
    """Receptive field of a layer: one response per ``stride`` pixels, which depends on ``halo`` pixels around them.

    The pixels of a response are those of its position on a grid of ``stride``.
    """

    stride: int = 1
    halo: int = 0

    def then(self, kernel: int, stride: int = 1) -> Reach:
        """The reach after one more convolution or pooling, which is padded by half its kernel if that is odd."""
        return Reach(self.stride * stride, self.halo + (kernel - 1) // 2 * self.stride)

    @staticmethod
    def furthest(reaches: Iterable[Reach]) -> Reach:
        """The largest stride and the largest halo."""
        found = list(reaches)
        return Reach(max((r.stride for r in found), default=1), max((r.halo for r in found), default=0))


@dataclass(frozen=True)
class Extent:
    """A tile along one axis: it reads pixels ``start`` to ``stop`` and owns ``first`` to ``last``; None is the end."""

    start: int
    stop: int
    first: int
    last: int | None

    def own(self, stride: int, origin: int = 0) -> slice:
        """Index of the tile's own responses in a layer whose first response is at pixel ``origin``."""
        last = None if self.last is None else (self.last - origin) // stride
        return slice((self.first - origin) // stride, last)


@dataclass(frozen=True)
class Tile:
    """A part of a picture, and the window that must be read to compute it."""

    rows: Extent
    columns: Extent

    @property
    def window(self) -> Slices:
        """Index of the window in a picture (N, C, H, W)."""
        return ..., slice(self.rows.start, self.rows.stop), slice(self.columns.start, self.columns.stop)

    def own(self, responses: Tensor, stride: int) -> Tensor:
        """The tile's own responses, out of a layer's responses to its window."""
        return responses[..., self.rows.own(stride, self.rows.start), self.columns.own(stride, self.columns.start)]

    def place(self, stride: int) -> Slices:
        """Index of the tile's own responses in the layer's responses to the whole picture."""
        return ..., self.rows.own(stride), self.columns.own(stride)

    def end(self, own: Tensor, stride: int) -> tuple[int, ...]:
        """Shape of the layer's responses to the whole picture, given those of its last tile."""
        height, width = self.rows.first // stride + own.shape[2], self.columns.first // stride + own.shape[3]
        return *own.shape[:2], height, width


def cut(height: int, width: int, side: int, reach: Reach) -> list[Tile]:
    """Tiles that partition a picture, row by row; none reads more than ``side`` pixels in either direction.

    Tiles end on multiples of the stride or at the picture's border, their windows start on multiples of `ALIGNED`
    strides, and they are as equal as that allows. If ``side`` is too short for the halos, tiles are two halos wide and
    read more than ``side``.
    """
    return [Tile(rows, columns) for rows in _extents(height, side, reach) for columns in _extents(width, side, reach)]


def whole(height: int, width: int) -> Tile:
    """The whole picture as one tile."""
    return Tile(Extent(0, height, 0, None), Extent(0, width, 0, None))


def recomputed(function: Callable[..., Tensor], *args: Any) -> Tensor:
    """The function's value; its intermediate results are recomputed for the gradient instead of kept."""

    def thrifty(*args: Any) -> Tensor:
        trim_heap()
        return function(*args)

    return checkpoint(thrifty, *args, use_reentrant=False, preserve_rng_state=False)


def summed(network: Network, x: Tensor, tiles: Sequence[Tile]) -> tuple[Tensor, ...]:
    """The network's results summed over the tiles of pictures (N, C, H, W); differentiable with respect to ``x``."""
    return _TileByTile.apply(x, network, tiles, None)


def gathered(network: Network, x: Tensor, tiles: Sequence[Tile], strides: Sequence[int | None]) -> tuple[Tensor, ...]:
    """Results of both kinds from one pass: summed over the tiles where the stride is None, else joined.

    Differentiable with respect to the pictures.
    """

    def own(piece: Tensor, tile: Tile) -> list[Tensor]:
        found = zip(network(piece, tile), strides, strict=True)
        return [part if stride is None else tile.own(part, stride) for part, stride in found]

    return _TileByTile.apply(x, own, tiles, strides)


def joined(network: Network, x: Tensor, tiles: Sequence[Tile], strides: Sequence[int]) -> tuple[Tensor, ...]:
    """Maps of whole pictures (N, C, H, W), assembled from a network's maps of tiles, one for each of ``strides``.

    Differentiable with respect to the pictures.
    """
    return gathered(network, x, tiles, strides)


class _TileByTile(torch.autograd.Function):
    """The network's results for all tiles, summed or, where there is a stride, assembled into maps.

    An autograd graph of checkpointed tiles would compute the same, but its many small allocations would fragment the
    heap, and none of the memory of the large ones could be returned to the system.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, network: Network, tiles: Sequence[Tile], strides: Sequence[int | None] | None
    ) -> tuple[Tensor, ...]:
        ctx.save_for_backward(x)
        ctx.network, ctx.tiles, ctx.strides = network, tiles, strides
        kind = x.device.type
        ctx.precision = kind, torch.get_autocast_dtype(kind), torch.is_autocast_enabled(kind)
        ctx.set_materialize_grads(False)
        totals: list[Tensor] = []
        for tile in reversed(tiles):
            if tile.columns.first == 0:
                trim_heap()
            parts = network(x[tile.window], tile)
            if not totals:  # the last tile ends where the picture ends
                totals = [
                    torch.zeros_like(part) if stride is None else part.new_zeros(tile.end(part, stride))
                    for part, stride in zip(parts, strides or [None] * len(parts), strict=True)
                ]
            for place, part in zip(_places(totals, tile, strides), parts, strict=True):
                place += part
        return tuple(totals)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor, None, None, None]:
        (x,) = ctx.saved_tensors
        gradient = torch.zeros_like(x)
        for tile in ctx.tiles:
            if tile.columns.first == 0:
                trim_heap()
            piece = x[tile.window].detach().requires_grad_(True)
            with torch.enable_grad(), torch.autocast(*ctx.precision):
                parts = ctx.network(piece, tile)
            found = zip(parts, _places(grads, tile, ctx.strides), strict=True)
            pulled = [(part, grad) for part, grad in found if grad is not None and part.requires_grad]
            (pull,) = torch.autograd.grad([p for p, _ in pulled], piece, [g for _, g in pulled])
            gradient[tile.window] += pull
        return gradient, None, None, None


def _places(whole: Sequence[Any], tile: Tile, strides: Sequence[int | None] | None) -> list[Any]:
    """The targets of a tile's results: the whole tensor for a sum, the tile's own rectangle for a map."""
    if strides is None:
        return list(whole)
    return [
        w if w is None or stride is None else w[tile.place(stride)] for w, stride in zip(whole, strides, strict=True)
    ]


def _extents(length: int, side: int, reach: Reach) -> list[Extent]:
    if length <= side:
        return [Extent(0, length, 0, None)]
    halo, unit = -(-reach.halo // reach.stride) * reach.stride, ALIGNED * reach.stride
    before = halo % unit  # offset of the tiles' ends behind a multiple of the unit, so that the next halo starts on one
    units = -(-(length // reach.stride * reach.stride - before) // unit)  # so that the last tile has responses as well
    count = -(-units // max((side - 2 * halo) // unit, -(-2 * halo // unit), 1))
    ends = [k * units // count * unit + before for k in range(1, count)]
    return [
        Extent(max(0, first - halo), length if last is None else min(length, last + halo), first, last)
        for first, last in zip([0, *ends], [*ends, None], strict=True)
    ]
