"""Stained glass: panes of streaky glass in black leading, with the sun behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from spnst_core.samples.noise import Array, Mask, gradient, palette, smoothstep, value_noise

Labels = NDArray[np.int32]

OVERSAMPLING = 2
LEAD = 0.0040  # half the width of a came between panes; outlines are 1.6 times as heavy
SUN = (0.60, 0.29)
SUN_RADIUS = 0.115
SUNLIGHT = palette("fffce0", "fff09a", "ffd63a")
SKY = palette("ffe27a", "ffb23a", "fa6f3a", "e0356a", "8f3ab8", "3d4fd0", "1f8fe0", "4fd0e0")
HILLS = palette("4a3ac0", "8a55d0", "3a5fd0", "b870d8", "e088c0")
MEADOW = palette("0f6a4a", "1f9a55", "7fcf4a", "d8e84a", "14a08f", "ffdf4a")
RIVER = palette("0f4fb0", "1f86e0", "35b8f0", "a0ecf5", "fffbe0")
PETALS = palette("d0143a", "f8323a", "ff7a4a", "ffb83a")
VIOLETS = palette("c02a9a", "e85ab0", "ff9ac0", "ffd0a0")
LEAVES = palette("0a5a38", "149048", "4fc04a", "a0d84a")
# root x, y, size
TULIPS = ((0.13, 0.83, 1.15), (0.34, 0.93, 0.95), (0.84, 0.84, 1.15), (0.66, 0.95, 0.85), (0.97, 0.97, 0.9))


@dataclass(frozen=True)
class Motif:
    """One shape of the design: where it lies, the frame its panes are cut in, and the glass to cut them from."""

    mask: Mask
    u: Array
    v: Array
    pane: float  # mean side of a pane in (u, v)
    colours: Array
    shade: Callable[[Array, Array], Array]  # place along ``colours`` of a pane at (x, y)
    spread: float


def stained_glass(size: int) -> Image.Image:
    """A sunrise over hills and a river with tulips in front, cut into rays, bands and petals of glass."""
    rng = np.random.default_rng(3)
    side = size * OVERSAMPLING
    axis = (np.arange(side, dtype=np.float32) + 0.5) / side
    x, y = np.meshgrid(axis, axis)
    region = np.zeros(x.shape, np.int32)
    parts = list(_design(x, y, rng))
    for number, part in enumerate(parts):
        region[part.mask] = number
    pane, colours = _cut(parts, region, x, y, rng)
    every = (slice(None, None, OVERSAMPLING),) * 2  # glass needs no finer grid: lead covers its edges
    glass = _glass(x[every], y[every], pane[every], colours, rng)
    cover, shade, metal = (_reduced(plane) for plane in _lead(region, pane))
    picture = glass * shade * (1 - cover) + metal
    return Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))


def _design(x: Array, y: Array, rng: np.random.Generator) -> Iterator[Motif]:
    wx, wy = (a + 0.012 * value_noise(x, y, 7, seed=seed, octaves=2) for a, seed in ((x, 51), (y, 52)))
    r, theta = np.hypot(wx - SUN[0], wy - SUN[1]), np.arctan2(wy - SUN[1], wx - SUN[0])

    def from_sun(x: Array, y: Array) -> Array:
        return np.hypot(x - SUN[0], y - SUN[1])

    def plain(t: float) -> Callable[[Array, Array], Array]:
        return lambda x, y: np.full_like(x, t)

    def any_of(x: Array, y: Array) -> Array:
        return rng.uniform(0, 1, x.shape)

    everywhere = np.ones(x.shape, bool)
    yield Motif(
        everywhere, 1.6 * np.log1p(9 * r), 1.25 * theta, 0.27, SKY, lambda x, y: 1.3 * from_sun(x, y) - 0.12, 0.055
    )
    yield Motif(r < SUN_RADIUS, 2.2 * r, theta / 6, 0.17, SUNLIGHT, lambda x, y: from_sun(x, y) / SUN_RADIUS, 0.15)
    far = 0.50 - 0.07 * np.sin(5.0 * x + 0.6) - 0.035 * np.sin(13 * x + 2)
    yield Motif(y > far, wx, 2.2 * (wy - far), 0.075, HILLS, any_of, 0.1)
    near = 0.585 + 0.055 * np.sin(4.2 * x + 3.4) + 0.012 * np.sin(15 * x)
    yield Motif(
        y > near,
        wx,
        1.9 * (wy - near) + 0.12 * np.sin(6 * x),
        0.070,
        MEADOW,
        lambda x, y: 0.5 + 0.9 * value_noise(x, y, 6, seed=53),
        0.18,
    )
    bend = 0.60 + 0.16 * np.sin(9.5 * (y - 0.56)) * smoothstep(0.56, 0.8, y) - 0.25 * smoothstep(0.62, 1.0, y)
    reach = 0.02 + 0.26 * np.clip(y - 0.57, 0, 1) ** 1.1
    yield Motif(
        (y > near + 0.004) & (np.abs(x - bend) < reach),
        0.6 * (wx - bend),
        2.6 * wy,
        0.080,
        RIVER,
        lambda x, y: 0.45 + 0.9 * value_noise(x, 3 * y, 7, seed=54),
        0.2,
    )
    for number, (root_x, root_y, scale) in enumerate(TULIPS):
        for turn in (-0.62, 0.55):
            leaf = _lens(x, y, root_x, root_y + 0.12 * scale, turn, 0.30 * scale, 0.030 * scale)
            yield Motif(leaf, x, y, 0.12, LEAVES, any_of, 0.1)
        for turn in (-0.45, 0.45, 0.0):
            petal = _lens(x, y, root_x, root_y, turn, (0.175 if turn else 0.19) * scale, 0.046 * scale)
            hue = 0.3 if turn else 0.65
            yield Motif(petal, x, y, 0.12, VIOLETS if number % 2 else PETALS, plain(hue), 0.15)


def _lens(x: Array, y: Array, root_x: float, root_y: float, turn: float, length: float, half: float) -> Mask:
    """A petal or leaf: it grows upwards from its root, turned clockwise by ``turn`` radians."""
    t = ((x - root_x) * np.sin(turn) - (y - root_y) * np.cos(turn)) / length
    aside = (x - root_x) * np.cos(turn) + (y - root_y) * np.sin(turn)
    return (t > 0) & (t < 1) & (aside**2 < 6.75 * half**2 * t * (1 - t) ** 2)


def _cut(parts: list[Motif], region: Labels, x: Array, y: Array, rng: np.random.Generator) -> tuple[Labels, Array]:
    """Cut every part into Voronoi panes of a jittered lattice: pane numbers, and two colours (n, 2, 3) for each."""
    pane = np.zeros(region.shape, np.int32)
    colours = np.empty((0, 2, 3), np.float32)
    for number, part in enumerate(parts):
        seen = region == number
        if not seen.any():
            continue
        at = np.stack([part.u[seen], part.v[seen]], 1) / part.pane
        columns, rows = (np.arange(np.floor(low) - 1, high + 2) for low, high in zip(at.min(0), at.max(0), strict=True))
        seeds = np.stack(np.meshgrid(columns, rows), -1).reshape(-1, 2)
        seeds[:, 0] += 0.5 * (seeds[:, 1] % 2)
        seeds += rng.uniform(-0.34, 0.34, seeds.shape)
        nearest = cKDTree(seeds).query(at)[1]
        count = np.bincount(nearest)
        local = (np.cumsum(count > 0) - 1)[nearest]  # panes out of sight aren't numbered
        area = count[count > 0]
        t = part.shade(np.bincount(local, x[seen]) / area, np.bincount(local, y[seen]) / area)
        t = np.clip(t + part.spread * rng.normal(size=len(area)), 0, 1)
        other = np.clip(t + rng.choice([-1, 1], len(area)) * rng.uniform(0.1, 0.3, len(area)), 0, 1)
        tone = rng.uniform(0.8, 1.1, (len(area), 1, 1))
        pane[seen] = local + len(colours)
        colours = np.concatenate([colours, tone * gradient(part.colours, np.stack([t, other], 1))])
    return pane, colours


def _glass(x: Array, y: Array, pane: Labels, colours: Array, rng: np.random.Generator) -> Array:
    """Light through mouth-blown glass: streaks in each pane's own direction, ripples, and the glow of the sun."""
    turn, offset = (rng.uniform(0, high, len(colours)).astype(np.float32)[pane] for high in (np.pi, 5))
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    streak = value_noise(6 * u + offset, 26 * v + offset, 1, seed=55, octaves=4)
    share = smoothstep(-0.6, 0.6, streak + 0.9 * value_noise(u + offset, v, 9, seed=56, octaves=1))[..., None]
    glass = colours[pane, 0] * (1 - share) + colours[pane, 1] * share
    ripple = 1.04 + 0.20 * value_noise(4 * u, 45 * v + offset, 1.2, seed=57, octaves=3)
    glow = 1 + 0.35 * np.exp(-np.hypot(x - SUN[0], y - SUN[1]) / 0.25)
    return glass * (ripple * glow)[..., None]


def _lead(region: Labels, pane: Labels) -> tuple[Array, Array, Array]:
    """Half-round cames over every seam: how much they cover, the grime and shade beside them, and their own light."""
    fine, heavy = (distance_transform_edt(~_seams(labels)) / len(region) for labels in (pane, region))
    distance = np.minimum(fine, heavy / 1.6).astype(np.float32) / LEAD
    round_ = np.sqrt(np.clip(1 - distance**2, 0, 1))
    slope = sum(np.gradient(round_))
    cover = 1 - smoothstep(0.85, 1.1, distance)
    shade = 0.6 + 0.45 * smoothstep(0.6, 5, distance)
    return cover, shade, cover * (0.05 + 0.05 * round_ + 0.5 * np.clip(slope, 0, 0.4))


def _seams(labels: Labels) -> Mask:
    seams = np.zeros(labels.shape, bool)
    seams[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    seams[1:] |= labels[1:] != labels[:-1]
    return seams


def _reduced(plane: Array) -> Array:
    """Means of OVERSAMPLING x OVERSAMPLING blocks, with a channel axis."""
    height, width = (n // OVERSAMPLING for n in plane.shape)
    return plane.reshape(height, OVERSAMPLING, width, OVERSAMPLING).mean((1, 3))[..., None]
