"""Close-ups: the window in which two edge maps differ most."""

import numpy as np
import pytest
from PIL import Image

from spnst_core.report.close_ups import CloseUp, most_different


def by_looking_everywhere(a, b, across, down):
    difference = np.abs(a - b)
    windows = np.lib.stride_tricks.sliding_window_view(difference, (down, across)).sum((2, 3))
    return np.unravel_index(windows.argmax(), windows.shape)


@pytest.mark.parametrize("shape", [(30, 40), (40, 30), (5, 60), (60, 5), (1, 1)])
@pytest.mark.parametrize("share", [0.1, 0.32, 1.0])
def test_it_is_the_window_of_the_largest_sum(shape, share):
    a, b = np.random.default_rng(0).random((2, *shape))
    window = most_different(a, b, share)
    height, width = shape
    left, top, right, bottom = window.of(width, height)
    across, down = max(1, round(share * width)), min(height, max(1, round(max(1, round(share * width)) / 2)))
    assert (right - left, bottom - top) == (across, down)
    assert (top, left) == by_looking_everywhere(a, b, across, down)


def test_it_lies_where_the_maps_differ_and_doesnt_depend_on_their_order():
    a = np.zeros((60, 80))
    b = a.copy()
    b[40:44, 50:60] = 1
    window = most_different(a, b)
    left, top, right, bottom = window.of(80, 60)
    assert left <= 50 and top <= 40 and right >= 60 and bottom >= 44
    assert most_different(b, a) == window


def test_equal_maps_and_gaps_in_them_give_the_top_left_corner():
    a = np.random.default_rng(1).random((20, 30))
    broken = a.copy()
    broken[15, 25] = np.nan
    assert most_different(a, a) == most_different(a, broken)
    assert most_different(a, a).of(30, 20)[:2] == (0, 0)


def test_a_window_means_the_same_part_of_a_picture_of_any_size():
    small = Image.new("RGB", (40, 30), "black")
    small.paste("white", (20, 15, 30, 20))
    window = CloseUp(0.5, 0.5, 0.75, 2 / 3)
    for picture in (small, small.resize((400, 300), Image.Resampling.NEAREST)):
        assert np.asarray(window.crop(picture)).min() == 255
        assert window.crop(picture).width == picture.width / 4
    assert CloseUp(0.99, 0.99, 1, 1).crop(Image.new("RGB", (3, 2))).size == (1, 1)


@pytest.mark.parametrize(
    ("first", "second", "share", "message"),
    [
        (np.zeros((3, 4)), np.zeros((4, 3)), 0.3, r"one shape \(H, W\) are needed, not \(3, 4\) and \(4, 3\)"),
        (np.zeros((1, 3, 4)), np.zeros((1, 3, 4)), 0.3, "one shape"),
        (np.zeros((0, 4)), np.zeros((0, 4)), 0.3, "one shape"),
        (np.zeros((3, 4)), np.zeros((3, 4)), 0, "above 0 and at most 1, not 0"),
        (np.zeros((3, 4)), np.zeros((3, 4)), 1.5, "not 1.5"),
    ],
)
def test_bad_input(first, second, share, message):
    with pytest.raises(ValueError, match=message):
        most_different(first, second, share)
