"""Compact sheets: a whole grid in one picture that fits a screen, or on pages to print; mostly pastiches."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise, product
from math import ceil
from typing import TypeVar

from PIL import Image

from spnst_core.report.contact_sheet import BACKGROUND, EMPTY, FAINT, INK, Gap, Panel, Row, check_shape
from spnst_core.report.surface import PAGE, Pixels, Surface, pdf
from spnst_core.report.text import lines, width_of

SCREEN = 1600, 1000
"""Width and height in pixels that a sheet stays within, unless its pastiches would be narrower than `LEAST`."""

LEAST, MOST = 140, 420
"""Bounds in pixels of a pastiche's width."""

PAGE_COLUMNS, PAGE_ROWS = 5, 3
"""Pastiches across and down a page, unless there are more recipes than that."""

PAD, GAP, BETWEEN = 22, 16, 9
"""Space around the sheet, between contents or styles, and between recipes of one of them."""

TITLE, NAME, FACT, LINE = 22, 13, 11, 15
"""Heights of letters, and of a line of a caption."""

FACTS = 3
"""Facts of a panel that are shown: its first ones."""

SIDE = 0.45
"""Size of a content or a style, as a share of a pastiche's."""

TALLEST = 1.25
"""Greatest height of a picture, as a multiple of a pastiche's width."""

T = TypeVar("T")


def compact_sheet(title: str, columns: Sequence[Panel], rows: Sequence[Row], subtitle: str = "") -> Image.Image:
    """Draw a whole grid, within `SCREEN` if its pictures aren't too small for that.

    It takes what `spnst_core.report.contact_sheet.contact_sheet` takes, and shows of each panel the picture, the
    caption's first line and the first facts. Recipes stand side by side or one above the other, whichever leaves more
    room to the pictures.

    Raises:
        ValueError: as `spnst_core.report.contact_sheet.contact_sheet`.
    """
    sheet = max((_Sheet.within(title, subtitle, grid, *SCREEN, LEAST) for grid in _grids(columns, rows)), key=_panel)
    pixels = Pixels(sheet.width, sheet.height, BACKGROUND)
    sheet.draw(pixels)
    return pixels.image


def compact_pages(title: str, columns: Sequence[Panel], rows: Sequence[Row], subtitle: str = "") -> bytes:
    """Draw the same grid as a PDF, on as many pages as it needs, split as evenly as possible; each has the headers.

    Pages go from left to right, then down. The same grid gives the same bytes.

    Raises:
        ValueError: as `compact_sheet`.
    """
    papers = []
    for grid in _grids(columns, rows):
        parts = grid.parts()
        numbers = [f"{number} / {len(parts)}" if len(parts) > 1 else "" for number in range(1, len(parts) + 1)]
        fit = partial(_Sheet.within, title, subtitle)
        sheets = [fit(part, *PAGE, 1, number) for part, number in zip(parts, numbers, strict=True)]
        panel = min(map(_panel, sheets))  # pictures have one size on all pages
        papers.append([_Sheet(title, subtitle, sheet.grid, panel, sheet.folio) for sheet in sheets])
    pages = max(papers, key=lambda sheets: (-len(sheets), sheets[0].panel))
    return pdf([sheet.draw for sheet in pages], title)


@dataclass(frozen=True)
class _Grid:
    """Cells in rows; above them styles and beside them contents, each with the number of columns or rows it spans."""

    heads: Sequence[tuple[Panel, int]]
    sides: Sequence[tuple[Panel | None, int]]
    cells: Sequence[Sequence[Panel | Gap]]

    def parts(self) -> list[_Grid]:
        """What pages show: styles and contents with all of their recipes, from left to right, then down."""
        return [
            self._part(down, across)
            for down, across in product(_groups(self.sides, PAGE_ROWS), _groups(self.heads, PAGE_COLUMNS))
        ]

    def _part(self, down: range, across: range) -> _Grid:
        columns, rows = _span(self.heads, across), _span(self.sides, down)
        cells = [[self.cells[row][column] for column in columns] for row in rows]
        return _Grid([self.heads[n] for n in across], [self.sides[n] for n in down], cells)


def _grids(columns: Sequence[Panel], rows: Sequence[Row]) -> list[_Grid]:
    """The grid with recipes one above the other, and with recipes side by side."""
    check_shape(columns, rows)
    starts = [number for number, row in enumerate(rows) if row.header or number == 0]
    blocks = [rows[start:end] for start, end in pairwise([*starts, len(rows)])]
    headers = [block[0].header[0] if block[0].header else None for block in blocks]
    stacked = _Grid(
        [(panel, 1) for panel in columns],
        [(header, len(block)) for header, block in zip(headers, blocks, strict=True)],
        [row.cells for row in rows],
    )
    recipes = {len(block) for block in blocks}
    if len(recipes) != 1:
        return [stacked]
    (many,) = recipes
    abreast = _Grid(
        [(panel, many) for panel in columns],
        [(header, 1) for header in headers],
        [[row.cells[column] for column in range(len(columns)) for row in block] for block in blocks],
    )
    return [abreast, stacked]


def _groups(spans: Sequence[tuple[T, int]], most: int) -> list[range]:
    """Places of spans in few groups of nearly equal length that span at most ``most``, or hold one span each."""
    longest = max((span for _, span in spans), default=1)
    groups = max(1, ceil(len(spans) / max(1, most // longest)))
    ends = [round(len(spans) * group / groups) for group in range(groups + 1)]
    return [range(start, end) for start, end in pairwise(ends)]


def _span(spans: Sequence[tuple[T, int]], places: range) -> range:
    """The columns or rows that some neighbouring spans hold."""
    before = sum(span for _, span in spans[: places.start])
    return range(before, before + sum(spans[place][1] for place in places))


@dataclass(frozen=True)
class _Sheet:
    """A sheet's layout for pastiches of some width, and its drawing."""

    title: str
    subtitle: str
    grid: _Grid
    panel: int
    folio: str = ""

    @classmethod
    def within(
        cls, title: str, subtitle: str, grid: _Grid, width: int, height: int, least: int, folio: str = ""
    ) -> _Sheet:
        """The sheet with the largest pastiches that keep it within a size, but no smaller than ``least``."""

        def exceeds(panel: int) -> bool:
            sheet = cls(title, subtitle, grid, panel, folio)
            return sheet.width > width or sheet.height > height

        fitting = bisect_left(range(least, MOST + 1), True, key=exceeds)
        return cls(title, subtitle, grid, least + max(0, fitting - 1), folio)

    @cached_property
    def width(self) -> int:
        """Of the sheet."""
        return self._left + sum(self._across(span) + GAP for _, span in self.grid.heads) - GAP + PAD

    @cached_property
    def height(self) -> int:
        """Of the sheet."""
        between = sum((span - 1) * BETWEEN + GAP for _, span in self.grid.sides)
        return self._top + self._head + GAP + sum(self._heights) + between - GAP + PAD

    def draw(self, surface: Surface) -> None:
        """Draw everything."""
        right = self.width - PAD
        middle = PAD + TITLE + 8
        surface.line((PAD, PAD, right - 90, middle), self.title, TITLE, INK, "serif")
        surface.line((right - 90, PAD, right, middle), self.folio, NAME, FAINT, align="right")
        if self.subtitle:
            surface.line((PAD, middle, right, middle + LINE + 3), self.subtitle, NAME, FAINT)
        x, lefts = self._left, []
        for panel, span in self.grid.heads:
            self._draw_head(surface, panel, x, self._across(span))
            lefts += [x + place * (self.panel + BETWEEN) for place in range(span)]
            x += self._across(span) + GAP
        y, row = self._top + self._head + GAP, 0
        for side, span in self.grid.sides:
            if side:
                width, height = _fitted(side.image, self._side, round(TALLEST * self._side))
                surface.picture(side.image, (PAD, y, PAD + width, y + height))
                below = y + height + 3
                surface.line((PAD, below, PAD + self._side, below + LINE), _name(side), NAME, INK)
            for _ in range(span):
                for left, cell in zip(lefts, self.grid.cells[row], strict=True):
                    self._draw_cell(surface, cell, left, y, self._heights[row] - self._caption)
                y += self._heights[row] + BETWEEN
                row += 1
            y += GAP - BETWEEN

    @property
    def _side(self) -> int:
        """Width of a content, and of a style."""
        return round(SIDE * self.panel)

    @property
    def _left(self) -> int:
        """Where the first column begins: beside the contents, if there are any."""
        return PAD + (self._side + GAP if any(panel for panel, _ in self.grid.sides) else 0)

    @property
    def _top(self) -> int:
        """Where the styles begin."""
        return PAD + TITLE + 14 + (LINE + 3 if self.subtitle else 0)

    @cached_property
    def _head(self) -> int:
        """Height of the styles."""
        return max((_fitted(panel.image, self._side, self._side)[1] for panel, _ in self.grid.heads), default=0)

    @cached_property
    def _heights(self) -> list[int]:
        """Of the rows, with captions."""
        shapes = [[cell.image for cell in row if isinstance(cell, Panel)] for row in self.grid.cells]
        tall = (max((_fitted(i, *self._room)[1] for i in row), default=round(0.75 * self.panel)) for row in shapes)
        return [height + self._caption for height in tall]

    @property
    def _room(self) -> tuple[int, int]:
        """Width and height that a pastiche is fitted into."""
        return self.panel, round(TALLEST * self.panel)

    @cached_property
    def _caption(self) -> int:
        """Height of a caption."""
        captions = (len(list(_caption(cell, self.panel))) for row in self.grid.cells for cell in row)
        return 5 + LINE * max(captions, default=1)

    def _across(self, span: int) -> int:
        return span * self.panel + (span - 1) * BETWEEN

    def _draw_head(self, surface: Surface, panel: Panel, x: int, across: int) -> None:
        """A style, with its name at its right."""
        width, height = _fitted(panel.image, self._side, self._side)
        bottom = self._top + self._head
        surface.picture(panel.image, (x, bottom - height, x + width, bottom))
        surface.line((x + width + 8, bottom - LINE, x + across, bottom), _name(panel), NAME, INK)

    def _draw_cell(self, surface: Surface, cell: Panel | Gap, x: int, y: int, height: int) -> None:
        right, below = x + self.panel, y + height
        if isinstance(cell, Panel):
            width, tall = _fitted(cell.image, *self._room)
            surface.picture(cell.image, (x, y, x + width, y + tall))
            below = y + tall
        else:
            surface.rectangle((x, y, right, below), EMPTY)
            reason = lines(cell.reason, FACT, self.panel - 16, max(1, min(4, height // LINE)))
            top = y + max(0, height - LINE * len(reason)) // 2
            for number, line in enumerate(reason):
                box = (x + 8, top + LINE * number, right - 8, top + LINE * (number + 1))
                surface.line(box, line, FACT, FAINT, align="centre")
        for number, (first, second) in enumerate(_caption(cell, self.panel)):
            top = below + 4 + LINE * number
            end = right - (round(width_of(second, FACT)) + 1 if second else 0)
            colour, size = (FAINT, FACT) if number else (INK, NAME)
            surface.line((x, top, end, top + LINE), first, size, colour)
            surface.line((end, top, right, top + LINE), second, FACT, FAINT, align="right")


def _panel(sheet: _Sheet) -> int:
    return sheet.panel


def _name(panel: Panel | Gap) -> str:
    return panel.caption.partition("\n")[0]


def _caption(cell: Panel | Gap, width: int) -> Iterator[tuple[str, str]]:
    """The lines under a cell: its name and facts in order, two to a line where both fit."""
    facts = cell.facts[:FACTS] if isinstance(cell, Panel) else ()
    waiting, size = _name(cell), NAME
    for fact in facts:
        if waiting and width_of(waiting, size) + 10 + width_of(fact, FACT) <= width:
            yield waiting, fact
            waiting = ""
        else:
            if waiting:
                yield waiting, ""
            waiting = fact
        size = FACT
    if waiting:
        yield waiting, ""


def _fitted(image: Image.Image, width: int, height: int) -> tuple[int, int]:
    """Width and height of a picture scaled so that it fits into a box."""
    factor = min(width / image.width, height / image.height)
    return max(1, round(image.width * factor)), max(1, round(image.height * factor))
