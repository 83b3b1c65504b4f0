"""Encoding: a finished picture as a file to look at, to print or to edit: PNG, TIFF or JPEG.

Such a file says what its numbers mean (by an ICC profile), how large it is to be printed, and how it was made.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import tifffile
import torch
from PIL import Image, PngImagePlugin
from torch import Tensor

from spnst_core.errors import InputError, cut
from spnst_core.imaging import png
from spnst_core.imaging.gamut import SRGB, Gamut
from spnst_core.imaging.io import STRIP, png_texts

DEPTHS: Mapping[str, tuple[int, ...]] = {
    ".png": (8, 16),
    ".jpg": (8,),
    ".jpeg": (8,),
    ".tif": (16, 8),
    ".tiff": (16, 8),
}
"""How many bits each channel of a file of each suffix can have; the first is the default."""

SUFFIXES = tuple(DEPTHS)

MAX_DPI = 10_000

_METRE = 1 / 0.0254
"""Inches."""

_TRUE_COLOUR, _TRUE_COLOUR_WITH_ALPHA = 2, 6
_UP = 2
"""PNG's numbers for RGB and RGBA, and for the filter by which each row is told as its difference to the one above."""


@dataclass(frozen=True)
class FileFormat:
    """What kind of file to write.

    Attributes:
        suffix: one of `SUFFIXES`, in small or capital letters.
        bits: of each channel, 8 or 16; by default 16 for TIFF and 8 otherwise.
        dpi: pixels to an inch of paper, from 1 to `MAX_DPI`; by default the file doesn't say.
        gamut: the colour space that the picture is converted to, such as ``GAMUTS["display-p3"]`` of
            `spnst_core.imaging.gamut`; the file has its ICC profile.

    Raises:
        InputError: another suffix, bits that such a file can't have, or a dpi out of range.
    """

    suffix: str
    bits: int | None = None
    dpi: int | None = None
    gamut: Gamut = SRGB

    def __post_init__(self) -> None:
        if self.suffix.lower() not in DEPTHS:
            known = ", ".join(SUFFIXES)
            raise InputError(f'no picture is written with the suffix "{cut(self.suffix)}": use one of {known}')
        depths = DEPTHS[self.suffix.lower()]
        if self.bits is not None and self.bits not in depths:
            raise InputError(
                f"a {self.suffix} file has {' or '.join(map(str, sorted(depths)))} bits a channel, not {self.bits}: "
                "choose other bits, or .png or .tif"
            )
        if self.dpi is not None and not 1 <= self.dpi <= MAX_DPI:
            raise InputError(f"dpi is from 1 to {MAX_DPI:,}, not {self.dpi}")

    def encode(
        self, x: Tensor, texts: Mapping[str, str] = MappingProxyType({}), opacity: Tensor | None = None
    ) -> bytes:
        """The file's bytes; equal arguments give equal bytes.

        Args:
            x: the picture, (1, 3, H, W), sRGB in [0, 1].
            texts: what the file is to carry besides, by keyword: PNG in text chunks, TIFF in its description and JPEG
                in a comment, there as one line for each, ``keyword: text``.
            opacity: of each pixel, (1, 1, H, W) in [0, 1], which becomes the alpha of PNG and TIFF. JPEG has none:
                there the picture lies on white.
        """
        bits = self.bits or DEPTHS[self.suffix.lower()][0]
        if opacity is not None:
            own = opacity.to(x)
            x = x * own + (1 - own) if not self.holds_alpha else torch.cat([x, own], 1)
        levels = _levels(x, bits, self.gamut)
        if self.suffix.lower() in (".tif", ".tiff"):
            return self._tiff(levels, texts)
        if self.suffix.lower() == ".png":
            return self._png(levels, texts)
        out = BytesIO()
        comment = _lines(texts).encode()
        Image.fromarray(levels).save(
            out, "JPEG", quality=95, subsampling=0, icc_profile=self.gamut.profile, comment=comment, **self._resolution
        )
        return out.getvalue()

    @property
    def holds_alpha(self) -> bool:
        """Whether such a file can be transparent."""
        return self.suffix.lower() not in (".jpg", ".jpeg")

    @property
    def _resolution(self) -> dict[str, tuple[int, int]]:
        return {"dpi": (self.dpi, self.dpi)} if self.dpi else {}

    def _png(self, levels: npt.NDArray[np.uint8 | np.uint16], texts: Mapping[str, str]) -> bytes:
        out, chunks = BytesIO(), png_texts(texts)
        if levels.dtype == np.uint8:
            Image.fromarray(levels).save(out, "PNG", pnginfo=chunks, icc_profile=self.gamut.profile, **self._resolution)
            return out.getvalue()
        # Pillow has no mode for colours of 16 bits.
        height, width, channels = levels.shape
        kind_of_colour = _TRUE_COLOUR if channels == 3 else _TRUE_COLOUR_WITH_ALPHA
        rows = levels.astype(">u2").view(np.uint8).reshape(height, -1)
        rows[1:] -= rows[:-1].copy()
        filtered = np.pad(rows, ((0, 0), (1, 0)), constant_values=_UP)
        out.write(png.SIGNATURE)
        PngImagePlugin.putchunk(out, b"IHDR", struct.pack(">2I5B", width, height, 16, kind_of_colour, 0, 0, 0))
        PngImagePlugin.putchunk(
            out, b"iCCP", self.gamut.name.encode("latin-1") + b"\0\0" + zlib.compress(self.gamut.profile)
        )
        if self.dpi:
            PngImagePlugin.putchunk(out, b"pHYs", struct.pack(">2IB", *[round(self.dpi * _METRE)] * 2, 1))
        for kind, content, *_ in chunks.chunks:
            PngImagePlugin.putchunk(out, kind, content)
        PngImagePlugin.putchunk(out, b"IDAT", zlib.compress(filtered.tobytes()))
        PngImagePlugin.putchunk(out, b"IEND")
        return out.getvalue()

    def _tiff(self, levels: npt.NDArray[np.uint8 | np.uint16], texts: Mapping[str, str]) -> bytes:
        out = BytesIO()
        tifffile.imwrite(
            out,
            levels,
            photometric="rgb",
            extrasamples=["unassalpha"] if levels.shape[2] == 4 else None,
            compression="zlib",
            iccprofile=self.gamut.profile,
            description=_lines(texts),
            metadata=None,
            software=False,
            resolution=(self.dpi, self.dpi) if self.dpi else None,
            resolutionunit="INCH" if self.dpi else None,
        )
        return out.getvalue()


def _levels(x: Tensor, bits: int, gamut: Gamut) -> npt.NDArray[np.uint8 | np.uint16]:
    """The nearest levels in a colour space, (H, W, C), of sRGB and any alpha (1, C, H, W)."""
    largest, (channels, height, width) = 2**bits - 1, x.shape[1:]
    levels = np.empty((height, width, channels), np.uint8 if bits == 8 else np.uint16)
    for top in range(0, height, STRIP):  # a large picture isn't held in doubles
        strip = x[0, :, top : top + STRIP].detach().cpu().double().clamp(0, 1).permute(1, 2, 0).numpy()
        levels[top : top + STRIP, :, :3] = (gamut.from_srgb(strip[..., :3]) * largest).round()
        levels[top : top + STRIP, :, 3:] = (strip[..., 3:] * largest).round()
    return levels


def _lines(texts: Mapping[str, str]) -> str:
    """As lines of ASCII, which is all that TIFF's description can hold."""
    lines = (f"{keyword}: {text}" for keyword, text in sorted(texts.items()))
    return "\n".join(lines).encode("ascii", "backslashreplace").decode()
