"""Contact sheets: pictures and captions where they belong, gaps labelled, nothing outside its box."""

import numpy as np
import pytest
from PIL import Image

from spnst_core.sheets import GAP, PAD, TILE, Row, Tile, contact_sheet


def tile(colour, size=(60, 40), caption="name"):
    return Tile(Image.new("RGB", size, colour), caption)


def colours(sheet):
    return {tuple(c) for c in np.unique(np.asarray(sheet).reshape(-1, 3), axis=0)}


def test_every_picture_is_on_the_sheet_once_in_its_place():
    sheet = contact_sheet(
        "t",
        [tile("#ff0000"), tile("#00ff00")],
        [Row([tile("#0000ff")], [tile("#ffff00"), tile("#ff00ff")])],
    )
    pixels = np.asarray(sheet)

    def where(colour):
        y, x = np.nonzero((pixels == colour).all(2))
        return x.min(), x.max(), y.min(), y.max()

    stride = TILE + GAP
    assert where((255, 0, 0))[0] == PAD + stride
    assert where((0, 255, 0))[0] == where((255, 0, 255))[0] == PAD + 2 * stride
    assert where((0, 0, 255))[0] == PAD
    assert where((255, 255, 0))[2] == where((0, 0, 255))[2] > where((255, 0, 0))[3]


def test_a_missing_cell_is_a_gap_and_moves_no_neighbour():
    whole = contact_sheet("t", [tile("#ff0000")] * 2, [Row([tile("#0000ff")], [tile("#00ff00"), tile("#ff00ff")])])
    gap = contact_sheet("t", [tile("#ff0000")] * 2, [Row([tile("#0000ff")], [None, tile("#ff00ff")])])
    assert whole.size == gap.size
    assert (0, 255, 0) not in colours(gap)
    magenta = [(np.asarray(s) == (255, 0, 255)).all(2) for s in (whole, gap)]
    assert (magenta[0] == magenta[1]).all()


@pytest.mark.parametrize("name", ["x" * 400, "名前" * 100, "שלום " * 60, ""])
def test_a_long_caption_stays_within_its_tile(name):
    sheet = contact_sheet("t", [tile("#ff0000", caption=name)], [Row([], [tile("#00ff00", caption=name)])])
    right = np.asarray(sheet)[:, PAD + TILE + 2 :]
    background = np.asarray(sheet)[-1, -1]
    assert (right[100:] == background).all()


@pytest.mark.parametrize("size", [(1, 500), (500, 1), (3000, 2000), (16, 16)])
def test_any_shape_is_fitted_into_its_tile(size):
    sheet = contact_sheet("t", [tile("#ff0000", size)], [Row([], [tile("#00ff00", size)])])
    assert sheet.width == 2 * PAD + TILE + GAP


def test_a_ragged_grid_is_refused():
    with pytest.raises(ValueError, match="row 1 has 1 headers and 2 cells, where the sheet has 1 and 1"):
        contact_sheet(
            "t",
            [tile("#ff0000")],
            [Row([tile("#0000ff")], [None]), Row([tile("#0000ff")], [None, None])],
        )
