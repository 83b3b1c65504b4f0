"""Large pictures in strips: what a painter paints is the same, and its first and last layers never exist as a whole.

Instance normalisation looks at the whole picture, so that tiles painted one by one would each have their own light.
Here every layer is a function from a range of rows to these rows, which asks the layer before it for the rows that it
sees. A normalisation goes through the picture once, strip by strip, for its mean and variance. Layers at full and at
half the size are computed anew for each pass; those at a quarter of it, which are small, are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spnst_core.painters.network import PainterNet, Residual

PIXELS = 2**19
"""Pixels of a strip, at the size of its layer."""

LEAST_ROWS = 32
"""Rows of a strip, however wide: a convolution of 9 px sees 8 rows more than it gives."""


@dataclass(frozen=True)
class Rows:
    """A tensor (1, C, height, W) of which ``take(top, bottom)`` gives rows."""

    height: int
    width: int
    take: Callable[[int, int], Tensor]

    @classmethod
    def of(cls, x: Tensor) -> Rows:
        """Those of a tensor that exists."""
        return cls(x.shape[2], x.shape[3], lambda top, bottom: x[:, :, top:bottom])

    def with_take(self, take: Callable[[int, int], Tensor]) -> Rows:
        """Other rows of the same shape."""
        return replace(self, take=take)

    def strips(self) -> Iterator[tuple[int, int]]:
        """Where each strip begins and ends."""
        rows = max(LEAST_ROWS, PIXELS // self.width)
        return ((top, min(top + rows, self.height)) for top in range(0, self.height, rows))

    def whole(self) -> Tensor:
        """All of it."""
        out: Tensor | None = None
        for top, bottom in self.strips():
            found = self.take(top, bottom)
            if out is None:
                out = found.new_empty(1, found.shape[1], self.height, self.width)
            out[:, :, top:bottom] = found
        assert out is not None
        return out


@torch.no_grad()
def painted_in_strips(network: PainterNet, x: Tensor) -> Tensor:
    """The pastiche of a content (1, 3, H, W) in [0, 1]: what ``network(x)`` is, up to rounding."""
    width = x.shape[3]
    rows = Rows.of(through(network.down, Rows.of(network.padded(x))).whole())
    rows = through(network.last, through(network.up, through(network.residuals, rows, keep=True)))
    out = torch.empty_like(x)
    for top, bottom in Rows.of(x).strips():
        out[:, :, top:bottom] = network.bounded(rows.take(top, bottom)[..., :width]).clamp(0, 1)
    return out


def through(layer: nn.Module, rows: Rows, keep: bool = False) -> Rows:
    """What comes out of a layer, or of several one after another.

    Args:
        keep: whether what each convolution gives is kept, so that it isn't computed anew for each pass.

    Raises:
        TypeError: a layer that a painter's network doesn't have.
    """
    if isinstance(layer, nn.Sequential):
        for each in layer:
            rows = through(each, rows, keep)
        return rows
    if isinstance(layer, Residual):
        change = through(layer.body, rows, keep)
        return Rows.of(rows.with_take(lambda a, b: rows.take(a, b) + change.take(a, b)).whole())
    if isinstance(layer, nn.Conv2d):
        convolved = _convolved(layer, rows)
        return Rows.of(convolved.whole()) if keep else convolved
    if isinstance(layer, nn.InstanceNorm2d):
        return _normalised(layer, rows)
    if isinstance(layer, nn.ReLU):
        return rows.with_take(lambda a, b: rows.take(a, b).clamp_min(0))
    if isinstance(layer, nn.Upsample):
        return _doubled(rows)
    raise TypeError(f"a painter's network has no {type(layer).__name__}")


def _convolved(layer: nn.Conv2d, rows: Rows) -> Rows:
    """By a square kernel of odd side, after reflection by half of it."""
    (side, _), (stride, _) = layer.kernel_size, layer.stride
    border, last = side // 2, rows.height - 1

    def take(top: int, bottom: int) -> Tensor:
        seen = torch.arange(top * stride - border, (bottom - 1) * stride + side - border).abs()
        seen = last - (last - seen).abs()  # reflected at both ends
        first = int(seen.min())
        x = rows.take(first, int(seen.max()) + 1)
        x = F.pad(x.index_select(2, (seen - first).to(x.device)), (border, border, 0, 0), mode="reflect")
        return F.conv2d(x, layer.weight, layer.bias, stride)

    return Rows(last // stride + 1, (rows.width - 1) // stride + 1, take)


def _normalised(layer: nn.InstanceNorm2d, rows: Rows) -> Rows:
    """Over the whole picture: strips have mean and variance in float32, which are put together in float64."""
    mean, square = torch.zeros(2, layer.num_features, dtype=torch.float64)
    for top, bottom in rows.strips():
        variances, means = torch.var_mean(rows.take(top, bottom), (0, 2, 3), correction=0)
        share, found = (bottom - top) / rows.height, means.cpu().double()
        mean += share * found
        square += share * (variances.cpu().double() + found.square())
    scale = layer.weight.cpu().double() / (square - mean.square() + layer.eps).sqrt()
    factor, summand = (
        x.float().to(layer.weight.device)[:, None, None] for x in (scale, layer.bias.cpu() - scale * mean)
    )
    return rows.with_take(lambda a, b: torch.addcmul(summand, rows.take(a, b), factor))


def _doubled(rows: Rows) -> Rows:
    """Each pixel repeated once in both directions."""

    def take(top: int, bottom: int) -> Tensor:
        first = top // 2
        seen = F.interpolate(rows.take(first, (bottom + 1) // 2), scale_factor=2, mode="nearest")
        return seen[:, :, top - 2 * first : bottom - 2 * first]

    return Rows(2 * rows.height, 2 * rows.width, take)
