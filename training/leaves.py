"""Dead leaves: shapes with textures piled on each other, which hide one another as objects do (Lee, Mumford & Huang,
"Occlusion models for natural images", IJCV 2001). Their outlines are boundaries; textures, shading and shadows aren't.
"""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from training.shapes import blob
from training.textures import TEXTURE_SIDE, Array, Rng, colour, noise, texture_bank

GROUPS = (
    "plain",
    "plain",
    "worn",
    "carpet",
    "marble",
    "grain",
    "mottled",
    "photo",
    "photo",
    "leaf",
    "ground",
    "brick",
    "pattern",
    "ribs",
    "folds",
    "tiles",
)


def dead_leaves(rng: Rng, side: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """A picture (side, side, 3) of bytes and its outlines (side, side), true on both sides of each."""
    y, x = np.mgrid[:side, :side].astype(np.float32)
    owner = np.zeros((side, side), np.intp)
    count = int(rng.integers(3, 24))
    radii = np.sort(side * np.exp(rng.uniform(np.log(0.05), np.log(0.6), count)))[::-1]
    picture = _surface(rng, y, x)
    for k, r in enumerate(radii, 1):
        inside = _leaf(rng, y, x, side, float(r))
        owner[inside] = k
        picture[inside] = _surface(rng, y[inside], x[inside])
        if rng.random() < 0.15:
            picture *= 1 - rng.uniform(0.1, 0.5) * ndimage.gaussian_filter(inside * np.float32(1), r / 4)[..., None]
    if rng.random() < 0.5:
        light = noise(rng, 2.0, 128)
        light = ndimage.zoom(light, side / 128, order=1)[:side, :side, None]
        picture *= 1 + rng.uniform(0.1, 0.5) * (light - 0.5)
    outlines = np.zeros((side, side), bool)
    for axis in (0, 1):
        change = np.diff(owner, axis=axis) != 0
        outlines |= np.pad(change, [(0, 1), (0, 0)] if axis == 0 else [(0, 0), (0, 1)])
        outlines |= np.pad(change, [(1, 0), (0, 0)] if axis == 0 else [(0, 0), (1, 0)])
    return (255 * np.clip(picture, 0, 1)).astype(np.uint8), outlines


def _leaf(rng: Rng, y: Array, x: Array, side: int, r: float) -> npt.NDArray[np.bool_]:
    """An ellipse, rectangle, smooth blob or half-plane somewhere in the picture."""
    kind, angle = rng.integers(4), rng.uniform(0, 2 * np.pi)
    v, u = y - rng.uniform(0, side), x - rng.uniform(0, side)
    along, across = u * np.cos(angle) + v * np.sin(angle), v * np.cos(angle) - u * np.sin(angle)
    across = across * np.float32(rng.uniform(1, 4))
    if kind == 0:
        return np.asarray(along**2 + across**2 < r * r)
    if kind == 1:
        return np.asarray((np.abs(along) < r) & (np.abs(across) < r))
    if kind == 2 or r < 0.4 * side:
        outline = blob(rng)
        half = len(outline) / 2
        row, column = ((t / r + 1) * half for t in (across, along))
        inside = (np.minimum(row, column) >= 0) & (np.maximum(row, column) < len(outline))
        row, column = (np.where(inside, t, 0).astype(np.intp) for t in (row, column))
        return np.asarray(inside & outline[row, column])
    return np.asarray(along > 0)


def _surface(rng: Rng, y: Array, x: Array) -> Array:
    """Colours (..., 3) of a turned and scaled texture, tinted, with a slight ramp of brightness."""
    bank = texture_bank()
    texture = int(rng.choice(bank.groups[GROUPS[rng.integers(len(GROUPS))]]))
    scale, angle = np.exp(rng.uniform(np.log(0.4), np.log(2.5))), rng.uniform(0, 2 * np.pi)
    u, v = (x * np.cos(angle) + y * np.sin(angle)) * scale, (y * np.cos(angle) - x * np.sin(angle)) * scale
    level = int(max(0, np.ceil(np.log2(scale))))
    side = TEXTURE_SIDE >> level
    column, row = (np.floor(t / 2**level + rng.uniform(0, 99)).astype(np.intp) % side for t in (u, v))
    texels = bank.texels[bank.starts[level] + texture * side * side + row * side + column]
    ramp = 1 + rng.normal(0, 0.15) * (u / TEXTURE_SIDE - 0.5) if rng.random() < 0.5 else np.ones_like(u)
    tint = colour(rng) if rng.random() < 0.7 else np.ones(3)
    return np.asarray(texels.astype(np.float32) / 255 * tint * ramp[..., None], np.float32)
