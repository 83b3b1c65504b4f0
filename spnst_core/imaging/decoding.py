"""Decoding: from the bytes of a picture's file to an upright 8-bit sRGB image. No other code decodes a file.

Whatever a decoder raises becomes an `InputError` about that file. What a file says besides its pixels (orientation,
colours) is used where it is sound; where it isn't, the picture is used without it and one warning is logged.
"""

from __future__ import annotations

import logging
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from spnst_core.errors import InputError, printable
from spnst_core.imaging import avif, jpeg, jxl, png, tiff
from spnst_core.imaging.colour_spaces import UnknownColours, to_srgb
from spnst_core.imaging.icc import SRGB_ICC
from spnst_core.imaging.layouts import UnknownLayout

MAX_BYTES = 10**9
"""Largest file that is read: `MAX_PIXELS` of four 16-bit channels, uncompressed, have 8 · 10⁸ bytes."""

MAX_PIXELS = 100_000_000
MIN_SIDE = 16

# Pillow knows more formats; some of them run a program (EPS) or don't hold a single picture (ICO, HDF5).
FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000", "AVIF", "HEIF", "JXL")

DECODERS = ("pillow_heif", "pillow_jxl")
"""Packages of the extra ``formats``: Pillow's own release has no decoder of HEIC or JPEG XL."""

OF_EXTRA = (".heic", ".heif", ".hif", ".jxl")
"""Suffixes of pictures that the `DECODERS` decode."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What puts a picture of each EXIF orientation upright."""

_XMP = ("xmp", "XML:com.adobe.xmp")
_EXIF = ("exif", "Raw profile type exif")
"""The names that `PIL.Image.Image.info` has for XMP and for EXIF."""

_STRAIGHT = {"La": "LA", "RGBa": "RGBA"}
"""Modes whose colours are multiplied by their alpha, and those whose aren't."""

_ROUNDED = ((np.arange(65536) * 255 + 32767) // 65535).astype(np.uint8)
"""The 8-bit level of each 16-bit one."""

OPACITY = "opacity"
"""The name under which `PIL.Image.Image.info` of a decoded picture has its opacity, of mode L, unless it is opaque."""

PROFILE = "colour_profile"
"""Likewise, the ICC profile of the colours of its file, unless that tells none, or sRGB's own."""

_log = logging.getLogger(__name__)


@cache
def suffixes() -> tuple[str, ...]:
    """Suffixes, in lower case, of the names of files that `decode` takes, given the codecs that are installed."""
    _register()
    known = {suffix for suffix, form in Image.registered_extensions().items() if form in _known(FORMATS)}
    return tuple(sorted(known - {".pfm"}))  # floating-point pixels, which have no largest value


def decode(source: Path | bytes, name: str | None = None) -> Image.Image:
    """Decode a picture file to an upright 8-bit sRGB image of mode ``RGB``.

    The orientation of EXIF or XMP is applied, alpha is composited over white, 16 bits are rounded to 8, an animation
    gives frame 0. What alpha there was is kept as its `OPACITY`. Colours are converted to sRGB as the file describes
    them: by code points (cICP), an ICC profile, gAMA and cHRM, or EXIF's index for Adobe RGB; the profile of what they
    were is kept as its `PROFILE`. A description that is broken is ignored, with a logged warning; of broken EXIF the
    orientation is applied all the same if it can be read.

    Args:
        source: a file, or a file's bytes.
        name: what to call the picture in an error; by default the path.

    Raises:
        InputError: no such file, not a regular file, of more than `MAX_BYTES`, not a picture, damaged, of a layout or
            colour space that can't be decoded rightly, smaller than `MIN_SIDE` on a side, or of more than `MAX_PIXELS`
            pixels; the size is read from the header, before any pixel is decoded.
    """
    name = printable(name or ("the picture" if isinstance(source, bytes) else str(source)))
    data = source if isinstance(source, bytes) else read_file(source, name)
    with blamed(name):
        return _decode(data, name)


def normalise(image: Image.Image, name: str) -> Image.Image:
    """An image of any mode as `decode` would return it; its size is checked before any pixel is decoded.

    Raises:
        InputError: as `decode`.
    """
    _check_size(image.width, image.height, name)
    with blamed(name):
        image.load()
        return _normalised(image, name)


@contextmanager
def opened(data: bytes, name: str, formats: tuple[str, ...] = FORMATS) -> Iterator[Image.Image]:
    """The picture in a file's bytes, of which no more than the header has been decoded.

    Raises:
        InputError: not a picture of these formats, or damaged.
    """
    with warnings.catch_warnings():
        # Pillow warns of damaged metadata, which is harmless here, and of sizes below MAX_PIXELS.
        warnings.simplefilter("ignore")
        try:
            image = Image.open(BytesIO(data), formats=_known(formats))
        except Image.DecompressionBombError as error:
            raise too_large(name) from error
        except UnidentifiedImageError as error:
            problem = f"is not a picture that can be read; use one of {', '.join(_known(formats))}"
            raise refusal(name, problem) from error
        except Exception as error:  # as in blamed
            raise _damaged(name, error) from error
        with image:
            yield image


@contextmanager
def blamed(name: str) -> Iterator[None]:
    """Whatever a decoder raises (struct, zlib, index, key, type, value and memory errors) is told of that file."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise _damaged(name, error) from error


def refusal(name: str, problem: str) -> InputError:
    """The error that says what is wrong with a picture."""
    return InputError(f"{printable(name)} {' '.join(problem.split())}")


def too_large(name: str) -> InputError:
    """The error about a picture of too many pixels."""
    return refusal(name, f"has more than {MAX_PIXELS // 1_000_000} million pixels; make it smaller")


def too_small(name: str, width: int, height: int) -> InputError:
    """The error about a picture that is shorter or narrower than `MIN_SIDE`."""
    return refusal(name, f"is {width}x{height} pixels; use one of at least {MIN_SIDE} on each side")


def _damaged(name: str, error: Exception) -> InputError:
    if isinstance(error, MemoryError):
        return refusal(name, "can't be decoded, because memory ran out; make it smaller, or run where more is free")
    return refusal(name, f"is damaged or cut short ({str(error) or type(error).__name__}); fetch or export it again")


def _check_size(width: int, height: int, name: str) -> None:
    if width * height > MAX_PIXELS:
        raise too_large(name)
    if min(width, height) < MIN_SIDE:
        raise too_small(name, width, height)


@cache
def _register() -> None:
    """Have Pillow know its own formats, and those of the `DECODERS` that are installed."""
    Image.init()
    for name in filter(find_spec, DECODERS):
        package = import_module(name)  # that of JPEG XL registers itself
        if name == "pillow_heif":
            package.register_heif_opener()


def _known(formats: tuple[str, ...]) -> tuple[str, ...]:
    _register()
    return tuple(f for f in formats if f in Image.OPEN)


def read_file(path: Path, name: str) -> bytes:
    """The bytes of a file.

    Raises:
        InputError: there is none, it isn't a regular file, has more than `MAX_BYTES`, or can't be opened.
    """
    try:
        kind = path.stat()
        if stat.S_ISDIR(kind.st_mode):
            raise refusal(name, "is a folder, not a picture; name a file inside it")
        if not stat.S_ISREG(kind.st_mode):  # reading from a FIFO or a device may never end
            raise refusal(name, "is not a regular file; name a picture")
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > MAX_BYTES:
                raise refusal(name, f"has more than {MAX_BYTES // 10**9} GB; make it smaller")
            return file.read(MAX_BYTES)
    except FileNotFoundError as error:
        raise refusal(name, "doesn't exist; check the path") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise refusal(name, f"can't be opened ({reason}); check its name and its permissions") from error


def _decode(data: bytes, name: str) -> Image.Image:
    if not data:
        raise refusal(name, "is empty (0 bytes); fetch or export it again")
    if data.startswith(tiff.SIGNATURES):
        return _decode_tiff(data, name)
    try:
        pixels, info, spoilt = _separated(data)
    except UnknownLayout as error:
        raise _undecodable(name, error) from error
    if data.startswith(jxl.SIGNATURES) and "JXL" in _known(FORMATS):
        with blamed(name):
            _check_size(*jxl.size(data), name)
    if spoilt:
        _warn(f"{name}: what is spoilt in it is ignored: {', '.join(dict.fromkeys(spoilt))}")
    with opened(pixels, name) as image:
        image.info.update(info)
        return normalise(image, name)


@lru_cache(maxsize=4096)
def _warn(line: str) -> None:
    """Log a warning once in a process: a run decodes a picture several times."""
    _log.warning("%s", line)


def _separated(data: bytes) -> tuple[bytes, dict[str, Any], list[str]]:
    """What a decoder needs of a file, what it says besides, and what of that is spoilt."""
    for form in (png, jpeg):
        if data.startswith(form.SIGNATURE):
            return form.separate(data)
    return data, avif.told(data), []


def _decode_tiff(data: bytes, name: str) -> Image.Image:
    """By Pillow, or by tifffile where Pillow would decode wrongly, or not at all because of a broken description."""
    layout = tiff.layout(data)
    _check_size(layout.width, layout.height, name)
    refused = None
    if not layout.misread:
        try:
            with opened(data, name) as image:
                return normalise(image, name)
        except InputError as error:
            refused = error
    try:
        image = tiff.decode(data)
    except UnknownLayout as error:
        if refused and not isinstance(refused.__cause__, UnidentifiedImageError):
            raise refused from error
        raise _undecodable(name, error) from error
    except Exception as error:
        raise refused or _damaged(name, error) from error
    return normalise(image, name)


def _undecodable(name: str, error: UnknownLayout) -> InputError:
    return refusal(name, f"has pixels that can't be decoded ({error}); save it with 8 bits a channel, or as PNG")


def _normalised(image: Image.Image, name: str) -> Image.Image:
    """The image upright, 8-bit, sRGB and opaque."""
    exif, ignored = _exif(image)
    image = image.convert(_STRAIGHT.get(image.mode, image.mode)) if image.mode in _STRAIGHT else image
    # JPEG XL says so in its codestream, which the decoder has heeded; EXIF then doesn't count (ISO/IEC 18181-2).
    turn = _TURNS.get(exif.get(ExifTags.Base.Orientation, 1)) if image.format != "JXL" else None
    image = image.transpose(turn) if turn is not None else image
    try:
        rgb, profile, failed = to_srgb(_eight_bit(image, name), exif)
    except UnknownColours as error:
        raise refusal(name, f"has {error}") from error
    if ignored or failed:
        _warn(f"{name}: {', '.join((*ignored, *failed))}; the picture is used without")
    opacity = image.info.get(OPACITY)  # of a picture that was decoded before
    if image.has_transparency_data:
        opacity = _alpha(image)
        rgb = Image.composite(rgb, Image.new("RGB", rgb.size, "white"), opacity)
    rgb.info.clear()
    if opacity is not None and opacity.getextrema() != (255, 255):
        rgb.info[OPACITY] = opacity
    if profile not in (None, SRGB_ICC):
        rgb.info[PROFILE] = profile
    return rgb


def _exif(image: Image.Image) -> tuple[Image.Exif, list[str]]:
    """The image's EXIF, to which Pillow adds XMP's orientation; if it is spoilt, that alone, and what is wrong.

    EXIF is sound if Pillow reads all of it without a warning and could write it again. Of a spoilt block no more than
    the orientation is used, by which every viewer shows the picture. In a TIFF the same tags describe the pixels
    themselves, and those that matter are checked when they are decoded.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of directories and values that are cut short or lie outside the block
            exif = image.getexif()
            hash(exif.get(ExifTags.Base.Orientation))
            if image.format != "TIFF":
                exif.tobytes()
        return exif, []
    except Exception as error:  # Pillow's parser raises syntax, struct, key, value and type errors, among others
        rest = Image.Exif()
        rest[ExifTags.Base.Orientation] = _orientation(image, (*_EXIF, *_XMP)) or _orientation(image, _XMP)
        return rest, [f"its EXIF is spoilt ({error})"]


def _orientation(image: Image.Image, told_by: tuple[str, ...]) -> int | None:
    """The orientation that some of an image's descriptions tell, whatever else they hold; None if it can't be read."""
    bare = Image.new("1", (1, 1))
    bare.info = {key: value for key, value in image.info.items() if key in told_by}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            turn = bare.getexif().get(ExifTags.Base.Orientation)
        except Exception:  # as in _exif
            return None
    return turn if isinstance(turn, int) and 1 <= turn <= 8 else None


def _eight_bit(image: Image.Image, name: str) -> Image.Image:
    """The colour channels without alpha, in a mode that an ICC profile can describe: L, RGB, CMYK or LAB."""
    if image.mode == "I" or image.mode.startswith("I;16"):
        levels = np.asarray(image)
        if levels.min() < 0 or levels.max() > 65535:
            raise refusal(name, "has grey values outside 0 to 65535; save it with 8 or 16 bits a channel")
        grey = Image.fromarray(_ROUNDED[levels])
        grey.info = image.info
        return grey
    if image.mode == "F":
        raise refusal(name, "has floating-point pixels; save it with 8 or 16 bits a channel")
    if image.mode in ("1", "L", "LA"):
        return image.convert("L")
    return image if image.mode in ("RGB", "CMYK", "LAB") else image.convert("RGB")


def _alpha(image: Image.Image) -> Image.Image:
    """The opacity of each pixel, mode L."""
    if image.mode.startswith("I"):
        return Image.fromarray(np.where(np.asarray(image) == image.info["transparency"], 0, 255).astype(np.uint8))
    return image.convert("RGBA").getchannel("A")
