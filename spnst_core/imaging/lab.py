"""CIELAB: lightness L* and two axes of colour, a* and b*, by which equal distances look about equally different.

CIE 15:2018, *Colorimetry*, section 8.2.1, with sRGB (IEC 61966-2-1) and its white, D65.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from spnst_core.imaging.icc import SRGB, SRGB_CURVE

_BEND = 6 / 29
"""Where CIELAB's cube root, of luminance relative to white, becomes a straight line: below the cube of this."""


def rgb_to_lab(x: Tensor) -> Tensor:
    """Pictures (N, 3, H, W), sRGB in [0, 1], in CIELAB: L* in [0, 100], and a* and b*, which are 0 for greys."""
    gamma, scale, offset, slope, bend = SRGB_CURVE
    linear = torch.where(x < bend, x * slope, (x * scale + offset).clamp_min(0) ** gamma)
    seen = _times(_xyz_of_rgb(), linear)
    bent = torch.where(seen > _BEND**3, seen.clamp_min(0) ** (1 / 3), seen / (3 * _BEND**2) + 4 / 29)
    fx, fy, fz = bent.split(1, 1)
    return torch.cat([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], 1)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """Pictures (N, 3, H, W) in CIELAB as sRGB, with channels outside [0, 1] for colours that sRGB doesn't have.

    Below 0, the curve of sRGB is that above 0, mirrored (as in the extended range of scRGB, IEC 61966-2-2 amendment 1).
    """
    lightness, a, b = lab.split(1, 1)
    fy = (lightness + 16) / 116
    bent = torch.cat([fy + a / 500, fy, fy - b / 200], 1)
    seen = torch.where(bent > _BEND, bent**3, 3 * _BEND**2 * (bent - 4 / 29))
    linear = _times(np.linalg.inv(_xyz_of_rgb()), seen)
    gamma, scale, offset, slope, bend = SRGB_CURVE
    light = linear.abs()
    encoded = torch.where(light < bend * slope, light / slope, (light ** (1 / gamma) - offset) / scale)
    return encoded.copysign(linear)


def _times(matrix: np.ndarray, x: Tensor) -> Tensor:
    """Each pixel's three numbers times a matrix, summed in one order whatever the device."""
    first, second, third = x.split(1, 1)
    return torch.cat([a * first + b * second + c * third for a, b, c in matrix.tolist()], 1)


@cache
def _xyz_of_rgb() -> np.ndarray:
    """The matrix from linear sRGB to XYZ relative to white: greys have three equal values."""
    white, *colours = (np.array([x / y, 1, (1 - x - y) / y]) for x, y in SRGB)
    columns = np.stack(colours, 1)
    return np.diag(1 / white) @ columns @ np.diag(np.linalg.solve(columns, white))
