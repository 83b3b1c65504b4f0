"""Contact sheets: pictures and captions where they belong, gaps labelled, nothing outside its box."""

import numpy as np
import pytest
from PIL import Image

from spnst_core.report.close_ups import CloseUp
from spnst_core.report.contact_sheet import (
    BACKGROUND,
    GAP,
    LINE,
    PAD,
    PANEL,
    Gap,
    Panel,
    Row,
    contact_sheet,
)

STRIDE = PANEL + GAP
PAPER = Image.new("RGB", (1, 1), BACKGROUND).getpixel((0, 0))

LONG = ["x" * 400, "word " * 100, "名前" * 100, "שלום " * 60, "العربية " * 60, "é̵̛̀͊" * 80, "a\nb\nc\0\u2028d", ""]


def panel(colour, size=(60, 40), caption="", **more):
    return Panel(Image.new("RGB", size, colour), caption, **more)


def where(sheet, colour):
    """The box of a colour: left, right, top, bottom, all inside."""
    y, x = np.nonzero((np.asarray(sheet) == Image.new("RGB", (1, 1), colour).getpixel((0, 0))).all(2))
    return (x.min(), x.max(), y.min(), y.max()) if len(x) else None


def blank(part):
    return (part == PAPER).all()


def test_every_picture_is_on_the_sheet_once_in_its_place():
    rows = [Row([panel("#0000ff")], [panel("#ffff00"), panel("#ff00ff")])]
    sheet = contact_sheet("t", [panel("#ff0000"), panel("#00ff00")], rows)
    assert where(sheet, "#ff0000")[0] == PAD + STRIDE
    assert where(sheet, "#00ff00")[0] == where(sheet, "#ff00ff")[0] == PAD + 2 * STRIDE
    assert where(sheet, "#0000ff")[0] == PAD
    assert where(sheet, "#ffff00")[2] == where(sheet, "#0000ff")[2] > where(sheet, "#ff0000")[3]
    assert sheet.width == 2 * PAD + 3 * STRIDE - GAP


def test_columns_stand_on_one_line_and_rows_hang_from_one():
    shapes = [(60, 40), (40, 60), (50, 50)]
    columns = [panel(c, s) for c, s in zip(("#ff0000", "#00ff00", "#0000ff"), shapes, strict=True)]
    cells = [panel(c, s) for c, s in zip(("#ffff00", "#ff00ff", "#00ffff"), shapes, strict=True)]
    sheet = contact_sheet("t", columns, [Row([], cells)])
    assert len({where(sheet, c)[3] for c in ("#ff0000", "#00ff00", "#0000ff")}) == 1
    assert len({where(sheet, c)[2] for c in ("#ffff00", "#ff00ff", "#00ffff")}) == 1


def test_a_missing_cell_is_a_gap_and_moves_no_neighbour():
    whole = contact_sheet("t", [panel("#ff0000")] * 2, [Row([panel("#0000ff")], [panel("#00ff00"), panel("#ff00ff")])])
    gap = contact_sheet("t", [panel("#ff0000")] * 2, [Row([panel("#0000ff")], [Gap("not made"), panel("#ff00ff")])])
    assert whole.size == gap.size
    assert where(gap, "#00ff00") is None
    assert where(gap, "#ff00ff") == where(whole, "#ff00ff")


@pytest.mark.parametrize("caption", [False, True])
def test_a_gap_is_labelled_with_its_reason_and_its_caption(caption):
    def sheet(gap):
        return contact_sheet("t", [panel("#ff0000")], [Row([], [gap])])

    left, right, top, bottom = where(sheet(Gap("")), "#eceae5")
    part = np.s_[bottom + 1 :, :] if caption else np.s_[top:bottom, left:right]
    labelled = sheet(Gap("", "gatys") if caption else Gap("blocked: of one colour"))
    assert (np.asarray(labelled)[part] != np.asarray(sheet(Gap("")))[part]).any()


@pytest.mark.parametrize("reason", LONG)
def test_a_long_reason_stays_within_its_gap(reason):
    short, long = (contact_sheet("", [panel("#ff0000")], [Row([], [Gap(text)])]) for text in ("", reason))
    left, right, top, bottom = where(short, "#eceae5")
    different = (np.asarray(short) != np.asarray(long)).any(2)
    different[top : bottom + 1, left : right + 1] = False
    assert not different.any()


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("scale", [1, 2])
def test_long_and_foreign_text_stays_within_its_box(name, scale):
    panels = [panel("#ff0000", caption=f"{name}\n{name}\n{name}")]
    pixels = np.asarray(contact_sheet(name, panels, [Row(panels, panels)], name, scale))
    pad, stride = PAD * scale, STRIDE * scale
    assert blank(pixels[:pad]) and blank(pixels[-pad:]) and blank(pixels[:, :pad]) and blank(pixels[:, -pad:])
    body = pixels[pad + 64 * scale :]
    assert blank(body[:, pad + stride - GAP * scale : pad + stride])
    red = (body == (255, 0, 0)).all(2).any(1)
    assert red[-1] == 0 and np.diff(red.astype(int)).tolist().count(1) == (1 if red[0] else 2)


def test_a_caption_hides_no_picture():
    plain, named = (
        contact_sheet("t", [panel("#ff0000", caption=c)], [Row([], [panel("#00ff00", caption=c)])])
        for c in ("", "gy\njq")
    )
    for colour in ("#ff0000", "#00ff00"):
        assert where(plain, colour) == where(named, colour)
        left, right, top, bottom = where(named, colour)
        assert len(named.crop((left, top, right + 1, bottom + 1)).getcolors()) == 1


def test_facts_stand_two_to_a_line_under_the_caption():
    def sheet(facts, caption="gatys"):
        return contact_sheet("t", [panel("#ff0000")], [Row([], [panel("#00ff00", caption=caption, facts=facts)])])

    assert sheet(["a ↓ 1", "b ↑ 2", "c ↓ 3"]) == sheet([], "gatys\na ↓ 1  b ↑ 2\nc ↓ 3")


@pytest.mark.parametrize("size", [(1, 500), (500, 1), (3000, 2000), (16, 16)])
def test_any_shape_is_fitted_into_its_panel(size):
    sheet = contact_sheet("t", [panel("#ff0000", size)], [Row([], [panel("#00ff00", size)])])
    left, right, top, bottom = where(sheet, "#00ff00")
    assert right - left < PANEL and bottom - top < PANEL
    assert sheet.width == 2 * PAD + PANEL


def test_scale_enlarges_every_measure():
    rows = [Row([panel("#0000ff")], [panel("#00ff00")])]
    one, two = (contact_sheet("t", [panel("#ff0000")], rows, scale=scale) for scale in (1, 2))
    assert two.size == (2 * one.width, 2 * one.height)
    assert where(two, "#00ff00")[::2] == tuple(2 * edge for edge in where(one, "#00ff00")[::2])


def test_a_close_up_is_outlined_and_shown_enlarged_under_the_picture():
    image = Image.new("RGB", (100, 80), "#00ff00")
    image.paste("#ff00ff", (60, 40, 100, 60))
    sheet = contact_sheet("t", [panel("#ff0000")], [Row([], [Panel(image, close_up=CloseUp(0.6, 0.5, 1, 0.75))])])
    left, right, top, bottom = where(sheet, "#00ff00")
    assert (right - left + 1, bottom - top + 1) == (PANEL, PANEL * 0.8)
    under = np.asarray(sheet)[bottom + 5 : bottom + 5 + PANEL // 2, left : right + 1]
    assert (under == (255, 0, 255)).all()


def test_maps_stand_side_by_side_below_their_content():
    content = panel("#ff0000", (90, 60), "name", below=[Image.new("RGB", (9, 6), c) for c in ("#00ff00", "#0000ff")])
    sheet = contact_sheet("t", [panel("#ffff00")], [Row([content], [panel("#ff00ff")])])
    above, first, second = (where(sheet, c) for c in ("#ff0000", "#00ff00", "#0000ff"))
    assert first[2:] == second[2:] and first[2] == above[3] + 5
    assert (first[0], second[1]) == (above[0], above[1]) and second[0] == first[1] + 5


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [Row([panel("#0000ff")], [Gap("")]), Row([panel("#0000ff")], [Gap(""), Gap("")])],
            "row 1 has 1 headers and 2 cells, where the sheet has 1 and 1",
        ),
        ([Row([], [Gap("")]), Row([panel("#0000ff")], [Gap("")])], "row 1 has 1 headers and 1 cells"),
    ],
)
def test_a_ragged_grid_is_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        contact_sheet("t", [panel("#ff0000")], rows)


def test_a_legend_shows_each_colour_with_its_name_under_the_caption():
    told = panel("#ff0000", caption="cat\nwith regions", legend={"sky": "#00ff00", "sea": "#0000ff"})
    sheet = contact_sheet("t", [panel("#ffff00")], [Row([told], [panel("#00ffff")])])
    sky, sea, picture = (where(sheet, colour) for colour in ("#00ff00", "#0000ff", "#ff0000"))
    assert sky[2] == sea[2] > picture[3] + 2 * LINE, "in the line after the caption's two"
    assert sky[0] == PAD and sea[0] > sky[1] + 10, "with room for a name"
    without = contact_sheet(
        "t", [panel("#ffff00")], [Row([panel("#ff0000", caption="cat\nwith regions")], [panel("#00ffff")])]
    )
    assert without.size == sheet.size


@pytest.mark.parametrize("name", LONG)
def test_a_legend_stays_inside_its_panel(name):
    told = panel("#ff0000", legend={f"{number} {name}": "#00ff00" for number in range(40)})
    sheet = contact_sheet("t", [panel("#ffff00")], [Row([told], [panel("#00ffff")])])
    assert where(sheet, "#00ff00")[1] < PAD + PANEL
    assert blank(np.asarray(sheet)[where(sheet, "#00ffff")[3] + 1 :, PAD + PANEL : PAD + STRIDE])
