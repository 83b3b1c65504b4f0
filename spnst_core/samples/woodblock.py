"""Woodblock: a breaking wave printed in Prussian blue, indigo and cream, with cut lines and foam claws."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from spnst_core.samples.noise import Array, gradient, palette, value_noise

OVERSAMPLING = 3
RATIO = 0.72
KEY = "#16243f"  # the key block: every outline
DEEP, MID, PALE, MIST = "#1c3f73", "#3f76a3", "#8fb6bd", "#c3d3c4"
FOAM, FOAM_SHADE = "#f4ecd6", "#a9c6c4"
MIST_LIGHT, MIST_SHADE = "#f1e4c6", "#d3bf98"
SKY = palette("8c8a84", "cdbf9f", "ead9b4", "efdcb2", "e3b98c", "c98f72")
VERMILION = "#c8452f"
WATERS, SHARES = (DEEP, KEY, MID, PALE, FOAM), (0.26, 0.12, 0.26, 0.20, 0.16)
# y, left, right, thickness
MISTS = (
    (0.130, 0.56, 0.84, 0.020),
    (0.235, 0.73, 1.10, 0.024),
    (0.300, 0.60, 0.88, 0.015),
    (0.060, 0.78, 1.10, 0.020),
    (0.045, -0.10, 0.20, 0.022),
    (0.100, -0.10, 0.09, 0.016),
    (0.050, 0.48, 0.70, 0.014),
    (0.355, 0.74, 1.10, 0.016),
    (0.390, 0.46, 0.60, 0.012),
)


class Print:
    """A sheet under the blocks: flat areas, cut lines and discs, in units of the long side."""

    def __init__(self, size: int) -> None:
        self.scale = size * OVERSAMPLING
        self.shape = (round(size * RATIO) * OVERSAMPLING, self.scale)
        axis = [(np.arange(n, dtype=np.float32) + 0.5) / self.scale for n in self.shape]
        self.y, self.x = np.meshgrid(*axis, indexing="ij")
        haze = self.y / RATIO * 1.25 + 0.03 * value_noise(self.x, 6 * self.y, 2, seed=61)
        self.sheet = Image.fromarray((255 * gradient(SKY, haze)).astype(np.uint8))
        self.draw = ImageDraw.Draw(self.sheet)

    def area(self, outline: Array, colour: str, line: float = 0.0) -> None:
        """A flat colour inside a closed outline, with a cut line of that width around it."""
        points = [tuple(p) for p in outline * self.scale]
        self.draw.polygon(points, fill=colour)
        if line:
            self.line(np.concatenate([outline, outline[:1]]), np.full(len(outline) + 1, line))

    def line(self, path: Array, width: Array, colour: str = KEY) -> None:
        """A cut line whose width along the path is ``width``."""
        tangent = np.gradient(path, axis=0)
        normal = np.stack([-tangent[:, 1], tangent[:, 0]], 1) / (np.linalg.norm(tangent, axis=1)[:, None] + 1e-9)
        edge = normal * width[:, None] / 2
        self.area(np.concatenate([path + edge, (path - edge)[::-1]]), colour)

    def discs(self, centre: Array, radius: Array, colour: str) -> None:
        """Flat discs, which run together into one shape."""
        for (x, y), r in zip(centre * self.scale, radius * self.scale, strict=True):
            self.draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def finish(self) -> Image.Image:
        """The grain of the block and the baren's uneven pressure, over every colour."""
        rings = 55 * (self.y + 0.10 * value_noise(0.6 * self.x, self.y, 3, seed=62))
        grain = np.abs(np.sin(np.pi * rings)) ** 0.35 - 0.8
        press = value_noise(self.x, 2.5 * self.y, 24, seed=64, octaves=2)
        light = 1 + 0.16 * grain + 0.06 * press
        pixels = np.asarray(self.sheet, np.float32) * light[..., None]
        return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).reduce(OVERSAMPLING)


def woodblock(size: int) -> Image.Image:
    """A great wave curls over its own hollow; swells run under it, islands and a red sun behind."""
    rng = np.random.default_rng(5)
    sheet = Print(size)
    _sky(sheet)
    _islands(sheet)
    _swell(sheet, rng, bezier((0.20, 0.60), (0.50, 0.55), (0.80, 0.60), (1.05, 0.54)), 9, 0.009, MIST)
    _swell(sheet, rng, bezier((0.46, 0.68), (0.72, 0.68), (0.84, 0.42), (1.08, 0.33)), 12, 0.020, MID)
    back = bezier((-0.09, 0.66), (0.00, 0.10), (0.38, -0.08), (0.625, 0.25))
    hollow = bezier((0.86, 0.74), (0.28, 0.78), (0.27, 0.16), (0.625, 0.25))
    _breaker(sheet, rng, back, hollow)
    _swell(sheet, rng, bezier((1.06, 0.54), (0.86, 0.54), (0.74, 0.66), (0.36, 0.67)), 10, 0.018, DEEP)
    _swell(sheet, rng, bezier((-0.06, 0.43), (0.16, 0.45), (0.26, 0.66), (0.66, 0.70)), 13, 0.022, DEEP)
    return sheet.finish()


def bezier(*control: tuple[float, float], count: int = 120) -> Array:
    """A cubic Bezier curve, (count, 2)."""
    t = np.linspace(0, 1, count, dtype=np.float32)[:, None]
    a, b, c, d = np.array(control, np.float32)
    return (1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * b + 3 * t**2 * (1 - t) * c + t**3 * d


def _sky(sheet: Print) -> None:
    sun = np.array([[0.80, 0.19]])
    for radius, colour in ((0.090, KEY), (0.087, VERMILION)):
        sheet.discs(sun, np.array([radius]), colour)
    for y, left, right, thick in MISTS:
        x = np.linspace(left, right, 60)
        body = thick * np.sin(np.pi * np.linspace(0, 1, 60)) ** 0.35
        band = np.stack([x, y + 0.006 * np.sin(30 * x + 9 * y)], 1)
        sheet.line(band, body + 0.004, KEY)
        sheet.line(band, body, MIST_LIGHT)
        for shift, share in ((0.22, 0.30), (-0.12, 0.10)):
            sheet.line(band + np.array([0.01, shift * thick]), share * body, MIST_SHADE)


def _islands(sheet: Print) -> None:
    """Three ranges with snow in their gullies, paler with distance."""
    x = np.linspace(0.4, 1.1, 160)
    for peak, at, slope, seed, colour in (
        (0.395, 0.70, 0.55, 65, "#7f93a3"),
        (0.46, 0.97, 0.35, 66, "#5f7f96"),
        (0.50, 0.56, 0.22, 67, "#47688a"),
    ):
        y = peak + slope * np.abs(x - at) ** 1.15 + 0.012 * value_noise(x, 0, 18, seed=seed)
        ridge = np.stack([x, y], 1)
        sheet.area(np.concatenate([ridge, [[1.1, 0.8], [0.4, 0.8]]]), colour, line=0.0022)
        s = np.linspace(0, 1, 10)
        for fall in 0.2 * np.sin(1.9 * np.arange(22)):
            top = np.array([at + fall, np.interp(at + fall, x, y) + 0.004])
            gully = top + s[:, None] * np.array([0.12 * fall + 0.01, 0.05])
            sheet.line(gully, 0.0045 * (1 - s), FOAM if abs(fall) < 0.07 else MIST)


def _stripes(sheet: Print, rng: np.random.Generator, upper: Array, lower: Array, count: int) -> None:
    """Bands that flow from one edge of the water to the other, swelling and tapering as a knife cuts them."""
    t = np.linspace(0, 1, len(upper))
    for k in np.linspace(0.03, 0.97, count):
        middle = k + 0.2 / count * np.sin(7 * t + rng.uniform(0, 6))
        low, high = rng.uniform(0, 0.22), rng.uniform(0.78, 1)
        for start, end in ((low, high),) if rng.random() < 0.6 else ((low, 0.5), (0.42, high)):
            keep = (t >= start) & (t <= end)
            half = rng.uniform(0.25, 0.55) / count * np.sin(np.pi * (t - start) / (end - start))[keep] ** 0.6
            inner, outer = (
                upper[keep] * (1 - at)[:, None] + lower[keep] * at[:, None]
                for at in (middle[keep] - half, middle[keep] + half)
            )
            sheet.area(np.concatenate([inner, outer[::-1]]), rng.choice(WATERS, p=SHARES), line=0.0018)
        between = (middle + 0.5 / count)[:, None]
        vein = upper * (1 - between) + lower * between
        first, last = sorted(rng.integers(0, len(t), 2))
        if last - first > 20:
            sheet.line(vein[first:last], 0.0026 * np.sin(np.pi * np.linspace(0, 1, last - first)))


def _swell(sheet: Print, rng: np.random.Generator, crest: Array, count: int, foam: float, colour: str) -> None:
    floor = np.stack([crest[:, 0], 0.25 * crest[:, 1] + 0.66], 1)
    sheet.area(np.concatenate([crest, floor[::-1]]), colour, line=0.004)
    _stripes(sheet, rng, crest, floor, count)
    _foam(sheet, rng, crest, foam)


def _breaker(sheet: Print, rng: np.random.Generator, back: Array, hollow: Array) -> None:
    sheet.area(np.concatenate([back, hollow[::-1], [[0.86, 0.8], [-0.1, 0.8]]]), DEEP, line=0.005)
    _stripes(sheet, rng, back, hollow, 24)
    _foam(sheet, rng, hollow[72:], 0.026)
    _foam(sheet, rng, back[22:], 0.034)


def _foam(sheet: Print, rng: np.random.Generator, crest: Array, size: float) -> None:
    """Foam along a crest: lobes over a fringe of hooked claws, cut from one outline, and spray thrown ahead."""
    tangent = np.gradient(crest, axis=0)
    heading = np.arctan2(tangent[:, 1], tangent[:, 0])
    length = np.linalg.norm(tangent, axis=1).sum()

    claws = rng.integers(0, len(crest), round(2.0 * length / size))
    s = np.linspace(0, 1, 16)
    bend = heading[claws, None] + rng.normal(0.35, 0.35, (len(claws), 1)) + rng.uniform(1.0, 2.8, (len(claws), 1)) * s
    step = rng.uniform(1.4, 3.4, (len(claws), 1)) * size / len(s)
    root = crest[claws] + rng.normal(0, 0.4 * size, (len(claws), 2))
    hooks = root[:, None] + np.cumsum(np.stack([np.cos(bend), np.sin(bend)], 2) * step[..., None], 1)
    thick = np.broadcast_to(0.30 * size * (1 - s) ** 0.8 + 0.0008, hooks.shape[:2])

    lobes = crest[rng.integers(0, len(crest), round(6 * length / size))]
    lobes = lobes + rng.uniform(-0.95 * size, 0.95 * size, lobes.shape)
    radius = rng.uniform(0.15, 0.55, len(lobes)) * size

    points, radii = np.concatenate([hooks.reshape(-1, 2), lobes]), np.concatenate([thick.ravel(), radius])
    sheet.discs(points, radii + 0.0022, KEY)
    sheet.discs(points, radii, FOAM)
    for lobe, r in zip(lobes[::2], radius[::2], strict=True):
        for centre, share, colour in ((lobe, 0.92, DEEP), (lobe - 0.10 * r, 0.90, PALE), (lobe - 0.30 * r, 0.86, FOAM)):
            sheet.discs(centre[None], np.array([share * r]), colour)
    spray = crest[rng.integers(0, len(crest), round(5 * length / size))]
    spray = spray + rng.normal(0, 2.2 * size, spray.shape) + [0.8 * size, -0.6 * size]
    sheet.discs(spray, rng.uniform(0.0012, 0.0034, len(spray)), FOAM)
