"""Nocturne: a swirling night sky over water, in long loaded strokes of blue and yellow."""

from __future__ import annotations

import numpy as np
from PIL import Image

from spnst_core.samples.brush import Canvas, heading
from spnst_core.samples.noise import Array, gradient, mix, palette, smoothstep, value_noise

RATIO = 0.8
SHORE = 0.56
SKY = palette("070f2e", "0c1f55", "15378a", "1d55a8", "3583bf", "7db9c9", "dfe6b4")
GLOW = palette("fffbe0", "fde88c", "f5b931", "d9a33c", "8fb59a", "3583bf", "1d55a8")
HILLS = palette("050a1f", "0a1a3c", "12345c", "1f5a74", "2b7f86")
WATER = palette("060c26", "0a1c4a", "123a80", "1f66a0", "58a3b4")
CYPRESS = palette("03070f", "0a1c1c", "17382c", "2f5a3a", "5a7a3c", "6b3f24")
LAMPS = palette("ffdf8a", "ffb638", "f2842e")
# centre x, y, radius, spin
VORTICES = ((0.40, 0.25, 0.125, 1.0), (0.635, 0.375, 0.08, -1.0), (0.02, 0.36, 0.10, -0.8), (1.0, 0.40, 0.09, 0.7))
# centre x, y, radius
STARS = (
    (0.24, 0.09, 0.050),
    (0.205, 0.40, 0.032),
    (0.53, 0.075, 0.042),
    (0.70, 0.17, 0.036),
    (0.88, 0.13, 0.100),
    (0.80, 0.43, 0.036),
    (0.46, 0.46, 0.028),
    (0.05, 0.17, 0.034),
)
# foot x, top y, half width
CYPRESSES = ((0.125, 0.20, 0.060), (0.045, 0.42, 0.045), (0.205, 0.60, 0.035))


def nocturne(size: int) -> Image.Image:
    """Stars and eddies of light above a dark shore, their reflections on the water, a cypress in front."""
    canvas = Canvas(size, RATIO, SKY[1], seed=1)
    _sky(canvas)
    _water(canvas)
    _hills(canvas)
    _cypress(canvas)
    return canvas.picture()


def _sky(canvas: Canvas) -> None:
    rng = canvas.rng
    for spacing, length, width, stray in (
        (0.024, 0.120, 0.032, 0.05),
        (0.0135, 0.080, 0.0130, 0.09),
        (0.0110, 0.050, 0.0072, 0.13),
    ):
        start = canvas.scatter(spacing)
        start = start[start[:, 1] < SHORE]
        paths = canvas.trace(start, _sky_angle, length * rng.uniform(0.6, 1.3, len(start)))
        canvas.stroke(paths, width * rng.uniform(0.7, 1.2, len(start)), _sky_colour(start, rng, stray))
    centres = np.array(STARS, np.float32)
    dabs = canvas.trace(centres[:, :2], heading(0.6), 0.3 * centres[:, 2])
    canvas.stroke(dabs, 0.25 * centres[:, 2], np.repeat(GLOW[:1], len(dabs), 0), ragged=0)


def _stream(x: Array, y: Array) -> Array:
    """Stream function of the wind: strokes run along its contours, and bands of light follow them."""
    psi = 0.9 * (y - SHORE) + 0.05 * np.sin(6 * x + 1) + 0.018 * value_noise(x, y, 5, seed=3)
    for cx, cy, radius, spin in VORTICES:
        psi = psi + 1.15 * spin * radius * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (1.2 * radius**2))
    return psi


def _sky_angle(x: Array, y: Array) -> Array:
    step = 2e-3
    u = _stream(x, y + step) - _stream(x, y - step)
    v = _stream(x - step, y) - _stream(x + step, y)
    speed = np.hypot(u, v) + 1e-9
    u, v = u / speed, v / speed
    for cx, cy, radius in STARS:
        dx, dy = x - cx, y - cy
        r = np.hypot(dx, dy) + 1e-6
        around = 1 - smoothstep(0.9 * radius, 1.7 * radius, r)
        u, v = u - around * (u + dy / r), v - around * (v - dx / r)
    return np.arctan2(v, u)


def _sky_colour(at: Array, rng: np.random.Generator, stray: float) -> Array:
    x, y = at.T
    bands = np.sin(44 * _stream(x, y) + 2.5 * value_noise(x, y, 3, seed=8))
    t = 0.36 + 0.27 * bands + 0.12 * value_noise(x, y, 9, seed=5) + 0.2 * smoothstep(0.25, SHORE, y)
    colour = gradient(SKY, t + rng.normal(0, stray, len(at)))
    for cx, cy, radius in STARS:
        r = np.hypot(x - cx, y - cy) / radius + rng.normal(0, 0.1, len(at))
        colour = mix(colour, gradient(GLOW, r / 1.6), 1 - smoothstep(1.0, 1.7, r))
    return colour


def _water(canvas: Canvas) -> None:
    rng = canvas.rng
    for spacing, length, width, stray in ((0.016, 0.11, 0.020, 0.06), (0.0095, 0.050, 0.0085, 0.10)):
        start = canvas.scatter(spacing)
        start = start[start[:, 1] > SHORE - 0.01]
        x, y = start.T
        depth = np.clip((y - SHORE) / (RATIO - SHORE), 0, 1)
        waves = np.sin(90 * depth**0.7 + 4 * value_noise(x, y, 4, seed=6))
        t = 0.42 + 0.22 * waves + 0.1 * value_noise(x, y, 12, seed=9)
        colour = gradient(WATER, t + rng.normal(0, stray, len(start)))
        for cx, _, radius in STARS:
            aside = x - cx - 0.012 * value_noise(np.full_like(y, cx), y, 40, seed=2, octaves=1)
            lane = np.exp(-((aside / (0.42 * radius + 0.012 * depth)) ** 2)) * rng.uniform(0, 1.15, len(start))
            glow = gradient(GLOW, 0.12 + 0.35 * depth + rng.uniform(0, 0.2, len(start)))
            colour = mix(colour, glow, np.clip(lane * (1 - 0.45 * depth), 0, 1))
        paths = canvas.trace(start, _ripple, length * (0.4 + 0.8 * depth) * rng.uniform(0.5, 1.2, len(start)))
        canvas.stroke(paths, width * (0.45 + 0.75 * depth), colour)


def _ripple(x: Array, y: Array) -> Array:
    return 0.16 * np.cos(30 * x + 60 * y) + 0.2 * value_noise(x, y, 8, seed=7)


def _hills(canvas: Canvas) -> None:
    """Two ranges along the far shore, strokes slanting off their ridges."""
    rng = canvas.rng
    for base, rise, seed, light in ((SHORE - 0.02, 0.05, 12, 0.55), (SHORE + 0.005, 0.035, 13, 0.25)):

        def ridge(x: Array, base: float = base, rise: float = rise, seed: int = seed) -> Array:
            return base - rise * (0.35 + value_noise(x, 0, 3.5, seed=seed, octaves=2))

        start = canvas.scatter(0.0085)
        x, y = start.T
        start = start[(y > ridge(x)) & (y < SHORE + 0.012)]
        x, y = start.T
        crest = np.exp(-(y - ridge(x)) / 0.012)
        t = light - 0.15 + 0.35 * crest + 0.15 * value_noise(x, y, 20, seed=4) + rng.normal(0, 0.09, len(start))
        slope = np.arctan(50 * (ridge(x + 0.01) - ridge(x - 0.01)))
        canvas.stroke(canvas.trace(start, heading(slope + 0.25), 0.035), 0.009, gradient(HILLS, t))
    _lamps(canvas, 40)


def _lamps(canvas: Canvas, count: int) -> None:
    """Windows along the shore, each with a ladder of dashes below it in the water."""
    rng = canvas.rng
    at = np.stack([rng.uniform(0.24, 1, count), SHORE + rng.normal(-0.008, 0.006, count)], 1)
    colour = gradient(LAMPS, rng.uniform(0, 1, count))
    for rung in range(7, 0, -1):
        dash = at + np.stack([rng.normal(0, 0.0015, count), np.full(count, 0.014 + 0.011 * rung)], 1)
        fade = colour * (0.95 - 0.08 * rung)
        canvas.stroke(canvas.trace(dash.astype(np.float32), heading(0), 0.012 + 0.001 * rung), 0.0042, fade)
    canvas.stroke(canvas.trace(at.astype(np.float32), heading(1.5), 0.009), 0.0065, colour)


def _cypress(canvas: Canvas) -> None:
    rng = canvas.rng
    for cx, top, half in CYPRESSES:

        def flame(x: Array, y: Array, cx: float = cx, half: float = half) -> Array:
            return -np.pi / 2 + 0.375 * np.clip((x - cx) / half, -1, 1) + 0.55 * np.sin(38 * y + 25 * x)

        start = canvas.scatter(0.0072)
        x, y = start.T
        down = (y - top) / (RATIO + 0.04 - top)
        sway = cx + 0.012 * np.sin(14 * y)
        reach = half * np.clip(down, 0, 1) ** 0.62 * (1 + 0.25 * value_noise(0 * y, y, 14, seed=21))
        start = start[(down > 0) & (np.abs(x - sway) < reach)]
        start = start[np.argsort(start[:, 1])]
        x, y = start.T
        boughs = np.sin(70 * x + 9 * value_noise(x, y, 6, seed=22))
        t = 0.32 + 0.22 * boughs + 0.12 * (x - cx) / half + rng.normal(0, 0.13, len(start))
        paths = canvas.trace(start, flame, 0.058 * rng.uniform(0.6, 1.2, len(start)))
        canvas.stroke(paths, 0.0085 * rng.uniform(0.6, 1.2, len(start)), gradient(CYPRESS, t))
