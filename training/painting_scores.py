"""Scores of a pastiche that don't depend on the encoder: distance of its patches to the style's, and its weave."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from spnst_core.imaging import io as image_io
from spnst_core.imaging.colour import luminance

SCALES = (1.0, 0.5, 0.25)
SIDE = 7
"""Side in pixels of the patches that are compared."""
PATCHES = 4096
KEPT = 32
DIRECTIONS = 128
LEVELS = 512

WINDOW = 16
"""Side in pixels of the windows in which the weave is measured."""
FLAT = 1 / 3
"""Share of a content's windows that count as flat: those with the least variance."""


def patch_distance(x: Tensor, style: Tensor) -> float:
    """Sliced Wasserstein distance of a picture's patches to a style's, in the style's standard deviations.

    At three scales, patches of 7×7 colour pixels are whitened by the style's 32 strongest principal components; the
    distance of the two distributions is averaged over 128 random directions (Rabin, Peyré, Delon & Bernot, 2011), and
    over scales. 0 is the style itself; no filter bank is used.

    Shape: (1, 3, H, W) and (1, 3, h, w) in [0, 1], to be given at the same long side.
    """
    distances = []
    for scale in SCALES:
        own, wanted = (_patches(picture, scale) for picture in (x, style))
        centre = wanted.mean(0)
        variance, axes = torch.linalg.eigh(torch.cov(wanted.mT))
        whitener = axes[:, -KEPT:] * (variance[-KEPT:] + 1e-8).rsqrt()
        generator = torch.Generator().manual_seed(0)
        directions = F.normalize(torch.randn(KEPT, DIRECTIONS, generator=generator, dtype=whitener.dtype), dim=0)
        levels = (torch.arange(LEVELS, dtype=whitener.dtype) + 0.5) / LEVELS
        # sorted and read off at common levels, because torch.quantile refuses large inputs
        ends = [_at(((rows - centre) @ whitener @ directions).sort(0).values, levels) for rows in (own, wanted)]
        distances.append((ends[0] - ends[1]).abs().mean())
    return float(torch.stack(distances).mean())


def _patches(x: Tensor, scale: float) -> Tensor:
    """Patches of a picture resized, as rows (P, 3·SIDE²), float64: all, or as many as suffice, drawn from a seed."""
    height, width = (max(SIDE, round(length * scale)) for length in x.shape[2:])
    columns = F.unfold(image_io.resize(x, height, width), SIDE)[0]
    chosen = torch.randperm(columns.shape[1], generator=torch.Generator().manual_seed(0))[:PATCHES]
    return columns[:, chosen].mT.double()


def _at(ordered: Tensor, levels: Tensor) -> Tensor:
    return ordered[(levels * len(ordered)).long()]


@dataclass(frozen=True)
class Weave:
    """Fine pattern, with periods of two to four pixels, in the luminance of some windows.

    Attributes:
        strength: its root mean square, in 8-bit levels.
        share: its share of the windows' variance.
    """

    strength: float
    share: float


def weave(x: Tensor, content: Tensor | None = None) -> Weave:
    """The weave of a picture (1, 3, H, W) where the content, of the same shape, is flat; without a content, everywhere.

    Windows of 16 px overlap by half under a Hann window; the flat ones are the third with the least variance.
    """
    seen = _windows(x)
    if content is not None:
        variance = _windows(content).flatten(1).square().sum(1)
        seen = seen[variance.argsort()[: max(1, round(FLAT * len(variance)))]]
    power = torch.fft.fft2(seen).abs().square() / WINDOW**2
    frequency = torch.fft.fftfreq(WINDOW, dtype=power.dtype)
    fine = torch.hypot(frequency[:, None], frequency) >= 0.25
    total, band = power.sum((1, 2)).mean(), power[:, fine].sum(1).mean()
    return Weave(255 * float(band.sqrt()), float(band / total.clamp_min(1e-12)))


def _windows(x: Tensor) -> Tensor:
    """Windows (K, 16, 16) of the luminance, float64, centred, tapered so that a sum of squares is a variance."""
    hann = torch.hann_window(WINDOW, periodic=True, dtype=torch.float64)
    taper = hann[:, None] * hann
    taper = taper / taper.square().sum().sqrt()
    columns = F.unfold(luminance(x.double()), WINDOW, stride=WINDOW // 2)[0].mT.view(-1, WINDOW, WINDOW)
    weights = taper.square()
    return (columns - (columns * weights).sum((1, 2), keepdim=True)) * taper
