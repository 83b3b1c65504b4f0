"""Compact sheets: everything on one screen where it can be, on A4 pages otherwise, and pastiches take most of it."""

import re
import zlib

import numpy as np
import pytest
from PIL import Image

from spnst_core.report.compact_sheet import LEAST, SCREEN, compact_pages, compact_sheet
from spnst_core.report.contact_sheet import BACKGROUND, EMPTY, Gap, Panel, Row
from spnst_core.report.surface import A4

PAPER = Image.new("RGB", (1, 1), BACKGROUND).getpixel((0, 0))
LONG = ["x" * 400, "word " * 100, "名前" * 100, "שלום " * 60, "العربية " * 60, "é̵̛̀͊" * 80, "a\nb\nc\0\u2028d", ""]
FACTS = ("patch distance ↓ 0.043", "edge error ↓ 0.19", "depth error ↓ 0.039", "SSIM ↑ 0.48")


def panel(colour, size=(60, 40), caption="", **more):
    return Panel(Image.new("RGB", size, colour), caption, **more)


def grid(contents, styles, recipes=1, size=(60, 40), **more):
    """Columns and rows whose colours tell their places: a content (0, content, 250), a cell (row, style, 100)."""
    return [panel((0, s, 200)) for s in range(styles)], [
        Row(
            [] if r else [panel((0, c, 250), size)],
            [panel((c * recipes + r, s, 100), size, f"recipe {r}", **more) for s in range(styles)],
        )
        for c in range(contents)
        for r in range(recipes)
    ]


def where(sheet, colour):
    """The box of a colour: left, right, top, bottom, all inside."""
    y, x = np.nonzero((np.asarray(sheet) == Image.new("RGB", (1, 1), colour).getpixel((0, 0))).all(2))
    return (x.min(), x.max(), y.min(), y.max()) if len(x) else None


def area(sheet, colour):
    left, right, top, bottom = where(sheet, colour)
    return (right - left + 1) * (bottom - top + 1)


def pages(data):
    return data.count(b"/Type /Page\n")


def texts(data):
    """The page descriptions of a PDF, decompressed."""
    streams = re.findall(rb"/FlateDecode\n/Length \d+\n>>\nstream\n(.*?)\nendstream", data, re.DOTALL)
    return b"".join(zlib.decompress(stream) for stream in streams)


# -------------------------------------------------------------------------------------------------------- the picture


@pytest.mark.parametrize(("contents", "styles", "recipes"), [(3, 3, 2), (9, 2, 1), (2, 9, 1), (6, 3, 1), (3, 1, 6)])
@pytest.mark.parametrize("size", [(60, 40), (40, 60), (50, 50)])
def test_eighteen_cells_fit_a_screen(contents, styles, recipes, size):
    sheet = compact_sheet("The grid", *grid(contents, styles, recipes, size, facts=FACTS))
    left, right, _, _ = where(sheet, (0, 0, 100))
    assert sheet.height <= SCREEN[1] or right - left + 1 <= LEAST
    assert sheet.width <= SCREEN[0]


@pytest.mark.heavy
def test_pastiches_take_most_of_a_sheet_of_eighteen():
    sheet = compact_sheet("The grid", *grid(3, 3, 2, (256, 192), facts=FACTS))
    painted = sum(area(sheet, (row, style, 100)) for row in range(6) for style in range(3))
    assert painted > 0.5 * sheet.width * sheet.height


def test_recipes_of_one_content_and_style_stand_beside_each_other_in_their_order():
    sheet = compact_sheet("t", *grid(3, 3, 2))
    first, second, next_style, next_content = (
        where(sheet, c) for c in ((0, 0, 100), (1, 0, 100), (0, 1, 100), (2, 0, 100))
    )
    assert first[1] < second[0] < second[1] < next_style[0]
    assert first[2] == second[2] == where(sheet, (0, 0, 250))[2]
    assert first[3] < next_content[2]


def test_recipes_stand_above_each_other_where_that_leaves_them_more_room():
    sheet = compact_sheet("t", *grid(1, 6, 2))
    first, second = (where(sheet, c) for c in ((0, 0, 100), (1, 0, 100)))
    assert first[0] == second[0] and first[3] < second[2]


def test_a_very_large_grid_is_larger_than_a_screen_and_stays_legible():
    sheet = compact_sheet("t", *grid(12, 12))
    left, right, _, _ = where(sheet, (11, 11, 100))
    assert sheet.width > SCREEN[0] and right - left + 1 == LEAST


def test_a_gap_stands_in_place_of_its_picture():
    columns, rows = grid(1, 2)
    gap = compact_sheet("t", columns, [Row(rows[0].header, [Gap("not made"), rows[0].cells[1]])])
    whole = compact_sheet("t", columns, rows)
    assert whole.size == gap.size
    assert where(gap, EMPTY) == where(whole, (0, 0, 100))


def test_facts_are_written_and_the_fourth_is_left_to_larger_sheets():
    def sheet(facts):
        return compact_sheet("t", *grid(1, 2, facts=facts))

    assert sheet(FACTS) == sheet(FACTS[:3]) != sheet(FACTS[:2])


@pytest.mark.parametrize("name", LONG)
def test_long_and_foreign_text_stays_within_its_box(name):
    columns, rows = (
        [panel("#ff0000", caption=name)] * 2,
        [Row([panel("#0000ff", caption=name)], [panel("#00ff00", caption=name, facts=[name]), Gap(name, name)])],
    )
    pixels = np.asarray(compact_sheet(name, columns, rows, name))
    for edge in (pixels[:20], pixels[-20:], pixels[:, :20], pixels[:, -20:]):
        assert (edge == PAPER).all()
    _, right, _, _ = where(pixels, "#00ff00")
    left, *_ = where(pixels, EMPTY)
    assert (pixels[100:, right + 1 : left] == PAPER).all()


def test_a_ragged_grid_is_refused():
    columns, rows = grid(1, 2)
    for draw in (compact_sheet, compact_pages):
        with pytest.raises(ValueError, match="row 0 has 1 headers and 2 cells, where the sheet has 1 and 1"):
            draw("t", columns[:1], rows)


def test_a_grid_without_rows_shows_its_columns():
    assert where(compact_sheet("t", grid(1, 3)[0], []), (0, 2, 200))
    assert pages(compact_pages("t", grid(1, 3)[0], [])) == 1


# ---------------------------------------------------------------------------------------------------------- the pages


def test_pages_are_a4_and_their_text_is_text():
    data = compact_pages("The grid", *grid(1, 2, facts=FACTS), "a subtitle")
    assert data.startswith(b"%PDF-") and pages(data) == 1
    assert b"/MediaBox [0 0 %.2f %.2f]" % A4 in data
    assert b"/FontFile2" in data and b"/ToUnicode" in data  # glyphs with their characters, to be searched and copied
    assert texts(data).count(b"BT") >= 2 + 2 * 4  # title, subtitle, and under each of two cells a name and three facts


def test_pictures_keep_their_own_pixels():
    image = Image.effect_noise((500, 400), 60).convert("RGB")
    data = compact_pages("t", [panel("#ff0000")], [Row([], [Panel(image)])])
    assert b"/Width 500" in data and b"/Height 400" in data and b"/DCTDecode" in data


@pytest.mark.parametrize(
    ("contents", "styles", "recipes", "expected"),
    [(3, 5, 1, 1), (4, 5, 1, 2), (3, 6, 1, 2), (7, 6, 1, 6), (3, 2, 2, 1)],
)
def test_a_large_grid_is_broken_into_pages(contents, styles, recipes, expected):
    assert pages(compact_pages("t", *grid(contents, styles, recipes))) == expected


@pytest.mark.heavy
def test_a_grid_of_many_recipes_stays_whole_on_each_page():
    assert pages(compact_pages("t", *grid(3, 2, 8))) == 2  # a style to a page, eight recipes across


def test_sheets_and_their_pages_are_the_same_each_time():
    one, two = (compact_sheet("t", *grid(3, 2), "s") for _ in range(2))
    assert one == two
    assert compact_pages("t", *grid(3, 2), "s") == compact_pages("t", *grid(3, 2), "s")
