"""Edges of the embedded profile: analytic maps at five scales, for the loss, and a small network, for display.

The analytic maps have no weights; the network was trained on rendered scenes (see training/).
"""

import math
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from spnst_core.compute.sums import total_squared_error
from spnst_core.compute.tiling import Reach, Slices, Tile, cut, summed
from spnst_core.imaging.colour import luminance
from spnst_core.models.embedded.blocks import Conv, Residual, Up, longest_side

EDGE_WEIGHTS = Path(__file__).with_name("edges.safetensors")

SIGMAS = (0.7, 1.4, 2.8, 5.6, 11.2)
"""Standard deviations of the Gaussians, in pixels of a picture whose long side is 256."""

BLOCK = 512
"""Rows of a picture that are smoothed by one matrix; larger matrices would hold mostly zeros."""


@dataclass(frozen=True)
class Contours:
    """Where a picture's edges run, at K widths.

    Attributes:
        normals: unit vectors across the edges, x and y, (2, 1, K, H, W); 0 where the picture is flat.
        root: square root of what an error counts at each place, (1, 1, H, W).
    """

    normals: Tensor
    root: Tensor

    def split(self) -> "list[Contours]":
        """The same for each width alone."""
        return [Contours(own, self.root) for own in self.normals.split(1, 2)]

    def at(self, part: Slices) -> "Contours":
        """The same in a part of the picture."""
        return Contours(self.normals[part], self.root[part])


class MultiScaleEdges(nn.Module):
    """Edge strength e = m² / (m² + r²) of the luminance's gradient magnitude m at five widths.

    r is the magnitude at which e is one half: 1.5 times the mean of m in a reference picture, plus a floor that
    suppresses noise in flat pictures. A pastiche is never its own reference: the optimiser could then lower the loss by
    raising contrast everywhere. Its r is the content's, as it is or in the style's colours (`calibrate`).
    """

    def __init__(self) -> None:
        super().__init__()
        self._side: int | None = None

    def calibrate(self, x: Tensor) -> Tensor:
        """r of each width, (N, 5, 1, 1), for pictures (N, 3, H, W) in [0, 1]."""
        grey = luminance(x)
        return torch.cat([self._half(_squared_magnitudes(grey, [width])) for width in _widths(x)], 1)

    def maps(self, x: Tensor, calibration: Tensor | None = None) -> Tensor:
        """Edge strength in [0, 1] at each width, finest first, (N, 5, H, W); differentiable."""
        r = self.calibrate(x) if calibration is None else calibration
        grey, widths = luminance(x), _widths(x)
        if self._side is None:
            return _strength(grey, widths, r)
        return torch.cat([_strength(grey, [width], r[:, [k]]) for k, width in enumerate(widths)], 1)

    def squared_error(self, x: Tensor, target: Tensor, calibration: Tensor) -> Tensor:
        """Σ (maps(x) − target)², (N,), for a target (1, 5, H, W); differentiable."""
        return self._error(x, target, calibration)

    def contour_error(self, x: Tensor, target: Tensor, calibration: Tensor, contours: "Contours") -> Tensor:
        """Σ share · (strength across the contours − target)², (N,), for a target (1, 5, H, W); differentiable.

        m is here the gradient's component along the contours' normals. A stroke that crosses a contour raises the
        gradient's magnitude, and would make up for a contour that is lost beside it: the contour would be serrated.
        """
        return self._error(x, target, calibration, contours)

    def _error(self, x: Tensor, target: Tensor, calibration: Tensor, contours: "Contours | None" = None) -> Tensor:
        grey, widths = luminance(x), _widths(x)
        if self._side is None:
            return _error(_strength(grey, widths, calibration, contours), target, contours)
        each = zip(
            widths,
            target.split(1, 1),
            calibration.split(1, 1),
            [None] * len(widths) if contours is None else contours.split(),
            strict=True,
        )
        return torch.stack([_tiled_error(grey, own, width, r, part, self._side) for width, own, r, part in each]).sum(0)

    def contours(self, x: Tensor, share: Tensor) -> "Contours":
        """The contours of a picture (1, 3, H, W), where an error counts by ``share``, (1, 1, H, W), at least 0."""
        dx, dy = _gradient(luminance(x), _widths(x))
        return Contours(torch.stack([dx, dy]) / (dx.square() + dy.square() + 1e-12).sqrt(), share.sqrt())

    def tiled(self, side: int) -> "MultiScaleEdges":
        """The same detector, which processes one width after the other, in tiles that grow with the width."""
        other = copy(self)
        other._side = side
        return other

    def forward(self, x: Tensor) -> Tensor:
        """Mean edge strength over the widths, (N, 1, H, W), values in [0, 1]."""
        return self.maps(x).mean(1, keepdim=True)

    @staticmethod
    def _half(power: Tensor) -> Tensor:
        return 1.5 * (power + 1e-12).sqrt().mean((2, 3), keepdim=True) + 0.002


class EdgeNet(nn.Module):
    """Probability of a boundary of an object or a material, by a residual U-Net.

    The picture is resized so that its long side is ``size``, and the prediction is resized back. Nothing is normalised
    over a batch, so the result for a picture doesn't depend on the others.

    Shape: (N, 3, H, W) in [0, 1] → (N, 1, H, W) in [0, 1], any H and W, differentiable with respect to the input.
    """

    size = 320

    def __init__(self) -> None:
        super().__init__()
        self.down2 = nn.Sequential(Conv(3, 24, stride=2), Residual(24))
        self.down4 = nn.Sequential(Conv(24, 40, stride=2), Residual(40))
        self.down8 = nn.Sequential(Conv(40, 56, stride=2), Residual(56))
        self.down16 = nn.Sequential(Conv(56, 72, stride=2), Residual(72))
        self.up8 = Up(72, 56, 48)
        self.up4 = Up(48, 40, 32)
        self.up2 = Up(32, 24, 24)
        self.head = nn.Conv2d(24, 1, 3, padding=1, padding_mode="replicate")

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) RGB in [0, 1] → (N, 1, H, W) edge probability in [0, 1]."""
        small = F.interpolate(x, longest_side(x, self.size), mode="bilinear", antialias=True)
        return F.interpolate(self.predict(small), x.shape[2:], mode="bilinear", align_corners=False).sigmoid()

    def predict(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) → log odds (N, 1, ⌈H/2⌉, ⌈W/2⌉), without any resizing."""
        x2 = self.down2(4.0 * x - 2.0)
        x4 = self.down4(x2)
        x8 = self.down8(x4)
        y = self.up8(self.down16(x8), x8)
        return self.head(self.up2(self.up4(y, x4), x2))


class EmbeddedEdges(MultiScaleEdges):
    """The embedded profile's edge detector: losses compare the analytic maps, and `forward` is the network's.

    The network agrees better with boundaries drawn by people; the analytic maps contain more fine structure.
    """

    def __init__(self) -> None:
        super().__init__()
        self.network = load_edge_net()

    def forward(self, x: Tensor) -> Tensor:
        """Edge probability by the network, (N, 1, H, W) in [0, 1]."""
        probability: Tensor = self.network(x)
        return probability


def load_edge_net() -> EdgeNet:
    """The trained network in float32 and evaluation mode, with frozen weights."""
    net = EdgeNet()
    net.load_state_dict({name: weight.float() for name, weight in load_file(EDGE_WEIGHTS).items()})
    return net.eval().requires_grad_(False)


def _widths(x: Tensor) -> list[float]:
    """Standard deviations of the Gaussians in pixels of pictures (N, 3, H, W)."""
    return [sigma * max(x.shape[2:]) / 256 for sigma in SIGMAS]


def _error(strength: Tensor, target: Tensor, contours: Contours | None) -> Tensor:
    if contours is None:
        return total_squared_error(strength, target)
    return total_squared_error(strength * contours.root, target * contours.root)


def _tiled_error(grey: Tensor, target: Tensor, width: float, r: Tensor, contours: Contours | None, side: int) -> Tensor:
    """`_error` of one width, (N,)."""
    halo = _radius(width) + 1

    def error(piece: Tensor, tile: Tile) -> list[Tensor]:
        seen, own = (None if contours is None else contours.at(part) for part in (tile.window, tile.place(1)))
        return [_error(tile.own(_strength(piece, [width], r, seen), 1), target[tile.place(1)], own)]

    (found,) = summed(error, grey, cut(grey.shape[2], grey.shape[3], max(side, 4 * halo), Reach(1, halo)))
    return found


def _strength(grey: Tensor, widths: Sequence[float], r: Tensor, contours: Contours | None = None) -> Tensor:
    """Edge strength of (N, 1, H, W) at K widths in pixels, (N, K, H, W): of any direction, or across the contours."""
    power = _squared_magnitudes(grey, widths) if contours is None else _across(contours, grey, widths).square()
    return power / (power + r.square())


def _across(contours: Contours, grey: Tensor, widths: Sequence[float]) -> Tensor:
    """The gradient's component along the contours' normals, (N, K, H, W)."""
    dx, dy = _gradient(grey, widths)
    return dx * contours.normals[0] + dy * contours.normals[1]


def _gradient(grey: Tensor, widths: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Central differences, along x and y, of (N, 1, H, W) smoothed by Gaussians of K widths in pixels."""
    smooth = _smoothed(grey, widths)
    return (
        (smooth[:, :, 1:-1, 2:] - smooth[:, :, 1:-1, :-2]) / 2,
        (smooth[:, :, 2:, 1:-1] - smooth[:, :, :-2, 1:-1]) / 2,
    )


def _squared_magnitudes(grey: Tensor, widths: Sequence[float]) -> Tensor:
    """The square of `_gradient`'s length, (N, K, H, W)."""
    smooth = _smoothed(grey, widths)
    # mse_loss doesn't store the differences for the backward pass.
    dx2 = F.mse_loss(smooth[:, :, 1:-1, 2:], smooth[:, :, 1:-1, :-2], reduction="none")
    dy2 = F.mse_loss(smooth[:, :, 2:, 1:-1], smooth[:, :, :-2, 1:-1], reduction="none")
    return (dx2 + dy2) / 4


def _smoothed(grey: Tensor, widths: Sequence[float]) -> Tensor:
    """Gaussian smoothing at K widths, with a border of one pixel replicated, (N, K, H + 2, W + 2)."""
    smooth = torch.cat([_smooth(_smooth(grey, width).mT, width).mT for width in widths], 1)
    return F.pad(smooth, (1, 1, 1, 1), mode="replicate")


def _smooth(x: Tensor, sigma: float) -> Tensor:
    """Gaussian smoothing of (N, C, H, W) along the vertical axis, with replicated borders.

    A matrix product is several times faster than a single-channel convolution with a long kernel.
    """
    height, radius, smoothed = x.shape[2], _radius(sigma), []
    for first in range(0, height, BLOCK):
        lines = min(BLOCK, height - first)
        before, after = min(radius, first), min(radius, height - first - lines)
        matrix = _smoothing(lines, before, after, sigma, x.dtype, x.device)
        with torch.autocast(x.device.type, enabled=False):  # differences of neighbours need full precision
            smoothed.append(matrix @ x[:, :, first - before : first + lines + after])
    return torch.cat(smoothed, 2)


def _radius(sigma: float) -> int:
    return max(1, math.ceil(3 * sigma))


@lru_cache(maxsize=128)
def _smoothing(lines: int, before: int, after: int, sigma: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The matrix that smooths ``lines`` rows of a picture, given ``before`` rows above and ``after`` rows below them.

    The outermost row given is replicated, so it must be the picture's border if it is nearer than the kernel's radius.
    """
    radius = _radius(sigma)
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float64)
    kernel = torch.exp(-0.5 * (offsets / sigma).square())
    places = torch.arange(before, before + lines)
    seen = (places[:, None] + offsets.long()).clamp(0, before + lines + after - 1)
    weights = (kernel / kernel.sum()).expand(lines, -1)
    matrix = torch.zeros(lines, before + lines + after, dtype=torch.float64).scatter_add_(1, seen, weights)
    return matrix.to(dtype).to(device)
