"""Oil paint: brush strokes with bristles laid along a direction field, then lit as relief (impasto).

A stroke is a ribbon of sample points around a path. Painting is one scatter of packed samples, later strokes
covering earlier ones, so thousands of strokes cost a few array operations.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from spnst_core.samples.noise import Array

OVERSAMPLING = 2
BRISTLES = 10
SPENT = 0.16  # thickness lost from the start of a stroke to its end
SIDES = np.array([-1, 1], np.float32)[:, None, None, None]  # turns a tangent (y, x) into a normal
SPACING = 0.8  # between the samples of a stroke, in pixels: gaps show the layer below
CHUNK = 2_000_000  # samples painted at once

Field = Callable[[Array, Array], Array]  # angles at x, y in radians, clockwise from the right


class Canvas:
    """A picture under the brush: 8-bit colour and paint height, at ``OVERSAMPLING`` times the final size.

    Args:
        size: the long side of the finished picture in pixels; strokes are measured in units of it.
        ratio: height / width, at most 1.
        ground: RGB of the primed canvas.
    """

    def __init__(self, size: int, ratio: float, ground: Array, seed: int) -> None:
        self.scale = size * OVERSAMPLING
        self.ratio = ratio
        self.shape = (max(1, round(size * ratio)) * OVERSAMPLING, size * OVERSAMPLING)
        self.rng = np.random.default_rng(seed)
        # A border of one pixel receives what falls outside.
        self._packed = np.full(
            (self.shape[0] + 2, self.shape[1] + 2), _pack(np.append(ground, 0)[None, :, None])[0, 0], np.uint32
        )

    def scatter(self, spacing: float, margin: float = 0.05) -> Array:
        """Start points (n, 2), one in each cell of a jittered lattice, in random order."""
        x, y = np.meshgrid(np.arange(-margin, 1 + margin, spacing), np.arange(-margin, self.ratio + margin, spacing))
        points = np.stack([x.ravel(), y.ravel()], 1)
        points += self.rng.uniform(0, spacing, points.shape)
        return self.rng.permutation(points).astype(np.float32)

    def trace(self, start: Array, field: Field, length: Array | float, steps: int = 8) -> Array:
        """Paths (n, steps + 1, 2) centred on ``start`` that follow ``field`` for ``length``."""
        step = np.broadcast_to(np.asarray(length, np.float32) / steps, len(start))[:, None]
        halves = []
        for sign in (-1, 1):
            points = [start]
            for _ in range(steps // 2):
                angle = field(points[-1][:, 0], points[-1][:, 1])
                points.append(points[-1] + sign * step * np.stack([np.cos(angle), np.sin(angle)], 1))
            halves.append(points)
        return np.stack(halves[0][:0:-1] + halves[1], 1).astype(np.float32)

    def stroke(
        self,
        paths: Array,
        width: Array | float,
        colour: Array,
        streak: float = 0.08,
        ragged: float = 0.25,
        body: float = 1.0,
        tip: float = 4.0,
    ) -> None:
        """Paint one stroke along each path, in order.

        Args:
            paths: (n, m, 2).
            width: of the ribbon, (n,) or one for all.
            colour: (n, 3).
            streak: how far the bristles' colours stray from the stroke's.
            ragged: the share of the length over which single bristles leave the canvas at either end.
            body: thickness of the paint, from 0 (a glaze) to 1.
            tip: exponent of the superellipse that rounds the ends; 2 makes a path as long as wide a round dot.
        """
        n = len(paths)
        bristle = self.rng.normal(size=(n, BRISTLES))
        lift = self.rng.uniform(0, 1, (2, n, BRISTLES)) ** 2 * ragged
        ridge = 0.25 * np.abs(np.linspace(-1, 1, BRISTLES)) ** 3  # paint is pushed to the sides
        thickness = np.clip(body * (0.45 + 0.22 * bristle + ridge), SPENT, 1)
        paint = np.concatenate([colour[..., None] + streak * bristle[:, None], thickness[:, None]], 1)
        width = np.broadcast_to(np.asarray(width, np.float32), n)
        pixels = self.scale**2 * width.max() * np.linalg.norm(np.diff(paths, axis=1), axis=2).sum(1).max()
        rows = int(np.clip(CHUNK * SPACING**2 / (pixels + 1), 1, 256))
        for first in range(0, n, rows):
            part = slice(first, first + rows)
            self._ribbons(paths[part], width[part], paint[part], lift[:, part], tip)

    def _ribbons(self, paths: Array, width: Array, paint: Array, lift: Array, tip: float) -> None:
        """Scatter ribbons of ``paint`` (n, 4, BRISTLES): RGB and thickness of every bristle."""
        length = np.linalg.norm(np.diff(paths, axis=1), axis=2).sum(1).max()
        along = max(paths.shape[1], int(np.ceil(length * self.scale / SPACING)))
        across = max(3, int(np.ceil(width.max() * self.scale / SPACING)))
        t = np.linspace(0, 1, along, dtype=np.float32)
        v = np.linspace(-1, 1, across, dtype=np.float32)

        centre = _between(paths.transpose(2, 0, 1), along)
        tangent = np.gradient(centre, axis=2)
        tangent /= np.hypot(*tangent) + 1e-9
        taper = (1 - np.abs(2 * t - 1) ** tip) ** (1 / tip)
        reach = width[:, None] * taper / 2
        x, y = self.scale * (centre[..., None] + (reach * tangent[::-1])[..., None] * (SIDES * v))

        early, late = _between(lift, across)[:, :, None]
        x[(t[:, None] < early) | (t[:, None] > 1 - late)] = -1
        column = np.clip(x + 1, 0, self.shape[1] + 1).astype(np.int32)
        row = np.clip(y + 1, 0, self.shape[0] + 1).astype(np.int32)
        spent = (255 * SPENT * t).astype(np.uint32) << 24  # the brush runs dry
        loaded = _pack(_between(paint, across))
        self._packed[row, column] = loaded[:, None, :] - spent[:, None]

    def picture(self, relief: float = 0.9) -> Image.Image:
        """The dry painting, lit from the upper left; ``relief`` is how strongly thickness shows."""
        channels = self._packed[1:-1, 1:-1, None].view(np.uint8)
        height = gaussian_filter(channels[..., 3].astype(np.float32) / 255, 0.7 * self.scale / 1024)
        dy, dx = np.gradient(height)
        light = 1 + relief * np.clip(dx + dy, -0.5, 0.5)
        lit = np.clip(channels[..., :3] * light[..., None], 0, 255).astype(np.uint8)
        return Image.fromarray(lit).reduce(OVERSAMPLING)


def heading(angle: Array | float) -> Field:
    """The field of straight strokes, all at one angle or each at its own."""
    return lambda x, y: np.zeros_like(x) + angle


def _between(values: Array, count: int) -> Array:
    """The last axis resampled to ``count`` values, linearly."""
    at = np.linspace(0, values.shape[-1] - 1, count)
    low = np.minimum(at.astype(np.int32), values.shape[-1] - 2)
    share = at - low
    return (values[..., low] * (1 - share) + values[..., low + 1] * share).astype(np.float32)


def _pack(paint: Array) -> NDArray[np.uint32]:
    """RGB and thickness in [0, 1], (n, 4, m), as one little-endian word of four bytes, (n, m)."""
    red, green, blue, thickness = (np.clip(paint, 0, 1) * 255).astype(np.uint32).swapaxes(0, 1)
    return red | green << 8 | blue << 16 | thickness << 24
