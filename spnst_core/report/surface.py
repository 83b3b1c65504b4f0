"""What a sheet is drawn on: pixels, or pages of a PDF, where text stays text and pictures keep their pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from fpdf import FPDF
from PIL import Image, ImageColor, ImageDraw

from spnst_core.report.text import Align, Box, Face, draw_line, fitted, font_file

A4 = (841.89, 595.28)
"""Width and height of a page of a PDF, in points: A4 on its side."""

MARGIN = (56.0, 28.0)
"""Points at the left and the top. What lies between the margins fits on US Letter as well."""

UNIT = 0.6
"""Points for a sheet's unit: a caption of 13 units is nearly 8 points high."""

PAGE = round((A4[0] - 2 * MARGIN[0]) / UNIT), round((A4[1] - 2 * MARGIN[1]) / UNIT)
"""Width and height of a page between its margins, in a sheet's units."""

QUALITY = 90
"""Of the pictures in a PDF, as JPEG."""

FINEST = 300
"""Most pixels of a picture for an inch of paper."""


class Surface(Protocol):
    """Something to draw on. A box is left, top, right and bottom in the sheet's units."""

    def picture(self, image: Image.Image, box: Box) -> None:
        """Show a picture that fills a box."""

    def rectangle(self, box: Box, colour: str) -> None:
        """Fill a box."""

    def line(self, box: Box, text: str, size: float, colour: str, face: Face = "sans", align: Align = "left") -> None:
        """Write one line, in the middle of the box's height and shortened to its width."""


class Pixels:
    """A picture to draw on; a unit is one pixel."""

    def __init__(self, width: int, height: int, background: str) -> None:
        self.image = Image.new("RGB", (width, height), background)

    def picture(self, image: Image.Image, box: Box) -> None:
        """Resample a picture to a box."""
        size = (box[2] - box[0], box[3] - box[1])
        self.image.paste(image.convert("RGB").resize(size, Image.Resampling.LANCZOS), box[:2])

    def rectangle(self, box: Box, colour: str) -> None:
        """Fill a box."""
        ImageDraw.Draw(self.image).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=colour)

    def line(self, box: Box, text: str, size: float, colour: str, face: Face = "sans", align: Align = "left") -> None:
        """Write one line into a box, clipped to it."""
        draw_line(self.image, box, text, size, colour, face, align)


class Paper:
    """A page of a PDF to draw on; a unit is `UNIT` points."""

    def __init__(self, document: FPDF, folder: Path) -> None:
        self._document, self._folder = document, folder
        document.add_page()

    def picture(self, image: Image.Image, box: Box) -> None:
        """Embed a picture as JPEG, with its own pixels if the printer could show them."""
        left, top, right, bottom = self._points(box)
        shown = image.convert("RGB")
        shown.thumbnail(((right - left) / 72 * FINEST, (bottom - top) / 72 * FINEST), Image.Resampling.LANCZOS)
        data = BytesIO()
        shown.save(data, "JPEG", quality=QUALITY, subsampling=0)
        self._document.image(data, left, top, right - left, bottom - top)

    def rectangle(self, box: Box, colour: str) -> None:
        """Fill a box."""
        left, top, right, bottom = self._points(box)
        self._document.set_fill_color(*ImageColor.getrgb(colour)[:3])
        self._document.rect(left, top, right - left, bottom - top, "F")

    def line(self, box: Box, text: str, size: float, colour: str, face: Face = "sans", align: Align = "left") -> None:
        """Write one line as text that can be searched and copied."""
        typeface, shown = fitted(text, size, box[2] - box[0], face)
        if not shown:
            return
        left, top, right, bottom = self._points(box)
        file = self._folder / f"{typeface}.ttf"
        if not file.exists():  # not in this document so far
            file.write_bytes(font_file(typeface))
            self._document.add_font(typeface, fname=file)
        self._document.set_font(typeface, size=size * UNIT)
        self._document.set_text_color(*ImageColor.getrgb(colour)[:3])
        self._document.set_xy(left, top)
        self._document.cell(right - left, bottom - top, shown, align={"left": "L", "right": "R", "centre": "C"}[align])

    def _points(self, box: Box) -> tuple[float, float, float, float]:
        left, top, right, bottom = (edge * UNIT for edge in box)
        return left + MARGIN[0], top + MARGIN[1], right + MARGIN[0], bottom + MARGIN[1]


def pdf(pages: Sequence[Callable[[Surface], None]], title: str = "") -> bytes:
    """A PDF in which each of the functions draws a page of `PAGE` units; the same pages give the same bytes.

    Raises:
        ValueError: there is no page.
    """
    if not pages:
        raise ValueError("a PDF needs at least one page")
    document = FPDF(unit="pt", format=A4)
    document.set_auto_page_break(False)
    document.c_margin = 0
    document.set_text_shaping(True)
    document.set_title(title)
    document.set_creation_date(datetime.fromtimestamp(0, timezone.utc))
    with TemporaryDirectory() as folder:  # fpdf2 reads typefaces from files alone
        for draw in pages:
            draw(Paper(document, Path(folder)))
        return bytes(document.output())
