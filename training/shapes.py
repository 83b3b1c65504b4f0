"""Basic solids in metres, standing upright, and the outlines of cards."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from training.rendering import Material, Solid
from training.textures import Array, Rng, noise

OUTLINE_SIDE = 96


def turn(axis: int, angle: float) -> Array:
    """Rotation about one axis, right-handed."""
    c, s = np.cos(angle), np.sin(angle)
    r = np.eye(3, dtype=np.float32)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    r[i, i], r[i, j], r[j, i], r[j, j] = c, -s, s, c
    return r


def vector(x: float, y: float, z: float) -> Array:
    """A point or direction."""
    return np.array([x, y, z], np.float32)


def box(x: float, y: float, z: float, w: float, d: float, h: float, material: Material) -> Solid:
    """A box that stands on (x, y, z), of full width, depth and height."""
    return Solid("cube", np.diag(vector(w, d, h) / 2), vector(x, y, z + h / 2), material)


def ball(x: float, y: float, z: float, a: float, b: float, c: float, material: Material) -> Solid:
    """An ellipsoid centred at (x, y, z) with the given half-axes."""
    return Solid("sphere", np.diag(vector(a, b, c)), vector(x, y, z), material)


def cup(
    x: float,
    y: float,
    z: float,
    r: float,
    h: float,
    material: Material,
    top: float = 1.0,
    is_open: bool = False,
) -> Solid:
    """An upright frustum that stands on (x, y, z)."""
    return Solid("frustum", np.diag(vector(r, r, h / 2)), vector(x, y, z + h / 2), material, top, is_open)


def rod(a: Array, b: Array, radius: float, material: Material, top: float = 1.0) -> Solid:
    """A frustum from point ``a`` to point ``b``."""
    along = b - a
    length = float(np.linalg.norm(along))
    w = along / max(length, 1e-6)
    u = np.cross(w, [0.0, 0.0, 1.0] if abs(w[2]) < 0.9 else [1.0, 0.0, 0.0])
    u /= np.linalg.norm(u)
    axes = np.stack([u * radius, np.cross(w, u) * radius, w * max(length, 1e-3) / 2], 1)
    return Solid("frustum", axes.astype(np.float32), ((a + b) / 2).astype(np.float32), material, top)


def plane(x: float, y: float, z: float, normal: Array, m: Material) -> Solid:
    """An unbounded plane through (x, y, z)."""
    u = np.cross([0.0, 0.0, 1.0] if abs(normal[2]) < 0.9 else [0.0, 1.0, 0.0], normal)
    u /= np.linalg.norm(u)
    return Solid("plane", np.stack([u, np.cross(normal, u), normal], 1).astype(np.float32), vector(x, y, z), m)


def moved(solids: Sequence[Solid], x: float, y: float, z: float, yaw: float = 0.0, scale: float = 1.0) -> list[Solid]:
    """The same solids, scaled, turned about z and shifted."""
    r = turn(2, yaw) * np.float32(scale)
    return [replace(s, axes=r @ s.axes, centre=r @ s.centre + vector(x, y, z)) for s in solids]


def ridge(rng: Rng) -> npt.NDArray[np.bool_]:
    """The outline of a mountain range."""
    line = ndimage.gaussian_filter1d(np.cumsum(rng.standard_normal(OUTLINE_SIDE * 2)), rng.uniform(0.5, 4))
    line = line[OUTLINE_SIDE // 2 :][:OUTLINE_SIDE]
    line = (line - line.min()) / np.ptp(line) * rng.uniform(0.4, 0.95)
    rows = 1 - (np.arange(OUTLINE_SIDE) + 0.5) / OUTLINE_SIDE
    return np.asarray(rows[:, None] < line[None, :])


def leaves(rng: Rng) -> npt.NDArray[np.bool_]:
    """A ragged round outline with holes."""
    y, x = np.mgrid[-1 : 1 : OUTLINE_SIDE * 1j, -1 : 1 : OUTLINE_SIDE * 1j]
    ragged = noise(rng, rng.uniform(0.6, 1.3), OUTLINE_SIDE)
    return np.asarray(np.hypot(x, y) + rng.uniform(0.3, 1.0) * (ragged - 0.3) < 0.8)


def blob(rng: Rng) -> npt.NDArray[np.bool_]:
    """A smooth random outline around the centre."""
    y, x = np.mgrid[-1 : 1 : OUTLINE_SIDE * 1j, -1 : 1 : OUTLINE_SIDE * 1j]
    angle, wave = np.arctan2(y, x), np.zeros_like(x)
    for n in range(1, 7):
        wave += rng.normal(0, 0.22 / n) * np.cos(n * angle + rng.uniform(0, 6.3))
    return np.asarray(np.hypot(x, y) < np.clip(0.7 + wave, 0.1, 1))


def card(x: float, y: float, w: float, h: float, material: Material, lean: float = 0.0) -> Solid:
    """A flat rectangle that stands on (x, y, 0) facing -y, leaning back by ``lean`` radians."""
    r = turn(0, -lean)
    return Solid("card", r @ np.diag(vector(w / 2, 1, h / 2)), vector(x, y, 0) + r @ vector(0, 0, h / 2), material)


def crown(rng: Rng, m: Material, r: float) -> list[Solid]:
    """Foliage around the origin: ellipsoids and ragged cards."""
    solids = []
    for _ in range(rng.integers(1, 5)):
        x, y, z = rng.normal(0, 0.35 * r, 3)
        a, b, c = rng.uniform(0.45, 0.9, 3) * r
        solids.append(ball(x, y, z, a, b, c, m))
    for _ in range(rng.integers(2, 6)):
        x, y, z = rng.normal(0, 0.3 * r, 3)
        axes = turn(2, rng.uniform(0, 6.3)) @ turn(0, rng.normal(0, 0.4)) * np.float32(r * rng.uniform(0.7, 1.2))
        solids.append(Solid("card", axes, vector(x, y, z), m, outline=leaves(rng)))
    return solids
