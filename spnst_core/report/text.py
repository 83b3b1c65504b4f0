"""Lines of text on pictures: the typeface is chosen by the text, which is shortened to a width and clipped to a box."""

from __future__ import annotations

from bisect import bisect_right
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Literal
from unicodedata import category

import matplotlib
from matplotlib.ft2font import FT2Font
from PIL import Image, ImageDraw, ImageFont

Face = Literal["serif", "sans"]
Align = Literal["left", "right", "centre"]
Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels; right and bottom are exclusive."""

ELLIPSIS = "…"


def draw_line(
    picture: Image.Image,
    box: Box,
    text: str,
    size: float,
    fill: str,
    face: Face = "sans",
    align: Align = "left",
) -> None:
    """Write one line into a box of a picture, shortened with an ellipsis if it is too long, and clipped to the box.

    Latin text is in Aileron (it comes with Pillow) or STIX; other text in DejaVu Sans (both come with matplotlib),
    which has about 6000 characters, among them Greek, Cyrillic, Hebrew and Arabic. A character that it lacks is
    drawn as an empty box. Right-to-left text is laid out by libraqm, which Pillow's wheels contain; without it, letters
    appear in the order in which they are stored.
    """
    left, top, right, bottom = box
    typeface, line = fitted(text, size, right - left, face)
    if not line or bottom <= top:
        return
    font = _font(typeface, size)
    x, anchor = {"left": (0.0, "lm"), "centre": ((right - left) / 2, "mm"), "right": (right - left, "rm")}[align]
    inside = picture.crop(box)
    ImageDraw.Draw(inside).text((x, (bottom - top) / 2), line, fill, font=font, anchor=anchor)
    picture.paste(inside, box)


def fitted(text: str, size: float, width: float, face: Face = "sans") -> tuple[str, str]:
    """The typeface that a line is written in, and the line without control characters, shortened to a width."""
    clean = _clean(text)
    typeface = _typeface(clean, face)
    return typeface, shortened(clean, _font(typeface, size), width) if clean and width > 0 else ""


def width_of(text: str, size: float, face: Face = "sans") -> float:
    """Width of a line that isn't shortened."""
    clean = _clean(text)
    return _font(_typeface(clean, face), size).getlength(clean)


def shortened(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """The text, or as much of its beginning as fits the width together with an ellipsis."""
    if font.getlength(text) <= width:
        return text
    # A line can't hold more than two characters per pixel, so very long texts needn't be measured whole.
    longest = min(len(text), int(2 * width) + 1)
    kept = bisect_right(range(1, longest + 1), width, key=lambda n: font.getlength(text[:n] + ELLIPSIS))
    return text[:kept].rstrip() + ELLIPSIS


def lines(text: str, size: float, width: float, most: int, face: Face = "sans") -> list[str]:
    """Break a text between words into at most ``most`` lines; `draw_line` shortens the last, which holds the rest."""
    font = _font(_typeface(text, face), size)
    found: list[str] = []
    for word in text.split():
        longer = f"{found[-1]} {word}" if found else word
        if found and (font.getlength(longer) <= width or len(found) == most):
            found[-1] = longer
        else:
            found.append(word)
    return found


def _clean(text: str) -> str:
    return "".join(" " if category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text).strip()


def _typeface(text: str, face: Face) -> str:
    """The first typeface of the chain that has every character, else the last one."""
    chain = ("STIXGeneral", "DejaVuSans") if face == "serif" else ("Aileron", "DejaVuSans")
    return next((name for name in chain if set(map(ord, text)) <= _characters(name)), chain[-1])


@cache
def _characters(name: str) -> frozenset[int]:
    return frozenset(FT2Font(BytesIO(font_file(name))).get_charmap())


@cache
def _font(name: str, size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(BytesIO(font_file(name)), size)


@cache
def font_file(name: str) -> bytes:
    """The TrueType file of a typeface that `fitted` names."""
    if name == "Aileron":
        font = ImageFont.load_default(12)
        assert isinstance(font, ImageFont.FreeTypeFont) and isinstance(font.path, BytesIO)
        return font.path.getvalue()
    return (Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf").read_bytes()
