"""Analytic edges at five scales: the embedded profile's edge detector. It has no weights to learn or to ship."""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spnst_core.colour import luminance

SIGMAS = (0.7, 1.4, 2.8, 5.6, 11.2)
"""Widths of the Gaussians in pixels of a picture whose long side is 256."""


class MultiScaleEdges(nn.Module):
    """Edge strength e = m² / (m² + r²) of the luminance's gradient magnitude m at five widths.

    r is the strength at which an edge counts as half: 1.5 times the mean of m in a reference picture, plus a floor
    that leaves noise in flat pictures alone. Against a pastiche the *content's* r is used (`calibrate`), or else the
    optimiser could lower the loss by raising contrast everywhere.
    """

    def calibrate(self, x: Tensor) -> Tensor:
        """r of each width, (N, 5, 1, 1), for pictures (N, 3, H, W) in [0, 1]."""
        return self._half(self._squared_magnitudes(x))

    def maps(self, x: Tensor, calibration: Tensor | None = None) -> Tensor:
        """Edge strength in [0, 1] at each width, finest first, (N, 5, H, W); differentiable."""
        power = self._squared_magnitudes(x)
        r = self._half(power) if calibration is None else calibration
        return power / (power + r.square())

    def forward(self, x: Tensor) -> Tensor:
        """Mean edge strength over the widths, (N, 1, H, W), values in [0, 1]."""
        return self.maps(x).mean(1, keepdim=True)

    @staticmethod
    def _half(power: Tensor) -> Tensor:
        return 1.5 * (power + 1e-12).sqrt().mean((2, 3), keepdim=True) + 0.002

    @staticmethod
    def _squared_magnitudes(x: Tensor) -> Tensor:
        grey = luminance(x)
        side = max(x.shape[2:])
        rows, columns = (
            torch.stack([_smoothing(length, sigma * side / 256) for sigma in SIGMAS]).to(grey) for length in x.shape[2:]
        )
        smooth = F.pad(rows @ grey @ columns.mT, (1, 1, 1, 1), mode="replicate")
        dx = (smooth[:, :, 1:-1, 2:] - smooth[:, :, 1:-1, :-2]) / 2
        dy = (smooth[:, :, 2:, 1:-1] - smooth[:, :, :-2, 1:-1]) / 2
        return dx.square() + dy.square()


@lru_cache(maxsize=128)
def _smoothing(length: int, sigma: float) -> Tensor:
    """Gaussian smoothing of a line of pixels, its ends repeated, as a matrix (length, length) in float64.

    A product of matrices is several times faster than a convolution of one channel with a long kernel.
    """
    radius = max(1, math.ceil(3 * sigma))
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float64)
    kernel = torch.exp(-0.5 * (offsets / sigma).square())
    places = torch.arange(length)
    seen = (places[:, None] + offsets.long()).clamp(0, length - 1)
    weights = (kernel / kernel.sum()).expand(length, -1)
    return torch.zeros(length, length, dtype=torch.float64).scatter_add_(1, seen, weights)
