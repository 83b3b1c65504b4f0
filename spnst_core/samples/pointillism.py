"""Pointillism: blossom by a river in spring, in dots of pure colour that mix in the eye."""

from __future__ import annotations

import numpy as np
from PIL import Image

from spnst_core.samples.brush import Canvas, heading
from spnst_core.samples.noise import Array, Mask, gradient, over, palette, smoothstep, value_noise

RATIO = 0.78
HORIZON = 0.40
SKY = palette("4f98d8", "74b6e0", "9bd0dc", "d8e0bc", "f5d29a", "f2b4a0")
CLOUD = palette("fdf0d6", "f6d3c6", "dbb4d4", "a9a6d8")
WOODS = palette("5f6fb8", "5f93b0", "6fb08f", "9cc47a")
WATER = palette("3f7fb8", "63a8cc", "95cfd8", "d8ecd8", "fbe7c8")
GRASS = palette("2f7f5f", "54a552", "8fc74a", "cfe05a", "f5ee8a")
SHADE = palette("4a3f8f", "5f5fae", "2f6f7f")
BLOSSOM = palette("a84a8f", "d8709f", "f49ab4", "fcc8cc", "fff3ea")
BARK = palette("3f2f5a", "6a4a6a", "a8746a")
POPLAR = palette("1f5f5a", "2f8a55", "6fb84a", "c0d85a")
# RGB added to the local colour: itself, towards violet, yellow, blue, rose; the last goes to the complement.
STRAY = np.array(
    [[0, 0, 0], [-0.08, -0.15, 0.12], [0.12, 0.08, -0.20], [-0.18, 0.02, 0.14], [0.14, -0.12, 0.00], [0, 0, 0]],
    np.float32,
)
SAIL = palette("fffdf0", "ffe9c0", "f7c8a0")
# crown centre x, y and radius; foot y
TREES = ((0.17, 0.25, 0.165, 0.66), (0.40, 0.335, 0.085, 0.545), (0.02, 0.36, 0.10, 0.60))
# foot x, y, height
POPLARS = (
    (0.70, 0.42, 0.30),
    (0.755, 0.42, 0.36),
    (0.81, 0.42, 0.33),
    (0.865, 0.42, 0.39),
    (0.925, 0.425, 0.35),
    (0.985, 0.43, 0.40),
)


def pointillism(size: int) -> Image.Image:
    """Three coats of dots, coarse to fine; each dot strays from the local colour, some to its complement."""
    canvas = Canvas(size, RATIO, palette("e8dcc0")[0], seed=6)
    rng = canvas.rng
    for spacing, dot in ((0.0105, 0.0165), (0.0090, 0.0120), (0.0092, 0.0092)):
        at = canvas.scatter(spacing, margin=0.02)
        dots = dot * rng.uniform(0.75, 1.2, len(at))
        turn = rng.uniform(0, np.pi, len(at))
        paths = canvas.trace(at, heading(turn), dots, steps=4)
        canvas.stroke(paths, 0.92 * dots, _divided(_scene(at), rng), streak=0.03, ragged=0, body=0.8, tip=2)
    return canvas.picture(relief=0.8)


def _divided(colour: Array, rng: np.random.Generator) -> Array:
    """Division of tone: every dot is one of a few pure neighbours of the local colour, or its complement."""
    grey = colour.mean(1, keepdims=True)
    pure = 0.96 * grey + 1.12 * (colour - grey)
    kind = rng.choice(len(STRAY), len(colour), p=[0.24, 0.2, 0.18, 0.18, 0.12, 0.08])
    dots = pure + STRAY[kind] + rng.normal(0, 0.025, colour.shape)
    return np.where((kind == 5)[:, None], dots + 1.5 * (grey - colour), dots).astype(np.float32)


def _scene(at: Array) -> Array:
    """The local colour at points (n, 2)."""
    x, y = at.T
    colour = _sky(x, y)
    for cx, foot, height in POPLARS:
        colour = over(colour, *_poplar(x, y, cx, foot, height))
    woods = HORIZON - 0.03 - 0.03 * value_noise(x, 0, 6, seed=71)
    colour = over(colour, gradient(WOODS, 0.5 + 0.7 * value_noise(x, 1.6 * y, 14, seed=72)), y > woods)
    lawn = gradient(GRASS, 0.6 + 0.4 * value_noise(x, y, 20, seed=74))
    colour = over(colour, lawn, y > HORIZON + 0.006 * value_noise(x, 0, 30, seed=86))
    colour = over(colour, _water(x, y), y > HORIZON + 0.028 + 0.008 * value_noise(x, 0, 8, seed=73))
    colour = _sails(x, y, colour)
    bank = 0.432 + 0.27 * smoothstep(0.18, 1.0, x) + 0.012 * value_noise(x, 0, 12, seed=87)
    colour = over(colour, _meadow(x, y), y > bank)
    for cx, cy, radius, foot in reversed(TREES):
        sway = cx + 0.25 * radius * np.sin(9 * (y - foot)) * (foot - y)
        half = radius * (0.07 + 0.1 * smoothstep(foot - 0.03, foot + 0.02, y))
        trunk = (np.abs(x - sway) < half) & (y < foot) & (y > cy)
        colour = over(colour, gradient(BARK, 0.5 + 6 * (sway - x)), trunk)
        r = np.hypot(x - cx, 1.15 * (y - cy)) / radius + 0.30 * value_noise(x, y, 11, seed=75)
        light = 0.55 - 0.9 * ((x - cx) * 0.4 + (y - cy)) / radius + 0.45 * value_noise(x, y, 18, seed=76)
        colour = over(colour, gradient(BLOSSOM, light), r < 1)
    return colour


def _sky(x: Array, y: Array) -> Array:
    colour = gradient(SKY, y / HORIZON * 0.95 + 0.08 * value_noise(x, 2 * y, 4, seed=77))
    cloud, below = (value_noise(1.2 * x, 3.4 * y - shift, 3.2, seed=78) for shift in (0, 0.08))
    return over(colour, gradient(CLOUD, 0.5 - 1.2 * below), cloud > 0.3)


def _poplar(x: Array, y: Array, cx: float, foot: float, height: float) -> tuple[Array, Mask]:
    t = np.clip((foot - y) / height, 0, 1)
    half = 0.068 * np.sqrt(t) * (1 - t) ** 0.8 * (1 + 0.35 * value_noise(x, y, 26, seed=79))
    light = 0.55 + 14 * (cx - x) + 0.45 * value_noise(2 * x, y, 20, seed=80)
    return gradient(POPLAR, light), np.abs(x - cx) < half


def _water(x: Array, y: Array) -> Array:
    """The sky upside down, the poplars stretched, broken by ripples."""
    depth = y - HORIZON
    ripple = value_noise(3 * x, 22 * y, 3, seed=81, octaves=2)
    colour = gradient(WATER, 0.78 - 2.2 * depth + 0.30 * ripple)
    for cx, foot, height in POPLARS:
        shade, mask = _poplar(x + 0.02 * ripple, foot - 0.9 * depth, cx, foot, height)
        colour = over(colour, 0.65 * shade + 0.35 * WATER[0], mask & (ripple < 0.5))
    return colour


def _sails(x: Array, y: Array, colour: Array) -> Array:
    for cx, foot, height in ((0.555, 0.475, 0.17), (0.645, 0.452, 0.10)):
        for sign, squash in ((1, 1.0), (-1, 1.25)):
            t = sign * (foot - y) / height * squash
            sail = (t > 0.1) & (t < 1) & (x > cx) & (x < cx + 0.42 * height * (1 - t))
            jib = (t > 0.15) & (t < 0.85) & (x < cx - 0.05 * height) & (x > cx - 0.28 * height * (0.9 - t))
            hull = (t > 0) & (t < 0.08) & (np.abs(x - cx - 0.05 * height) < 0.28 * height)
            fade = 1.0 if sign > 0 else 0.75
            colour = over(colour, fade * gradient(SAIL, 4 * (x - cx) / height) + (1 - fade) * WATER[1], sail | jib)
            colour = over(colour, np.broadcast_to(BARK[1], colour.shape), hull)
    return colour


def _meadow(x: Array, y: Array) -> Array:
    sun = 0.62 + 0.5 * value_noise(x, 2.5 * y, 5, seed=82) - 0.25 * (y - HORIZON)
    colour = gradient(GRASS, sun)
    for cx, _, radius, foot in TREES:
        cast = np.hypot((x - cx - 0.5 * radius) / 1.5, 3.2 * (y - foot)) / radius
        shade = gradient(SHADE, 0.5 + 0.8 * value_noise(x, y, 16, seed=84))
        colour = over(colour, shade, cast + 0.4 * value_noise(x, 2 * y, 12, seed=83) < 0.85)
    petals = value_noise(x, 1.8 * y, 42, seed=85, octaves=1)
    return over(colour, gradient(BLOSSOM, 0.3 + petals), (petals > 0.52) & (y > 0.5))
