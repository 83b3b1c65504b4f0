"""OpenEXR: the size that a file states, and the one plane that it holds, by the package of the extra ``formats``."""

from __future__ import annotations

from importlib.util import find_spec
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

from spnst_core.imaging.layouts import UnknownLayout

_TYPES = {"HALF": np.float16, "FLOAT": np.float32, "UINT": np.uint32}

_DEEP, _PARTS = 0x800, 0x1000
"""Bits of the version field that tell of deep pixels and of several parts."""


def installed() -> bool:
    """Whether there is a decoder."""
    return find_spec("OpenEXR") is not None


def size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels, by the header alone.

    Raises:
        UnknownLayout: as `plane`.
        OSError: no OpenEXR file, or its header is spoilt.
    """
    return _size(_opened(data).header())


def plane(data: bytes) -> npt.NDArray[Any]:
    """The channel Z (of any layer) if there is one, else the only one besides alpha, or one of several that are equal.

    Returns:
        (H, W) of float16, float32 or uint32, as stored; (H, W, 3) of the first channel and of one that differs from it,
        if the picture is in colour.

    Raises:
        UnknownLayout: several parts, deep or subsampled pixels, a part of a larger picture, no channel but alpha, or
            transparent pixels.
        OSError: no OpenEXR file, or a damaged one; the decoder itself prints a line more.
    """
    file = _opened(data)
    header = file.header()
    width, height = _size(header)
    channels = header["channels"]

    def pixels(name: str) -> npt.NDArray[Any]:
        if (channels[name].xSampling, channels[name].ySampling) != (1, 1):
            raise UnknownLayout(f"a channel {name} that is subsampled")
        return np.frombuffer(file.channel(name), _TYPES[str(channels[name].type)]).reshape(height, width)

    depths = [name for name in channels if _last(name) == "Z"]
    if len(depths) == 1:
        return pixels(depths[0])
    first, *others = [name for name in channels if _last(name) != "A"] or [""]
    if not first:
        raise UnknownLayout("no channel but alpha")
    if any((pixels(name) != 1).any() for name in channels if _last(name) == "A"):
        raise UnknownLayout("transparent pixels")
    found = pixels(first)
    for name in others:
        if not np.array_equal(found, other := pixels(name)):
            return np.stack([found, other, other], 2)
    return found


def _opened(data: bytes) -> Any:
    import OpenEXR

    if int.from_bytes(data[4:8], "little") & (_DEEP | _PARTS):
        raise UnknownLayout("several parts or deep pixels")
    return OpenEXR.InputFile(BytesIO(data))


def _size(header: Any) -> tuple[int, int]:
    window, picture = header["dataWindow"], header["displayWindow"]
    corners = [(box.min.x, box.min.y, box.max.x, box.max.y) for box in (window, picture)]
    if corners[0] != corners[1]:
        raise UnknownLayout("a part of a larger picture, or more than the picture")
    return window.max.x - window.min.x + 1, window.max.y - window.min.y + 1


def _last(name: str) -> str:
    """A channel's name without that of its layer."""
    return name.rsplit(".", 1)[-1]
