"""Planes: one value for each pixel, from a file or an array. Maps and masks are planes.

A file is told by its suffix: NumPy's ``.npy`` of numbers, ``.tif`` of integers or floats, ``.png``, ``.exr``. Integers
of b unsigned bits are divided by their largest value, 2ᵇ − 1. A picture in colour must be grey throughout.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from spnst_core.errors import InputError, printable
from spnst_core.imaging import exr, tiff
from spnst_core.imaging.decoding import MAX_PIXELS, MIN_SIDE, blamed, opened, read_file, refusal, too_large
from spnst_core.imaging.layouts import UnknownLayout

SUFFIXES = (".npy", ".png", ".tif", ".tiff", ".exr")
"""Of the files that hold planes."""

Plane = str | Path | npt.NDArray[Any] | Tensor
"""What `read_plane` takes: a file's path, an array (H, W), or a tensor (H, W) or (1, 1, H, W)."""


def read_plane(source: Plane, what: str, name: str) -> Tensor:
    """A plane as float32, (1, 1, H, W).

    Args:
        what: what it is, ``map`` or ``mask``, for errors.
        name: what to call it in an error; a file goes by its path.

    Raises:
        InputError: no such file, or one that can't be decoded; not one value for each pixel; of more than
            `spnst_core.imaging.io.MAX_PIXELS` pixels or narrower than `spnst_core.imaging.io.MIN_SIDE`; a value that
            isn't finite; any other object.
    """
    if isinstance(source, str | Path):
        return decode_plane(read_file(Path(source), printable(str(source))), what, str(source))
    if isinstance(source, Tensor):
        source = source.detach().cpu().numpy()
    if not isinstance(source, np.ndarray):
        raise InputError(f"{name} can't be a {type(source).__name__}: give a path, an array (H, W) or a tensor")
    return _checked(source, what, name)


def named(source: Plane, name: str) -> str:
    """What to call a plane in an error: a file by its path, anything else by the given name."""
    return str(source) if isinstance(source, str | Path) else name


def decode_plane(data: bytes, what: str, name: str) -> Tensor:
    """As `read_plane`, from a file's bytes; ``name`` is its path or address, whose suffix tells the format."""
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise refusal(name, f"can't be a {what}: its name must end in {' or '.join(SUFFIXES)}")
    with blamed(name):
        if suffix == ".npy":
            values = _from_npy(data, what, name)
        elif suffix == ".png":
            values = _from_png(data, what, name)
        elif suffix == ".exr":
            values = _from_exr(data, what, name)
        else:
            values = _from_tiff(data, what, name)
        return _checked(values, what, name)


def at_shape(values: Tensor, height: int, width: int) -> Tensor:
    """Planes (1, K, H, W) resampled without overshoot, (1, K, height, width); exactly themselves in that shape."""
    if values.shape[2:] == (height, width):
        return values
    return F.interpolate(values, (height, width), mode="bilinear", antialias=True, align_corners=False)


def same_aspect(one: Tensor, other: Tensor) -> bool:
    """Whether two pictures or planes (N, C, H, W) have one shape, up to its scale and a pixel's rounding."""
    (height, width), (other_height, other_width) = one.shape[2:], other.shape[2:]
    return abs(width * other_height - height * other_width) <= max(height, width, other_height, other_width)


def require_aspect(values: Tensor, picture: Tensor, name: str, whose: str = "content") -> None:
    """See that a plane (1, 1, h, w) has the shape of its picture (N, C, H, W), up to its scale and a pixel's rounding.

    Args:
        whose: what the picture is, for the error.

    Raises:
        InputError: it has another aspect.
    """
    (height, width), (own_height, own_width) = picture.shape[2:], values.shape[2:]
    if not same_aspect(values, picture):
        raise InputError(
            f"{printable(name)} has {own_width}×{own_height} pixels, another aspect than the {whose}'s "
            f"{width}×{height}: crop it as the {whose} is cropped"
        )


def _from_npy(data: bytes, what: str, name: str) -> npt.NDArray[Any]:
    file = BytesIO(data)
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    if dtype.hasobject or dtype.kind not in "uifb":
        raise refusal(name, f"holds {dtype}, and a {what} holds numbers: save it as float32")
    count = int(np.prod(shape, dtype=object))
    if count > MAX_PIXELS or count * dtype.itemsize != len(data) - file.tell():
        raise refusal(name, f"is said to hold {count:,} numbers, which it doesn't: save it again")
    return np.frombuffer(data, dtype, count, file.tell()).reshape(shape, order="F" if fortran else "C")


def _from_png(data: bytes, what: str, name: str) -> npt.NDArray[Any]:
    with opened(data, name, ("PNG",)) as image:
        if image.width * image.height > MAX_PIXELS:
            raise too_large(name)
        if image.mode in ("1", "P", "PA", "RGBA", "LA"):
            image = _opaque(image, what, name)
        pixels = np.asarray(image)
    return pixels.astype(np.uint16) if pixels.dtype == np.int32 else pixels  # Pillow's mode I, for 16 bits


def _from_tiff(data: bytes, what: str, name: str) -> npt.NDArray[Any]:
    with opened(data, name, ("TIFF",)) as image:
        if image.width * image.height > MAX_PIXELS:
            raise too_large(name)
        try:
            return tiff.samples(data)
        except UnknownLayout as error:
            if image.mode not in ("L", "I;16", "I;16B", "F"):  # what Pillow reads rightly, with any compression
                raise refusal(
                    name, f"holds {error}, which isn't read as a {what}: save it as .npy of float32"
                ) from error
            return np.asarray(image)


def _from_exr(data: bytes, what: str, name: str) -> npt.NDArray[Any]:
    if not exr.installed():
        raise refusal(name, "needs a decoder that isn't installed: pip install 'spnst[formats]'")
    try:
        width, height = exr.size(data)
        if width * height > MAX_PIXELS:
            raise too_large(name)
        return exr.plane(data)
    except UnknownLayout as error:
        raise refusal(name, f"holds {error}, which isn't read as a {what}: save one whole channel") from error


def _opaque(image: Image.Image, what: str, name: str) -> Image.Image:
    """A picture without its palette and its alpha, which must be 1 everywhere."""
    seen = image.convert("RGBA")
    if seen.getchannel("A").getextrema() != (255, 255):
        raise refusal(name, f"is transparent in places: a {what} needs a value at every pixel")
    return seen.convert("RGB")


def _checked(values: npt.NDArray[Any], what: str, name: str) -> Tensor:
    if values.dtype.kind not in "uifb":
        raise refusal(name, f"holds {values.dtype}, and a {what} holds numbers")
    plane = values.reshape(values.shape[2:]) if values.ndim == 4 and values.shape[:2] == (1, 1) else values
    if plane.ndim == 3 and plane.shape[2] in (1, 3) and (plane == plane[..., :1]).all():
        plane = plane[..., 0]
    if plane.ndim != 2:
        problem = "is in colour" if plane.ndim == 3 and plane.shape[2] in (3, 4) else f"has the shape {values.shape}"
        raise refusal(name, f"{problem}: a {what} has one value for each pixel, as a grey picture does")
    if min(plane.shape) < MIN_SIDE or plane.size > MAX_PIXELS:
        raise refusal(name, f"has {plane.shape[1]}×{plane.shape[0]} pixels: a {what} needs {MIN_SIDE} on each side")
    floats = torch.from_numpy(plane.astype(np.float32))
    if plane.dtype.kind == "u":
        floats = floats / float(np.iinfo(plane.dtype).max)
    if not floats.isfinite().all():
        raise refusal(name, "holds values that aren't finite (NaN or infinite): fill them in")
    return floats[None, None]
