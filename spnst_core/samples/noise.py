"""Smooth random fields and palettes, which all sample styles use.

Places are x, y in units of the picture's long side, from its upper left; colours are RGB in [0, 1].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]


def value_noise(x: Array, y: Array | float, frequency: float, seed: int, octaves: int = 3) -> Array:
    """Fractal value noise in about [-1, 1]: random values on a lattice, smoothly interpolated, summed over octaves.

    Args:
        x, y: coordinates, broadcast against each other.
        frequency: lattice cells per unit in the coarsest octave; each next one doubles it and halves its amplitude.
    """
    x, y = np.broadcast_arrays(np.asarray(x, np.float32), np.asarray(y, np.float32))
    total, amplitude = np.zeros(x.shape, np.float32), 1.0
    for octave in range(octaves):
        lattice = np.random.default_rng((seed, octave)).uniform(-1, 1, (64, 64)).astype(np.float32)
        px, py = x * (frequency * 2**octave) + 7.3, y * (frequency * 2**octave) + 3.1
        ix, iy = np.floor(px).astype(np.int32), np.floor(py).astype(np.int32)
        fx, fy = px - ix, py - iy
        sx, sy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
        top = lattice[iy & 63, ix & 63] * (1 - sx) + lattice[iy & 63, (ix + 1) & 63] * sx
        bottom = lattice[(iy + 1) & 63, ix & 63] * (1 - sx) + lattice[(iy + 1) & 63, (ix + 1) & 63] * sx
        total += amplitude * (top * (1 - sy) + bottom * sy)
        amplitude /= 2
    return total


def palette(*colours: str) -> Array:
    """Hexadecimal colours as an (n, 3) array."""
    return np.array([[int(c[i : i + 2], 16) / 255 for i in (0, 2, 4)] for c in colours], np.float32)


def gradient(colours: Array, t: Array) -> Array:
    """The colour at ``t`` in [0, 1] along a palette, interpolated linearly."""
    position = np.clip(t, 0, 1) * (len(colours) - 1)
    low = np.minimum(position.astype(np.int32), len(colours) - 2)
    share = (position - low)[..., None]
    return (colours[low] * (1 - share) + colours[low + 1] * share).astype(np.float32)


def mix(below: Array, above: Array, share: Array) -> Array:
    """Colours (n, 3) with ``share`` (n,) of the colours above them, from 0 (none) to 1 (nothing else)."""
    return below + (above - below) * share[..., None]


def over(below: Array, above: Array, mask: Mask) -> Array:
    """Colours (n, 3), replaced by the ones above them where ``mask`` (n,) holds."""
    return np.where(mask[:, None], above, below)


def smoothstep(low: float, high: float, x: Array) -> Array:
    """0 below ``low``, 1 above ``high``, a cubic with level ends between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
