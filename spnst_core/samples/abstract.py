"""Abstract: discs, wedges, ribbons and taut black lines over a brushed ground."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from spnst_core.samples.brush import Canvas
from spnst_core.samples.noise import Array, Mask, gradient, mix, palette, value_noise

Point = tuple[float, float]

RATIO = 0.8
GROUND = palette("b9a7c9", "d9b9b4", "efd7a6", "f4e6c8", "e8c9b0", "c9d3c4", "9fb9c4")
RED = palette("7a1222", "c4202a", "e8482f", "f58a52")
BLUE = palette("14204f", "1f3f9a", "3f7fc8", "8fb9d8")
YELLOW = palette("b87a14", "e8ac1c", "f7d23f", "fdeb96")
GREEN = palette("123f3a", "1f6f5a", "4fa06a", "a9c97a")
ROSE = palette("6a1f4f", "b83f7a", "e07f9f", "f4bcb4")
BLACK = palette("0c0a12", "1c1a2a", "332c44")
WHITE = palette("f9f3e0", "f1e6d0", "e4dccf")


@dataclass(frozen=True)
class Shape:
    """A form: its mask, the direction of its strokes, and its palette with the position along it at (x, y)."""

    inside: Callable[[Array, Array], Mask]
    angle: Callable[[Array, Array], Array]
    colours: Array
    shade: Callable[[Array, Array], Array]
    cover: float = 0.88


def disc(cx: float, cy: float, radius: float, colours: Array, hole: float = 0.0, cover: float = 0.9) -> Shape:
    """A disc or, with a hole, a ring; its strokes run around it."""
    return Shape(
        lambda x, y: (np.hypot(x - cx, y - cy) < radius) & (np.hypot(x - cx, y - cy) >= hole),
        lambda x, y: np.arctan2(y - cy, x - cx) + np.pi / 2,
        colours,
        lambda x, y: 0.5 + 0.45 * ((x - cx) + (y - cy)) / radius,
        cover,
    )


def wedge(corners: tuple[Point, ...], colours: Array, cover: float = 0.85) -> Shape:
    """A convex polygon, corners clockwise on the picture; its strokes run along its first side."""
    points = np.array(corners, np.float32)
    sides = np.roll(points, -1, 0) - points
    length = float(np.linalg.norm(sides[0]))

    def inside(x: Array, y: Array) -> Mask:
        turns = [sx * (y - py) - sy * (x - px) >= 0 for (px, py), (sx, sy) in zip(points, sides, strict=True)]
        return np.logical_and.reduce(turns)

    def shade(x: Array, y: Array) -> Array:
        return ((x - points[0, 0]) * sides[0, 0] + (y - points[0, 1]) * sides[0, 1]) / length**2

    return Shape(inside, lambda x, y: np.full_like(x, np.arctan2(sides[0, 1], sides[0, 0])), colours, shade, cover)


def ribbon(x0: float, y0: float, turn: float, length: float, half: float, waves: float, colours: Array) -> Shape:
    """A band of ``waves`` periods that starts at (x0, y0), heads along ``turn`` and narrows to nothing."""

    def frame(x: Array, y: Array) -> tuple[Array, Array]:
        s = ((x - x0) * np.cos(turn) + (y - y0) * np.sin(turn)) / length
        return s, (y - y0) * np.cos(turn) - (x - x0) * np.sin(turn) - 0.045 * np.sin(2 * np.pi * waves * s)

    def inside(x: Array, y: Array) -> Mask:
        s, aside = frame(x, y)
        return (s > 0) & (s < 1) & (np.abs(aside) < half * np.clip(1 - s, 0, 1) ** 0.6)

    def angle(x: Array, y: Array) -> Array:
        s, _ = frame(x, y)
        return turn + np.arctan(0.045 * 2 * np.pi * waves / length * np.cos(2 * np.pi * waves * s))

    return Shape(inside, angle, colours, lambda x, y: frame(x, y)[0])


def checker(corner: Point, turn: float, cell: float, columns: int, rows: int) -> list[Shape]:
    """A tilted board in black, white and primaries."""
    along = np.array([np.cos(turn), np.sin(turn)]) * cell
    down = np.array([-np.sin(turn), np.cos(turn)]) * cell
    glazes = (BLACK, WHITE, RED, WHITE, BLUE, YELLOW, BLACK)
    board = []
    for row in range(rows):
        for column in range(columns):
            start = np.array(corner) + column * along + row * down * (1 + 0.12 * column)
            tall = down * (1 + 0.12 * column)
            corners = (start, start + along, start + along + tall, start + tall)
            board.append(wedge(tuple((x, y) for x, y in corners), glazes[(3 * row + 2 * column) % 7], 0.95))
    return board


SHAPES = (
    disc(0.24, 0.24, 0.235, ROSE, cover=0.45),
    disc(0.24, 0.24, 0.185, BLUE, cover=0.9),
    disc(0.24, 0.24, 0.150, RED, cover=0.95),
    disc(0.24, 0.24, 0.095, YELLOW, cover=0.95),
    disc(0.24, 0.24, 0.055, BLACK, cover=0.95),
    disc(0.255, 0.225, 0.022, WHITE, cover=1.0),
    wedge(((0.30, 0.86), (0.47, 0.10), (0.60, 0.84)), YELLOW, 0.8),
    wedge(((0.02, 0.72), (0.78, 0.36), (0.80, 0.43)), BLUE, 0.85),
    wedge(((0.45, 0.48), (0.99, 0.02), (0.86, 0.30)), RED, 0.8),
    wedge(((0.62, 0.88), (0.70, 0.50), (1.02, 0.70)), GREEN, 0.85),
    ribbon(-0.02, 0.50, 0.12, 0.75, 0.040, 2.0, GREEN),
    ribbon(1.02, 0.60, np.pi + 0.30, 0.60, 0.045, 1.5, ROSE),
    ribbon(0.52, -0.02, 1.0, 0.45, 0.035, 1.5, BLUE),
    *checker((0.655, 0.10), 0.32, 0.062, 4, 3),
    disc(0.73, 0.56, 0.105, WHITE, cover=0.8),
    disc(0.73, 0.56, 0.085, BLUE, hole=0.06, cover=0.95),
    disc(0.73, 0.56, 0.040, RED, cover=0.95),
    disc(0.12, 0.64, 0.080, YELLOW, cover=0.85),
    disc(0.12, 0.64, 0.055, GREEN, cover=0.9),
    disc(0.135, 0.625, 0.025, BLACK, cover=0.95),
    disc(0.92, 0.10, 0.060, ROSE, cover=0.9),
    disc(0.92, 0.10, 0.032, YELLOW, cover=0.95),
    disc(0.44, 0.66, 0.050, RED, cover=0.9),
    disc(0.44, 0.66, 0.026, WHITE, cover=0.95),
    disc(0.90, 0.48, 0.034, BLACK, cover=0.95),
    disc(0.53, 0.20, 0.030, GREEN, cover=0.95),
    disc(0.34, 0.52, 0.028, BLUE, cover=0.95),
)


def abstract(size: int) -> Image.Image:
    """The ground is swept in with a broad brush, the forms follow their own contours, the lines come last."""
    canvas = Canvas(size, RATIO, GROUND[3], seed=7)
    rng = canvas.rng
    for spacing, length, width, stray in (
        (0.026, 0.100, 0.040, 0.08),
        (0.0125, 0.060, 0.014, 0.10),
        (0.0075, 0.026, 0.008, 0.10),
    ):
        start = canvas.scatter(spacing)
        colour = _colour(start, rng, stray)
        paths = canvas.trace(start, _angle, length * rng.uniform(0.5, 1.1, len(start)), steps=4)
        canvas.stroke(paths, width * rng.uniform(0.7, 1.15, len(start)), colour, streak=0.05)
    _lines(canvas)
    return canvas.picture()


def _angle(x: Array, y: Array) -> Array:
    angle = 2.5 * value_noise(x, y, 1.8, seed=92, octaves=2) - 0.6
    for shape in SHAPES:
        inside = shape.inside(x, y)
        angle[inside] = shape.angle(x[inside], y[inside])
    return angle


def _colour(at: Array, rng: np.random.Generator, stray: float) -> Array:
    """The shapes over the ground, each slightly transparent."""
    x, y = at.T
    ground = 0.5 + 0.55 * value_noise(x, y, 2.6, seed=91, octaves=2)
    colour = gradient(GROUND, ground + rng.normal(0, stray, len(at)))
    for shape in SHAPES:
        inside = shape.inside(x, y)
        t = shape.shade(x[inside], y[inside])
        paint = gradient(shape.colours, t + rng.normal(0, 1.2 * stray, len(t)))
        colour[inside] = mix(colour[inside], paint, np.full(len(t), shape.cover))
    return colour


def _lines(canvas: Canvas) -> None:
    rng = canvas.rng
    t = np.linspace(0, 1, 24, dtype=np.float32)[:, None]

    def draw(width: float, colour: Array, *paths: Array) -> None:
        colours = np.repeat(colour[None], len(paths), 0)
        canvas.stroke(np.stack(paths).astype(np.float32), width, colours, streak=0.04, ragged=0.04, tip=6)

    def straight(a: Point | Array, b: Point | Array) -> Array:
        return np.array(a) * (1 - t) + np.array(b) * t

    def arc(cx: float, cy: float, radius: float, start: float, end: float) -> Array:
        turn = start + (end - start) * t
        return np.concatenate([cx + radius * np.cos(turn), cy + radius * np.sin(turn)], 1)

    for start, end in (((0.02, 0.72), (0.80, 0.355)), ((0.30, 0.86), (0.475, 0.08)), ((0.40, 0.52), (1.0, 0.01))):
        draw(0.0085, BLACK[0], straight(start, end))
    draw(0.0042, BLACK[0], *(straight((0.05 + 0.02 * i, 0.80), (0.62 + 0.035 * i, 0.02 + 0.02 * i)) for i in range(5)))
    draw(0.0038, BLACK[1], *(straight((0.50, 0.03 + 0.035 * i), (0.99, 0.36 + 0.022 * i)) for i in range(4)))
    draw(0.0060, BLACK[0], *(arc(0.24, 0.24, radius, 0, 6.4) for radius in (0.150, 0.185)))
    draw(0.0055, BLACK[0], *(arc(0.73, 0.56, radius, 0, 6.4) for radius in (0.105, 0.062)))
    for x, y, radius in ((0.12, 0.64, 0.081), (0.44, 0.66, 0.051), (0.92, 0.10, 0.061)):
        draw(0.0048, BLACK[0], arc(x, y, radius, 0, 6.4))
    draw(0.0070, RED[1], *(arc(0.50, 0.90, 0.14 + 0.035 * i, 3.5, 5.9) for i in range(4)))
    draw(0.0065, BLACK[0], *(arc(0.96, 0.80, 0.09 + 0.03 * i, 2.8, 4.9) for i in range(4)))
    draw(0.0052, BLUE[0], *(arc(0.05, 0.40, 0.06 + 0.022 * i, -1.2, 1.3) for i in range(4)))
    ticks = rng.uniform([0.02, 0.02], [0.98, RATIO - 0.02], (70, 2))
    turn = 3 * value_noise(ticks[:, 0], ticks[:, 1], 3, seed=93)
    ends = ticks + 0.028 * np.stack([np.cos(turn), np.sin(turn)], 1)
    for colour, part in ((BLACK[0], slice(0, 36)), (RED[2], slice(36, 52)), (WHITE[0], slice(52, 70))):
        draw(0.0055, colour, *(straight(a, b) for a, b in zip(ticks[part], ends[part], strict=True)))
