"""Maps of a user's own: depth or edges of a content, from a file or an array, in place of a network's.

Depth is relative inverse depth, larger = nearer, of any scale and origin. Edges are strengths from 0 to 1.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from spnst_core.errors import InputError, printable
from spnst_core.imaging import tiff
from spnst_core.imaging.decoding import MAX_PIXELS, MIN_SIDE, blamed, opened, read_file, refusal
from spnst_core.imaging.layouts import UnknownLayout

Kind = Literal["depth", "edges"]
KINDS: tuple[Kind, ...] = ("depth", "edges")

SUFFIXES = (".npy", ".png", ".tif", ".tiff")
"""Of the files that hold maps."""

LARGEST = 1e6
"""Largest absolute value of a map: squares of larger ones lose what is small beside them."""

FLAT = 1e-6
"""Range of values, relative to the largest, below which a map is constant."""

_POLARITY = {"depth": "larger values must be nearer", "edges": "1 must be an edge, and 0 none"}

Map = str | Path | npt.NDArray[Any] | Tensor
"""What `read_map` takes: a file's path, an array (H, W), or a tensor (H, W) or (1, 1, H, W)."""


def read_map(source: Map, kind: Kind, name: str = "the map") -> Tensor:
    """A map as float32, (1, 1, H, W).

    A file is told by its suffix: NumPy's ``.npy`` of numbers, ``.tif`` of integers or floats, ``.png``. Integers of b
    unsigned bits are divided by their largest value, 2ᵇ − 1. A picture in colour must be grey throughout.

    Raises:
        InputError: no such file, or one that can't be decoded; not one value for each pixel; of more than
            `spnst_core.imaging.io.MAX_PIXELS` pixels or narrower than `spnst_core.imaging.io.MIN_SIDE`; a value that
            isn't finite or is beyond `LARGEST`; a constant map; edges outside [0, 1]; any other object.
    """
    if isinstance(source, str | Path):
        return decode_map(read_file(Path(source), printable(str(source))), kind, str(source))
    if isinstance(source, Tensor):
        source = source.detach().cpu().numpy()
    if not isinstance(source, np.ndarray):
        raise InputError(f"{name} can't be a {type(source).__name__}: give a path, an array (H, W) or a tensor")
    return _checked(source, kind, name)


def decode_map(data: bytes, kind: Kind, name: str) -> Tensor:
    """As `read_map`, from a file's bytes; ``name`` is its path or address, whose suffix tells the format."""
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise refusal(name, f"can't be a map: its name must end in {' or '.join(SUFFIXES)}")
    with blamed(name):
        if suffix == ".npy":
            values = _from_npy(data, name)
        elif suffix == ".png":
            values = _from_png(data, name)
        else:
            values = _from_tiff(data, name)
        return _checked(values, kind, name)


def at_shape(values: Tensor, height: int, width: int) -> Tensor:
    """A map (1, 1, H, W) resampled without overshoot, (1, 1, height, width); exactly itself if it has that shape."""
    if values.shape[2:] == (height, width):
        return values
    return F.interpolate(values, (height, width), mode="bilinear", antialias=True, align_corners=False)


def require_aspect(values: Tensor, content: Tensor, name: str) -> None:
    """See that a map (1, 1, h, w) has the shape of its content (N, C, H, W), up to its scale and a pixel's rounding.

    Raises:
        InputError: it has another aspect.
    """
    (height, width), (own_height, own_width) = content.shape[2:], values.shape[2:]
    off = abs(own_width * height - own_height * width)
    if off > max(height, width, own_height, own_width):  # a side is off by more than a pixel
        raise InputError(
            f"{printable(name)} has {own_width}×{own_height} pixels, another aspect than the content's "
            f"{width}×{height}: crop it as the content is cropped"
        )


def agreement(one: Tensor, other: Tensor) -> float:
    """Correlation of two maps (1, 1, H, W) of a shape, from -1 to 1; 0 if one of them is constant."""
    pair = torch.stack([one.flatten(), other.to(one).flatten()]).double()
    centred = pair - pair.mean(1, keepdim=True)
    lengths = centred.norm(dim=1).prod().item()
    return (centred[0] @ centred[1]).item() / lengths if lengths else 0.0


def disagreement(kind: Kind, correlation: float | None, name: str) -> str:
    """A warning about a map that runs against the network's; empty if it doesn't, or there is none.

    Args:
        correlation: the `agreement` of the two; None: no map was given.
        name: what to call the map.
    """
    if correlation is None or correlation >= 0:
        return ""
    return (
        f"{printable(name)} runs against what the network sees (correlation {correlation:.2f}): {_POLARITY[kind]}; "
        "invert it unless it is meant so"
    )


def _from_npy(data: bytes, name: str) -> npt.NDArray[Any]:
    file = BytesIO(data)
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    if dtype.hasobject or dtype.kind not in "uif":
        raise refusal(name, f"holds {dtype}, and a map holds numbers: save it as float32")
    count = int(np.prod(shape, dtype=object))
    if count > MAX_PIXELS or count * dtype.itemsize != len(data) - file.tell():
        raise refusal(name, f"is said to hold {count:,} numbers, which it doesn't: save it again")
    return np.frombuffer(data, dtype, count, file.tell()).reshape(shape, order="F" if fortran else "C")


def _from_png(data: bytes, name: str) -> npt.NDArray[Any]:
    with opened(data, name, ("PNG",)) as image:
        if image.width * image.height > MAX_PIXELS:
            raise refusal(name, f"has more than {MAX_PIXELS // 1_000_000} million pixels; make it smaller")
        if image.mode in ("1", "P", "PA", "RGBA", "LA"):
            image = _opaque(image, name)
        pixels = np.asarray(image)
    return pixels.astype(np.uint16) if pixels.dtype == np.int32 else pixels  # Pillow's mode I, for 16 bits


def _from_tiff(data: bytes, name: str) -> npt.NDArray[Any]:
    with opened(data, name, ("TIFF",)) as image:
        if image.width * image.height > MAX_PIXELS:
            raise refusal(name, f"has more than {MAX_PIXELS // 1_000_000} million pixels; make it smaller")
        try:
            return tiff.samples(data)
        except UnknownLayout as error:
            if image.mode not in ("L", "I;16", "I;16B", "F"):  # what Pillow reads rightly, with any compression
                raise refusal(name, f"holds {error}, which isn't read as a map: save it as .npy of float32") from error
            return np.asarray(image)


def _opaque(image: Image.Image, name: str) -> Image.Image:
    """A picture without its palette and its alpha, which must be 1 everywhere."""
    seen = image.convert("RGBA")
    if seen.getchannel("A").getextrema() != (255, 255):
        raise refusal(name, "is transparent in places: a map needs a value at every pixel")
    return seen.convert("RGB")


def _checked(values: npt.NDArray[Any], kind: Kind, name: str) -> Tensor:
    if values.dtype.kind not in "uif":
        raise refusal(name, f"holds {values.dtype}, and a map holds numbers")
    plane = values.reshape(values.shape[2:]) if values.ndim == 4 and values.shape[:2] == (1, 1) else values
    if plane.ndim == 3 and plane.shape[2] in (1, 3) and (plane == plane[..., :1]).all():
        plane = plane[..., 0]
    if plane.ndim != 2:
        problem = "is in colour" if plane.ndim == 3 and plane.shape[2] in (3, 4) else f"has the shape {values.shape}"
        raise refusal(name, f"{problem}: a map has one value for each pixel, as a grey picture does")
    if min(plane.shape) < MIN_SIDE or plane.size > MAX_PIXELS:
        raise refusal(name, f"has {plane.shape[1]}×{plane.shape[0]} pixels: a map needs {MIN_SIDE} on each side")
    floats = torch.from_numpy(plane.astype(np.float32))
    if plane.dtype.kind == "u":
        floats = floats / float(np.iinfo(plane.dtype).max)
    if not floats.isfinite().all():
        raise refusal(name, "holds values that aren't finite (NaN or infinite): fill them in")
    low, high = floats.min().item(), floats.max().item()
    largest = max(abs(low), abs(high))
    if largest > LARGEST:
        raise refusal(name, f"holds values from {low:g} to {high:g}, beyond {LARGEST:g}: scale it down")
    if high - low <= FLAT * largest:
        raise refusal(name, f"is {low:g} everywhere: a constant map says nothing of {kind}")
    if kind == "edges" and not 0 <= low <= high <= 1:
        raise refusal(name, f"holds values from {low:g} to {high:g}: edges are from 0 to 1")
    return floats[None, None]
