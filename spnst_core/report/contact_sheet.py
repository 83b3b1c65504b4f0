"""Contact sheets: a grid of pictures with headers, close-ups, maps and captions, as one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from PIL import Image, ImageDraw

from spnst_core.report.close_ups import CloseUp
from spnst_core.report.text import draw_line, lines, width_of

PANEL = 240
"""Long side in pixels of a panel."""

GAP, PAD, LINE = 12, 28, 16
BACKGROUND, INK, FAINT, EMPTY, MARK = "#faf9f7", "#1d1c1a", "#736d63", "#eceae5", "#ffffff"

TITLE_HEIGHT = 64
"""Height in pixels of the title and the subtitle."""

LINES = 3
"""Most lines of a caption."""

CAPTION = LINES * LINE + 10
"""Height in pixels of the caption under a picture."""

THIN = 4
"""Space in pixels between the parts of a panel."""


@dataclass(frozen=True)
class Panel:
    """A picture and up to `LINES` lines under it (of the caption, split at newlines, and of facts): the first in ink.

    Attributes:
        image: the picture.
        caption: under everything else.
        close_up: a part of the picture that is outlined, and shown enlarged under it.
        below: smaller pictures, such as the maps of a content, side by side under it; all have its shape.
        facts: short texts, such as scores, two to a line under the caption.
        legend: what colours in the pictures below mean, as ``#rrggbb`` by name, in a line under the caption.
    """

    image: Image.Image
    caption: str = ""
    close_up: CloseUp | None = None
    below: Sequence[Image.Image] = ()
    facts: Sequence[str] = ()
    legend: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Gap:
    """Stands for a missing picture: the reason, and a caption as under a picture."""

    reason: str
    caption: str = ""


@dataclass(frozen=True)
class Row:
    """One row: its header panels (content, depth, edges), and a cell under each column.

    A row without a header continues the content of the row above.
    """

    header: Sequence[Panel]
    cells: Sequence[Panel | Gap]


def contact_sheet(
    title: str, columns: Sequence[Panel], rows: Sequence[Row], subtitle: str = "", scale: float = 1
) -> Image.Image:
    """Draw a sheet of any size: the columns' pictures on top, each row's own at its left.

    Args:
        title: in large letters on top.
        columns: the style of each column.
        rows: from top to bottom.
        subtitle: a fainter line under the title.
        scale: factor of all lengths: at 1 a panel is `PANEL` pixels wide.

    Raises:
        ValueError: a row has more or fewer cells than there are columns, or more or fewer headers than the first row
            without having none.
    """
    check_shape(columns, rows)
    return _Sheet(scale, title, subtitle, columns, rows).drawn()


def check_shape(columns: Sequence[Panel], rows: Sequence[Row]) -> None:
    """See that every row has a cell for each column, and as many headers as the first row or none.

    Raises:
        ValueError: a row has more or fewer.
    """
    headers = len(rows[0].header) if rows else 0
    for number, row in enumerate(rows):
        if len(row.cells) != len(columns) or len(row.header) not in (0, headers):
            raise ValueError(
                f"row {number} has {len(row.header)} headers and {len(row.cells)} cells, "
                f"where the sheet has {headers} and {len(columns)}"
            )


class _Sheet:
    """One sheet: its layout and its drawing."""

    def __init__(
        self,
        scale: float,
        title: str,
        subtitle: str,
        columns: Sequence[Panel],
        rows: Sequence[Row],
    ) -> None:
        self._scale = scale
        self._title, self._subtitle = title, subtitle
        self._columns, self._rows = columns, rows
        self._panel, self._gap, self._pad = self._px(PANEL), self._px(GAP), self._px(PAD)
        self._headers = max((len(row.header) for row in rows), default=0)
        self._heights = [self._height(columns), *(self._height([*row.header, *row.cells]) for row in rows)]
        stride = self._panel + self._gap
        self.width = 2 * self._pad + (self._headers + len(columns)) * stride - self._gap
        self.height = 2 * self._pad + self._px(TITLE_HEIGHT) + sum(self._heights) + self._gap * (len(self._heights) - 1)

    def drawn(self) -> Image.Image:
        """Draw the sheet."""
        sheet = Image.new("RGB", (self.width, self.height), BACKGROUND)
        right = sheet.width - self._pad
        middle = self._pad + self._px(34)
        draw_line(sheet, (self._pad, self._pad, right, middle), self._title, self._px(30), INK, "serif")
        under = (self._pad, middle, right, middle + self._px(20))
        draw_line(sheet, under, self._subtitle, self._px(13), FAINT)
        y = self._pad + self._px(TITLE_HEIGHT)
        rows = [Row((), self._columns), *self._rows]
        for number, (row, height) in enumerate(zip(rows, self._heights, strict=True)):
            for place, entry in [*enumerate(row.header), *enumerate(row.cells, self._headers)]:
                x = self._pad + place * (self._panel + self._gap)
                if isinstance(entry, Gap):
                    self._draw_gap(sheet, entry, x, y, height - self._px(CAPTION))
                else:
                    # Styles of different shapes are aligned at the bottom, above their captions.
                    down = height - self._px(CAPTION) - self._tall(entry) if number == 0 else 0
                    self._draw_panel(sheet, entry, x, y + down)
            y += height + self._gap
        return sheet

    def _px(self, length: float) -> int:
        return round(length * self._scale)

    def _height(self, group: Sequence[Panel | Gap]) -> int:
        """Height of a row, with captions."""
        pictures = [self._tall(entry) for entry in group if isinstance(entry, Panel)]
        return max(pictures, default=self._px(PANEL * 3 / 4)) + self._px(CAPTION)

    def _tall(self, panel: Panel) -> int:
        """Height of a panel's picture with what is shown under it, without the caption."""
        parts = [self._fitted(panel.image), *([self._enlarged(panel)] if panel.close_up else [])]
        if panel.below:
            parts.append(self._small(panel))
        return sum(height for _, height in parts) + self._px(THIN) * (len(parts) - 1)

    def _fitted(self, image: Image.Image) -> tuple[int, int]:
        """Width and height of a picture scaled so that it fits a square panel."""
        factor = min(self._panel / image.width, self._panel / image.height)
        return max(1, round(image.width * factor)), max(1, round(image.height * factor))

    def _enlarged(self, panel: Panel) -> tuple[int, int]:
        """Width and height of a panel's close-up: as wide as its picture."""
        assert panel.close_up
        left, top, right, bottom = panel.close_up.of(*panel.image.size)
        width = self._fitted(panel.image)[0]
        return width, min(self._panel, max(1, round((bottom - top) * width / (right - left))))

    def _small(self, panel: Panel) -> tuple[int, int]:
        """Width and height of each of the pictures below a panel's own."""
        width, height = self._fitted(panel.image)
        small = max(1, (width - self._px(THIN) * (len(panel.below) - 1)) // len(panel.below))
        return small, max(1, round(height * small / width))

    def _draw_panel(self, sheet: Image.Image, panel: Panel, x: int, y: int) -> None:
        size = self._fitted(panel.image)
        picture = panel.image.convert("RGB")
        sheet.paste(picture.resize(size, Image.Resampling.LANCZOS), (x, y))
        below = y + size[1]
        if panel.close_up:
            left, top, right, bottom = panel.close_up.of(*size)
            outline = (x + left, y + top, x + right - 1, y + bottom - 1)
            draw = ImageDraw.Draw(sheet)
            draw.rectangle(outline, outline=INK, width=self._px(3))
            draw.rectangle((*(v + 1 for v in outline[:2]), *(v - 1 for v in outline[2:])), outline=MARK)
            below += self._px(THIN)
            near = panel.close_up.crop(picture).resize(self._enlarged(panel), Image.Resampling.LANCZOS)
            sheet.paste(near, (x, below))
            below += near.height
        if panel.below:
            below += self._px(THIN)
            width, height = self._small(panel)
            for place, part in enumerate(panel.below):
                small = part.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
                sheet.paste(small, (x + place * (width + self._px(THIN)), below))
            below += height
        facts = ("  ".join(panel.facts[place : place + 2]) for place in range(0, len(panel.facts), 2))
        told = [*panel.caption.split("\n"), *facts]
        self._write_caption(sheet, "\n".join(told), x, below)
        if panel.legend:
            self._draw_legend(sheet, panel.legend, x, below + self._px(5 + len(told) * LINE))

    def _write_caption(self, sheet: Image.Image, caption: str, x: int, y: int) -> None:
        for number, line in enumerate(caption.split("\n")[:LINES]):
            top = y + self._px(5 + number * LINE)
            box = (x, top, x + self._panel, top + self._px(LINE))
            draw_line(sheet, box, line, self._px(11 if number else 14), FAINT if number else INK)

    def _draw_legend(self, sheet: Image.Image, legend: Mapping[str, str], x: int, y: int) -> None:
        """Draw a square of each colour with its name, side by side on one line, as many as the panel has room for."""
        size, line, square, right = self._px(11), self._px(LINE), self._px(9), x + self._panel
        for name, colour in legend.items():
            top, left = y + (line - square) // 2, x + square + self._px(THIN)
            if left >= right:
                return
            ImageDraw.Draw(sheet).rectangle((x, top, x + square - 1, top + square - 1), fill=colour)
            draw_line(sheet, (left, y, right, y + line), name, size, FAINT)
            x = left + round(width_of(name, size)) + self._px(GAP)

    def _draw_gap(self, sheet: Image.Image, gap: Gap, x: int, y: int, height: int) -> None:
        ImageDraw.Draw(sheet).rectangle((x, y, x + self._panel - 1, y + height - 1), fill=EMPTY)
        size, step, margin = self._px(13), self._px(LINE + 1), self._px(10)
        most = max(1, min(4, (height - 2 * margin) // step))
        reason = lines(gap.reason, size, self._panel - 2 * margin, most)
        top = y + (height - step * len(reason)) // 2
        for number, line in enumerate(reason):
            at = top + number * step
            box = (x + margin, max(y, at), x + self._panel - margin, min(y + height, at + step))
            draw_line(sheet, box, line, size, FAINT, align="centre")
        self._write_caption(sheet, gap.caption, x, y + height)
