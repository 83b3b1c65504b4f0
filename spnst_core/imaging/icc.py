"""ICC profiles of three primaries and their curves: made from published numbers, and read from a file's bytes.

Such a profile, of a display, a scanner or a working space, says all about a colour space by a matrix and three curves
(ICC.1:2022, section 8.4.3).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import ImageCms

Curve = tuple[float, ...]
"""Parameters of ICC's parametric curves: (g,) for Y = X^g; (g, a, b, c, d) for Y = (aX + b)^g from d on, cX below."""

Floats = npt.NDArray[np.float64]


class Primaries(NamedTuple):
    """Chromaticities (x, y) of white and of the three primaries."""

    white: tuple[float, float]
    red: tuple[float, float]
    green: tuple[float, float]
    blue: tuple[float, float]


D65 = (0.3127, 0.3290)
SRGB = Primaries(D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
SRGB_CURVE: Curve = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
DISPLAY_P3 = Primaries(D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE_RGB = Primaries(D65, (0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
ADOBE_CURVE: Curve = (563 / 256,)

LEVELS: Floats = np.linspace(0, 1, 2**16)
"""What a channel of 16 bits can hold: curves are known at these."""

_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

_MADE = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
"""When profiles were made, by their headers: the same at any time, so that equal pictures give equal files."""

_DATE = slice(24, 36)
"""Where a header has it (section 7.2.1)."""

_HEADER = 128

_PARAMETERS = (1, 3, 4, 5, 7)
"""How many numbers each kind of parametric curve has (section 10.18)."""

_TABLES = (b"A2B0", b"A2B1", b"A2B2", b"D2B0", b"D2B1", b"D2B2")
"""Tags of conversions that count in place of matrix and curves."""


class NotByMatrix(ValueError):
    """A profile that isn't, or isn't only, a matrix and three curves. Its message says what it is."""


def _srgb() -> bytes:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_DATE] = _MADE
    return bytes(profile)


SRGB_ICC = _srgb()
"""The profile of sRGB that LittleCMS makes, the same at any time, to be embedded in files."""


@cache
def made(name: str, primaries: Primaries, curve: Curve) -> bytes:
    """The profile, of version 4.4, of a display of three primaries and one curve."""
    red, green, blue = colorants(primaries).T
    trc = b"para" + struct.pack(">4xHxx", 3 if len(curve) > 1 else 0) + b"".join(map(_fixed, curve))
    tags = {
        b"desc": _text(name),
        b"cprt": _text("No copyright, use freely"),
        b"wtpt": _xyz(_D50),
        b"chad": b"sf32\0\0\0\0" + b"".join(map(_fixed, _adaptation(primaries.white).ravel())),
        b"rXYZ": _xyz(red),
        b"gXYZ": _xyz(green),
        b"bXYZ": _xyz(blue),
        b"rTRC": trc,
        b"gTRC": trc,
        b"bTRC": trc,
    }
    table, data, start = struct.pack(">I", len(tags)), b"", _HEADER + 4 + 12 * len(tags)
    for tag, content in tags.items():
        table += tag + struct.pack(">II", start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    kinds = struct.pack(">I4x4B4s4s4s12x4s28x", start + len(data), 4, 0x40, 0, 0, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    header = bytearray((kinds + b"".join(map(_fixed, _D50))).ljust(_HEADER, b"\0"))
    header[_DATE] = _MADE
    return bytes(header) + table + data


def colorants(primaries: Primaries) -> Floats:
    """XYZ of red, green and blue, as columns, adapted to D50 (ICC.1:2022, annex E)."""
    white, *colours = map(_xyz_of, primaries)
    columns = np.stack(colours, 1)
    return _adaptation(primaries.white) @ columns @ np.diag(np.linalg.solve(columns, white))


def read(icc: bytes) -> tuple[Floats, Floats]:
    """Matrix and curves of a profile.

    Returns:
        XYZ of red, green and blue in D50, as columns, (3, 3), and the linear value of each channel at `LEVELS`,
        (3, 65536), which never falls.

    Raises:
        NotByMatrix: another kind of profile, or a spoilt one.
    """
    space, connected = (icc[start : start + 4].decode("latin-1").strip() for start in (16, 20))
    if space != "RGB":
        raise NotByMatrix(f"is of {space or 'no'} colours, not of RGB")
    try:
        tags = _tags(icc)
        if connected != "XYZ" or any(tag in tags for tag in _TABLES):
            raise NotByMatrix("converts by tables, not by a matrix")
        columns = [struct.unpack_from(">3i", tags[tag], 8) for tag in (b"rXYZ", b"gXYZ", b"bXYZ")]
        curves = np.stack([_curve(tags[tag]) for tag in (b"rTRC", b"gTRC", b"bTRC")])
    except (struct.error, KeyError, IndexError) as error:
        raise NotByMatrix(f"is spoilt ({error})") from error
    matrix = np.array(columns, np.float64).T / 65536
    rises = np.isfinite(curves).all() and (np.diff(curves) >= 0).all() and (curves[:, 0] < curves[:, -1]).all()
    if not rises or abs(np.linalg.det(matrix)) < 1e-6:
        raise NotByMatrix("has curves or primaries that can't be inverted")
    return matrix, curves


def _tags(icc: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", icc, _HEADER)
    entries = (struct.unpack_from(">4sII", icc, _HEADER + 4 + 12 * k) for k in range(min(count, 1000)))
    return {tag: icc[start : start + length] for tag, start, length in entries}


def _curve(tag: bytes) -> Floats:
    """A curve at `LEVELS` (sections 10.6 and 10.18)."""
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return LEVELS
        table = np.array(struct.unpack_from(f">{count}H", tag, 12), np.float64)
        return LEVELS ** (table[0] / 256) if count == 1 else np.interp(LEVELS, np.linspace(0, 1, count), table / 65535)
    (kind,) = struct.unpack_from(">H", tag, 8)
    return _parametric(kind, [value / 65536 for value in struct.unpack_from(f">{_PARAMETERS[kind]}i", tag, 12)])


def _parametric(kind: int, numbers: Sequence[float]) -> Floats:
    g, a, b, c, d, e, f = (*numbers, *[0.0] * (7 - len(numbers)))
    if kind == 0:
        a = 1.0
    if kind in (1, 2):  # c is what is added to both parts, which meet where the power begins
        c, d, e, f = 0.0, -b / a if a else 0.0, c, c
    with np.errstate(all="ignore"):  # an infinite value is refused with the curve
        power = np.clip(a * LEVELS + b, 0, None) ** g + e
    return np.clip(np.where(d <= LEVELS, power, c * LEVELS + f), 0, 1)


def _adaptation(white: tuple[float, float]) -> Floats:
    """From XYZ in this white to XYZ in D50, by Bradford's method."""
    seen = _BRADFORD @ _xyz_of(white)
    return np.linalg.inv(_BRADFORD) @ np.diag(_BRADFORD @ _D50 / seen) @ _BRADFORD


def _xyz_of(chromaticity: tuple[float, float]) -> Floats:
    x, y = chromaticity
    return np.array([x / y, 1, (1 - x - y) / y])


def _xyz(values: Floats) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, values))


def _text(text: str) -> bytes:
    """English, as multiLocalizedUnicodeType (section 10.15)."""
    letters = text.encode("utf-16-be")
    return b"mluc" + struct.pack(">4xII4sII", 1, 12, b"enUS", len(letters), 28) + letters


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))
