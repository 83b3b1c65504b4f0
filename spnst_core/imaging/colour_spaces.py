"""Colour spaces: what a file says about the meaning of its numbers, and their conversion to sRGB.

A file may say it by an ICC profile, by code points of ITU-T H.273 (cICP in PNG, nclx in AVIF), by primaries and an
exponent (PNG's cHRM and gAMA), or by the interoperability index of EXIF, which is all that cameras write for Adobe RGB.
Whatever is said otherwise than by a profile is made into one, so that one engine, LittleCMS, converts everything.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import ExifTags, Image, ImageCms

from spnst_core.imaging.icc import (
    ADOBE_CURVE,
    ADOBE_RGB,
    D65,
    DISPLAY_P3,
    SRGB,
    SRGB_CURVE,
    SRGB_ICC,
    Curve,
    Primaries,
    made,
)

_INDEX = 1  # InteroperabilityIndex


class UnknownColours(ValueError):
    """A colour space that can't be converted to sRGB by its colours alone. Its message says which."""


_PRIMARIES = {
    1: SRGB,
    4: Primaries((0.310, 0.316), (0.67, 0.33), (0.21, 0.71), (0.14, 0.08)),
    5: Primaries(D65, (0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: Primaries(D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    7: Primaries(D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    9: Primaries(D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    11: Primaries((0.314, 0.351), (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    12: DISPLAY_P3,
    22: Primaries(D65, (0.630, 0.340), (0.295, 0.605), (0.155, 0.077)),
}
"""ColourPrimaries of ITU-T H.273 (07/2024), table 2."""

_BT709: Curve = (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)
_CURVES = {1: _BT709, 4: (2.2,), 5: (2.8,), 6: _BT709, 8: (1.0,), 13: SRGB_CURVE, 14: _BT709, 15: _BT709}
"""TransferCharacteristics of table 3, as far as they are those of pictures for ordinary screens."""

_HDR = {16: "PQ", 18: "HLG"}

_UNSPECIFIED = 2

_SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def to_srgb(image: Image.Image, exif: Image.Exif) -> tuple[Image.Image, bytes | None, list[str]]:
    """Convert a picture to sRGB, given what its file says about colours.

    Args:
        image: of mode L, RGB, CMYK or LAB, with ``info`` as Pillow and `spnst_core.imaging.png.separate` fill it.
        exif: the picture's EXIF.

    Returns:
        The picture in sRGB, of mode RGB; the ICC profile of the colours that it had, or None if nothing is known of
        them, which is taken to mean sRGB, or they were CIELAB; and what couldn't be applied, each with the reason.

    Raises:
        UnknownColours: high dynamic range, which becomes sRGB only by a choice of what is white.
    """
    if image.mode == "LAB":
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        return ImageCms.buildTransform(lab, _SRGB_PROFILE, image.mode, "RGB").apply(image), None, []
    failed: list[str] = []
    for name, profile_of in _SOURCES:
        try:
            profile = profile_of(image, exif)
            if profile is not None:
                own = image if profile_of is _by_profile or image.mode == "RGB" else image.convert("RGB")
                return _converted(own, profile), profile, failed
        except UnknownColours:
            raise
        except Exception as error:  # of LittleCMS, of Pillow's EXIF, or arithmetic on nonsense
            failed.append(f"{name} can't be applied ({error})")
    return image.convert("RGB"), None, failed


def _by_code_points(image: Image.Image, exif: Image.Exif) -> bytes | None:
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


def _by_profile(image: Image.Image, exif: Image.Exif) -> bytes | None:
    return image.info.get("icc_profile") or None


def _by_exponent(image: Image.Image, exif: Image.Exif) -> bytes | None:
    """By sRGB, gAMA and cHRM. An exponent of 1/2.2 stands for sRGB's own curve, as in browsers."""
    gamma, told = image.info.get("gamma"), image.info.get("chromaticity")
    if "srgb" in image.info:
        return SRGB_ICC
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


def _by_exif(image: Image.Image, exif: Image.Exif) -> bytes | None:
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


def _converted(image: Image.Image, icc: bytes) -> Image.Image:
    if icc == SRGB_ICC:
        return image.convert("RGB")
    profile = ImageCms.ImageCmsProfile(BytesIO(icc))
    return ImageCms.buildTransform(profile, _SRGB_PROFILE, image.mode, "RGB").apply(image)


def _profile(primaries: Primaries, curve: Curve) -> bytes:
    """The profile of a colour space; sRGB's own, which changes no number, for primaries as near as rounding goes."""
    near = np.abs(np.subtract(primaries, SRGB)).max() < 0.001
    return SRGB_ICC if near and curve == SRGB_CURVE else made("Colours of a picture", primaries, curve)
