"""Colour spaces: what a file says about the meaning of its numbers, and their conversion to sRGB.

A file may say it by an ICC profile, by code points of ITU-T H.273 (cICP in PNG, nclx in AVIF), by primaries and an
exponent (PNG's cHRM and gAMA), or by the interoperability index of EXIF, which is all that cameras write for Adobe RGB.
Whatever is said otherwise than by a profile is made into one, so that one engine, LittleCMS, converts everything.
"""

from __future__ import annotations

import struct
from functools import cache
from io import BytesIO
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageCms

_INDEX = 1  # InteroperabilityIndex

Curve = tuple[float, ...]
"""Parameters of ICC's parametric curves: (g,) for Y = X^g; (g, a, b, c, d) for Y = (aX + b)^g from d on, cX below."""


class Primaries(NamedTuple):
    """Chromaticities (x, y) of white and of the three primaries."""

    white: tuple[float, float]
    red: tuple[float, float]
    green: tuple[float, float]
    blue: tuple[float, float]


class UnknownColours(ValueError):
    """A colour space that can't be converted to sRGB by its colours alone. Its message says which."""


D65 = (0.3127, 0.3290)
SRGB = Primaries(D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
SRGB_CURVE: Curve = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
ADOBE_RGB = Primaries(D65, (0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
ADOBE_CURVE: Curve = (563 / 256,)

_PRIMARIES = {
    1: SRGB,
    4: Primaries((0.310, 0.316), (0.67, 0.33), (0.21, 0.71), (0.14, 0.08)),
    5: Primaries(D65, (0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: Primaries(D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    7: Primaries(D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    9: Primaries(D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    11: Primaries((0.314, 0.351), (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    12: Primaries(D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    22: Primaries(D65, (0.630, 0.340), (0.295, 0.605), (0.155, 0.077)),
}
"""ColourPrimaries of ITU-T H.273 (07/2024), table 2."""

_BT709: Curve = (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)
_CURVES = {1: _BT709, 4: (2.2,), 5: (2.8,), 6: _BT709, 8: (1.0,), 13: SRGB_CURVE, 14: _BT709, 15: _BT709}
"""TransferCharacteristics of table 3, as far as they are those of pictures for ordinary screens."""

_HDR = {16: "PQ", 18: "HLG"}

_UNSPECIFIED = 2

_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

_SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))

_DATE = slice(24, 36)
"""Where a profile's header has the time at which it was made (ICC.1:2022, section 7.2.1)."""


def _srgb_icc() -> bytes:
    profile = bytearray(_SRGB_PROFILE.tobytes())
    profile[_DATE] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    return bytes(profile)


SRGB_ICC = _srgb_icc()
"""The profile of sRGB that LittleCMS makes, the same at any time, to be embedded in files."""


def to_srgb(image: Image.Image, exif: Image.Exif) -> tuple[Image.Image, list[str]]:
    """Convert a picture to sRGB, given what its file says about colours.

    Args:
        image: of mode L, RGB, CMYK or LAB, with ``info`` as Pillow and `spnst_core.imaging.png.separate` fill it.
        exif: the picture's EXIF.

    Returns:
        The picture in sRGB, of mode RGB, and what couldn't be applied, each with the reason. A picture of which
        nothing is known is taken to be sRGB.

    Raises:
        UnknownColours: high dynamic range, which becomes sRGB only by a choice of what is white.
    """
    if image.mode == "LAB":
        return _converted(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))), []
    failed: list[str] = []
    for name, profile_of in _SOURCES:
        try:
            profile = profile_of(image, exif)
            if profile is not None:
                own = image if profile_of is _by_profile or image.mode == "RGB" else image.convert("RGB")
                return _converted(own, profile), failed
        except UnknownColours:
            raise
        except Exception as error:  # of LittleCMS, of Pillow's EXIF, or arithmetic on nonsense
            failed.append(f"{name} can't be applied ({error})")
    return image.convert("RGB"), failed


def _by_code_points(image: Image.Image, exif: Image.Exif) -> ImageCms.ImageCmsProfile | None:
    if "cicp" not in image.info or image.mode == "CMYK":
        return None
    primaries, transfer, _, full_range = image.info["cicp"]
    if transfer in _HDR:
        raise UnknownColours(f"high dynamic range ({_HDR[transfer]}); export it for an ordinary screen, as sRGB")
    if _UNSPECIFIED in (primaries, transfer):
        return None
    if primaries not in _PRIMARIES or transfer not in _CURVES:
        raise ValueError(f"primaries {primaries} and transfer {transfer} are not known here")
    if not full_range:
        raise UnknownColours("colours of narrow range; export it with full range")
    return _profile(_PRIMARIES[primaries], _CURVES[transfer])


def _by_profile(image: Image.Image, exif: Image.Exif) -> ImageCms.ImageCmsProfile | None:
    icc = image.info.get("icc_profile")
    if icc == SRGB_ICC:
        return _SRGB_PROFILE
    return ImageCms.ImageCmsProfile(BytesIO(icc)) if icc else None


def _by_exponent(image: Image.Image, exif: Image.Exif) -> ImageCms.ImageCmsProfile | None:
    """By sRGB, gAMA and cHRM. An exponent of 1/2.2 stands for sRGB's own curve, as in browsers."""
    gamma, told = image.info.get("gamma"), image.info.get("chromaticity")
    if "srgb" in image.info:
        return _SRGB_PROFILE
    if image.mode == "CMYK" or (gamma is None and told is None):
        return None
    if not 0.1 <= (1 if gamma is None else gamma) <= 10 or not all(0 <= value <= 1 for value in told or ()):
        raise ValueError("numbers that no screen has")
    curve = SRGB_CURVE if gamma is None or abs(gamma * 2.2 - 1) < 0.02 else (1 / gamma,)
    primaries = SRGB
    if told is not None:
        white, red, green, blue = (told[k : k + 2] for k in (0, 2, 4, 6))
        primaries = Primaries(white, red, green, blue)
    return _profile(primaries, curve)


def _by_exif(image: Image.Image, exif: Image.Exif) -> ImageCms.ImageCmsProfile | None:
    """By the interoperability index R03 of DCF 2.0 (CIPA DC-009), which stands for Adobe RGB (1998)."""
    if image.mode != "RGB" or exif.get_ifd(ExifTags.IFD.Interop).get(_INDEX) != "R03":
        return None
    is_srgb = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace) == 1
    return None if is_srgb else _profile(ADOBE_RGB, ADOBE_CURVE)


_SOURCES = (
    ("its colours by code points", _by_code_points),
    ("its colour profile", _by_profile),
    ("its gAMA or cHRM", _by_exponent),
    ("the colour space of its EXIF", _by_exif),
)
"""In the order of precedence of the PNG specification, third edition, section 4.3; EXIF comes last."""


def _converted(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    if profile is _SRGB_PROFILE:
        return image.convert("RGB")
    return ImageCms.buildTransform(profile, _SRGB_PROFILE, image.mode, "RGB").apply(image)


def _profile(primaries: Primaries, curve: Curve) -> ImageCms.ImageCmsProfile:
    """The profile of a colour space; sRGB's own, which changes no number, for primaries as near as rounding goes."""
    near = np.abs(np.subtract(primaries, SRGB)).max() < 0.001
    return _SRGB_PROFILE if near and curve == SRGB_CURVE else _made(primaries, curve)


@cache
def _made(primaries: Primaries, curve: Curve) -> ImageCms.ImageCmsProfile:
    """A display profile of three primaries and one curve (ICC.1:2022, section 8.4.3)."""
    red, green, blue = _colorants(primaries).T
    trc = b"para" + struct.pack(">4xHxx", 3 if len(curve) > 1 else 0) + b"".join(map(_fixed, curve))
    tags = {
        b"wtpt": _xyz(_D50),
        b"rXYZ": _xyz(red),
        b"gXYZ": _xyz(green),
        b"bXYZ": _xyz(blue),
        b"rTRC": trc,
        b"gTRC": trc,
        b"bTRC": trc,
    }
    table, data, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    kinds = struct.pack(">I4x4B4s4s4s12x4s28x", start + len(data), 4, 0x40, 0, 0, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    header = (kinds + b"".join(map(_fixed, _D50))).ljust(128, b"\0")
    return ImageCms.ImageCmsProfile(BytesIO(header + table + data))


def _colorants(primaries: Primaries) -> npt.NDArray[np.float64]:
    """XYZ of red, green and blue, as columns, adapted to D50 by Bradford's method (ICC.1:2022, annex E)."""
    white, *colours = (np.array([x / y, 1, (1 - x - y) / y]) for x, y in primaries)
    columns = np.stack(colours, 1)
    seen = _BRADFORD @ white
    adapted = np.linalg.inv(_BRADFORD) @ np.diag(_BRADFORD @ _D50 / seen) @ _BRADFORD
    return adapted @ columns @ np.diag(np.linalg.solve(columns, white))


def _xyz(values: npt.NDArray[np.float64]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, values))


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))
