"""TIFF: the layouts of samples that Pillow reads wrongly or not at all, read by tifffile.

Pillow reads 16-bit planes one after the other as if they were interleaved, 16-bit white-is-zero as black-is-zero,
signed samples as unsigned ones, 12 bits as if they were 16, and subsampled colours as if they weren't, without a word.
About all others the two agree (``tests/core/imaging/test_tiff.py``).
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from io import BytesIO
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image

from spnst_core.imaging.layouts import UnknownLayout

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_CMYK, _YCBCR = 5, 6
_COLOURS = {0: 1, 1: 1, 2: 3, _CMYK: 4}
"""How many samples of a pixel are its colour: white-is-zero, black-is-zero, RGB, CMYK."""

_UNSIGNED = 1
_ASSOCIATED, _UNASSOCIATED = 1, 2
_NONE, _ADOBE_DEFLATE, _DEFLATE = 1, 8, 32946
_READABLE = (_NONE, _ADOBE_DEFLATE, _DEFLATE)

_reading = ContextVar("_reading", default=False)
logging.getLogger("tifffile").addFilter(lambda _: not _reading.get())  # what is wrong is raised here


class Layout(NamedTuple):
    """How the samples of a picture lie in its file, by the numbers of the TIFF 6.0 specification."""

    width: int
    height: int
    bits: int
    samples: int
    photometric: int
    planar: bool
    format: int
    compression: int
    extra: tuple[int, ...]
    subsampled: bool
    """Whether colours are stored at a lower resolution than light, uncompressed."""

    @property
    def misread(self) -> bool:
        """Whether Pillow would decode other pixels than the file holds."""
        planes = self.planar and self.samples > 1
        return (
            (self.format != _UNSIGNED and self.bits != 32)  # Pillow has modes for 32 bits, which are checked
            or self.bits not in (1, 2, 4, 8, 16, 32)
            or (self.bits == 16 and (planes or self.photometric == 0))
            or self.subsampled
            or (planes and self.samples != 3 and (self.samples, self.photometric) != (4, _CMYK))
        )

    def __str__(self) -> str:
        colour = {0: "white-is-zero grey", 1: "grey", 2: "RGB", 3: "palette", 5: "CMYK", 6: "YCbCr", 8: "Lab"}
        kind = {1: "unsigned", 2: "signed", 3: "floating-point"}.get(self.format, "other")
        planes = ", one plane after the other" if self.planar and self.samples > 1 else ""
        subsampled = ", subsampled" if self.subsampled else ""
        packed = "" if self.compression in _READABLE else f", compression {self.compression}"
        return (
            f"TIFF layout {colour.get(self.photometric, f'photometric {self.photometric}')}, "
            f"{self.samples} × {self.bits} bits {kind}{planes}{subsampled}{packed}"
        )


def layout(data: bytes) -> Layout:
    """The layout of a file's first picture. Any exception of tifffile may be raised: the file is then no sound TIFF."""
    with _opened(data) as file:
        return _layout(_first(file))


def readable(found: Layout) -> bool:
    """Whether `decode` takes this layout."""
    return (
        found.bits in (8, 16)
        and found.format == _UNSIGNED
        and found.compression in _READABLE
        and found.samples >= _COLOURS.get(found.photometric, 100)
    )


def decode(data: bytes) -> Image.Image:
    """Decode a file's first picture to 8 bits, mode L, LA, RGB, RGBA or CMYK, as it lies, with its colour profile.

    Its orientation is in `PIL.Image.Image.getexif`. Any exception of tifffile may be raised, too.

    Raises:
        UnknownLayout: the samples lie otherwise than as unsigned grey, RGB or CMYK of 8 or 16 bits, uncompressed or
            deflated.
    """
    with _opened(data) as file:
        page = _first(file)
        found = _layout(page)
        if not readable(found):
            raise UnknownLayout(str(found))
        _require_whole(page, data)
        samples = page.asarray().reshape(
            (found.samples, found.height, found.width) if found.planar else (found.height, found.width, found.samples)
        )
        if found.planar:
            samples = np.moveaxis(samples, 0, 2)
        colours = _COLOURS[found.photometric]
        alpha = found.extra[0] if len(found.extra) == found.samples - colours > 0 else 0
        image = _image(_levels(samples, found), colours, alpha)
        for tag, key in ((34675, "icc_profile"), (700, "xmp")):
            if tag in page.tags:
                image.info[key] = bytes(page.tags[tag].value)
        image.getexif()[274] = int(page.tags.valueof(274, 1))
        return image


def samples(data: bytes) -> npt.NDArray[np.generic]:
    """The samples of a file's first picture as they are stored, (H, W) or (H, W, S), of integers or floats.

    Any exception of tifffile may be raised, too.

    Raises:
        UnknownLayout: neither grey nor RGB, white at zero, one plane after the other, or compressed otherwise than by
            deflate.
    """
    with _opened(data) as file:
        page = _first(file)
        found = _layout(page)
        planes = found.planar and found.samples > 1
        colours = _COLOURS.get(found.photometric) if found.photometric else None  # 0: white is zero
        if found.compression not in _READABLE or colours != found.samples or planes:
            raise UnknownLayout(str(found))
        _require_whole(page, data)
        return page.asarray()


@contextmanager
def _opened(data: bytes) -> Iterator[tifffile.TiffFile]:
    before = _reading.set(True)
    try:
        with tifffile.TiffFile(BytesIO(data)) as file:
            yield file
    finally:
        _reading.reset(before)


def _first(file: tifffile.TiffFile) -> tifffile.TiffPage:
    page = file.pages[0]
    if not isinstance(page, tifffile.TiffPage):
        raise ValueError("it holds no picture")
    return page


def _layout(page: tifffile.TiffPage) -> Layout:
    bits = page.bitspersample
    samples = int(page.imagewidth) * int(page.imagelength) * int(page.samplesperpixel)
    return Layout(
        int(page.imagewidth),
        int(page.imagelength),
        bits if isinstance(bits, int) else 0,  # channels of different depths
        int(page.samplesperpixel),
        int(page.photometric),
        int(page.planarconfig) == 2,
        int(page.sampleformat),
        int(page.compression),
        tuple(int(kind) for kind in page.extrasamples),
        int(page.photometric) == _YCBCR and int(page.compression) == _NONE and sum(page.databytecounts) < samples,
    )


def _require_whole(page: tifffile.TiffPage, data: bytes) -> None:
    """tifffile fills what is missing with zeros, and inflates without a limit."""
    most = int(np.prod(page.chunks)) * page.dtype.itemsize if page.dtype else 0
    parts = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if not parts or len(parts) < int(np.prod(page.chunked)):
        raise ValueError("parts of the picture are missing")
    for offset, size in parts:
        if not 0 < offset < offset + size <= len(data):
            raise ValueError("parts of the picture are missing")
        if int(page.compression) != _NONE:
            inflater = zlib.decompressobj()
            inflater.decompress(data[offset : offset + size], most + 1)
            if not inflater.eof:
                raise ValueError("a part inflates to more than it should")


def _levels(samples: npt.NDArray[np.generic], found: Layout) -> npt.NDArray[np.uint8]:
    """The samples rounded to 8 bits, black at zero."""
    levels = (
        samples.astype(np.uint8) if found.bits == 8 else ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)
    )
    if found.photometric == 0:
        levels[..., 0] = 255 - levels[..., 0]
    return levels


def _image(levels: npt.NDArray[np.uint8], colours: int, alpha: int) -> Image.Image:
    if colours == 4 or alpha not in (_ASSOCIATED, _UNASSOCIATED):
        plain = np.ascontiguousarray(levels[..., :colours])
        return Image.fromarray(plain[..., 0] if colours == 1 else plain, {1: "L", 3: "RGB", 4: "CMYK"}[colours])
    with_alpha = np.ascontiguousarray(levels[..., : colours + 1])
    if alpha == _ASSOCIATED:
        opacity = np.maximum(with_alpha[..., -1:].astype(np.uint16), 1)
        with_alpha[..., :-1] = np.minimum((with_alpha[..., :-1] * np.uint16(255) + opacity // 2) // opacity, 255)
    return Image.fromarray(with_alpha, {1: "LA", 3: "RGBA"}[colours])
