"""Harvest: a low sun over wheat in the wind, in short thick strokes of orange, gold and violet."""

from __future__ import annotations

import numpy as np
from PIL import Image

from spnst_core.samples.brush import Canvas, heading
from spnst_core.samples.noise import Array, gradient, mix, over, palette, smoothstep, value_noise

RATIO = 0.8
HORIZON = 0.40
SUN = (0.66, 0.315)
SKY = palette("ffcf4a", "ffb03a", "fb8a36", "f2703c", "df5a4e", "b3568a", "6f5fa8", "3f78a8")
CLOUDS = palette("fff0c4", "ffc27a", "f08a5d", "c9668f", "8a63a8")
DISC = palette("fffdf0", "fff7c8", "ffe98a")
HILLS = palette("3b2a63", "5a3f86", "86569a", "b8688f", "d9865f")
WHEAT = palette("5a2a1e", "94461c", "c9741c", "e39e22", "f3c53c", "ffe587", "fff6c8")
SHADE = palette("2e2a55", "4b3a70", "2f5a50", "55803f")
POPPIES = palette("b3121a", "e02a1c", "ff5a2a")
CORNFLOWERS = palette("2a3fa0", "4a6fd0", "8a9ae0")


def harvest(size: int) -> Image.Image:
    """The sun sets in rings of strokes; the field below runs towards it, lit along every gust."""
    canvas = Canvas(size, RATIO, SKY[3], seed=2)
    _sky(canvas)
    _hills(canvas)
    _field(canvas)
    _flowers(canvas)
    return canvas.picture()


def _sky_angle(x: Array, y: Array) -> Array:
    """Rings around the sun that open into long waves away from it."""
    dx, dy = x - SUN[0], y - SUN[1]
    near = 1 - smoothstep(0.08, 0.34, np.hypot(dx, dy))
    wave = 0.35 * np.sin(9 * x + 7 * y) + 0.5 * value_noise(x, y, 3.5, seed=31)
    u, v = near * -dy / (np.hypot(dx, dy) + 1e-6), near * dx / (np.hypot(dx, dy) + 1e-6)
    sign = np.where(dy > 0, -1, 1)  # so that ring and wave agree in sense above and below the sun
    return np.arctan2(sign * v + (1 - near) * np.sin(wave), sign * u + (1 - near) * np.cos(wave))


def _sky(canvas: Canvas) -> None:
    rng = canvas.rng
    for spacing, length, width, stray in (
        (0.024, 0.11, 0.034, 0.04),
        (0.0140, 0.07, 0.0150, 0.06),
        (0.0115, 0.042, 0.0085, 0.08),
    ):
        start = canvas.scatter(spacing)
        start = start[start[:, 1] < HORIZON]
        x, y = start.T
        n = len(start)
        r = np.hypot(x - SUN[0], 1.25 * (y - SUN[1]))
        t = 1.35 * r + 0.05 * np.sin(60 * r) + 0.10 * value_noise(x, y, 6, seed=32)
        colour = gradient(SKY, t + rng.normal(0, stray, n))
        cloud = smoothstep(0.15, 0.5, value_noise(x, 3.2 * y, 4, seed=33) + rng.normal(0, 0.15, n))
        lit = 0.9 * r + 0.35 * value_noise(x, 2 * y + 0.06, 8, seed=34) + rng.normal(0, 0.12, n)
        colour = mix(colour, gradient(CLOUDS, lit), cloud * smoothstep(0.12, 0.25, r))
        disc = r < 0.062 + rng.normal(0, 0.004, n)
        colour = over(colour, gradient(DISC, 8 * r + rng.uniform(0, 0.25, n)), disc)
        paths = canvas.trace(start, _sky_angle, length * rng.uniform(0.6, 1.3, n) * np.clip(4 * r, 0.35, 1))
        canvas.stroke(paths, width * rng.uniform(0.7, 1.2, n), colour)


def _hills(canvas: Canvas) -> None:
    rng = canvas.rng
    for base, rise, seed, light in ((HORIZON, 0.05, 35, 0.65), (HORIZON + 0.02, 0.035, 36, 0.30)):

        def ridge(x: Array, base: float = base, rise: float = rise, seed: int = seed) -> Array:
            return base - rise * (0.3 + value_noise(x, 0, 3, seed=seed, octaves=2))

        start = canvas.scatter(0.0095)
        x, y = start.T
        start = start[(y > ridge(x)) & (y < HORIZON + 0.05)]
        x, y = start.T
        lit = 0.3 * np.exp(-(((x - SUN[0]) / 0.18) ** 2))
        t = light + lit + 0.2 * value_noise(x, y, 22, seed=37) + rng.normal(0, 0.10, len(start))
        slope = np.arctan(50 * (ridge(x + 0.01) - ridge(x - 0.01))) + 0.3 * np.sin(40 * x)
        canvas.stroke(canvas.trace(start, heading(slope), 0.04), 0.010, gradient(HILLS, t))


def _field(canvas: Canvas) -> None:
    """Rows of stalks from far to near, each leaning with the gust that passes over it."""
    rng = canvas.rng
    start = canvas.scatter(0.0092)
    start = np.concatenate([start, canvas.scatter(0.0092)])
    start = start[start[:, 1] > HORIZON + 0.012]
    start = start[np.argsort(start[:, 1] + rng.normal(0, 0.012, len(start)))]
    x, y = start.T
    near, across, gust = _ground(x, y)
    furrow = np.sin(26 * across + 2.0 * gust)
    t = 0.50 + 0.22 * furrow + 0.22 * gust - 0.10 * near + rng.normal(0, 0.12, len(start))
    t += 0.25 * np.exp(-(((x - SUN[0]) / (0.10 + 0.15 * near)) ** 2)) * (1 - near)
    colour = gradient(WHEAT, t)
    shade = smoothstep(0.25, 0.85, -furrow - 0.5 * gust + rng.normal(0, 0.25, len(start)))
    colour = mix(colour, gradient(SHADE, rng.uniform(0, 1, len(start))), 0.75 * shade)
    length = (0.020 + 0.075 * near) * rng.uniform(0.6, 1.25, len(start))
    paths = canvas.trace(start, _lean, length)
    canvas.stroke(paths, (0.004 + 0.0085 * near) * rng.uniform(0.6, 1.3, len(start)), colour)


def _ground(x: Array, y: Array) -> tuple[Array, Array, Array]:
    """Nearness from 0 at the horizon to 1 in front; place across the rows, which meet below the sun; the gusts."""
    near = np.clip((y - HORIZON) / (RATIO - HORIZON), 0, 1)
    across = (x - SUN[0]) / (0.12 + near)
    return near, across, value_noise(2.0 * across + 0.6 * near, 2.2 * near**0.7, 2.2, seed=38)


def _lean(x: Array, y: Array) -> Array:
    _, across, gust = _ground(x, y)
    return -np.pi / 2 + 0.85 * gust + 0.35 * across


def _flowers(canvas: Canvas) -> None:
    """Poppies and cornflowers, in drifts."""
    rng = canvas.rng
    for colours, count, seed in ((POPPIES, 260, 41), (CORNFLOWERS, 150, 42)):
        x = rng.uniform(0, 1, 12 * count)
        y = HORIZON + 0.03 + (RATIO - HORIZON - 0.02) * rng.uniform(0, 1, 12 * count) ** 0.8
        patch = value_noise(x, 1.5 * y, 5, seed=seed)
        at = np.stack([x, y], 1)[np.argsort(-patch)][: 3 * count].astype(np.float32)
        at = rng.permutation(at)[:count]
        near = (at[:, 1] - HORIZON) / (RATIO - HORIZON)
        dabs = canvas.trace(at, lambda x, y: 3 * value_noise(x, y, 60, seed=43), 0.006 + 0.012 * near)
        canvas.stroke(dabs, 0.005 + 0.009 * near, gradient(colours, rng.uniform(0, 1, len(at))))
