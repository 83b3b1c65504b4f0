"""Lines of text on pictures: cut to a width, in a typeface that has their characters."""

import numpy as np
import pytest
from PIL import Image

from spnst_core.report.text import draw_line, lines


def written(text, box=(20, 10, 120, 30), **how):
    picture = Image.new("RGB", (140, 40), "white")
    draw_line(picture, box, text, 14, "black", **how)
    return np.array(picture.convert("L"))


@pytest.mark.parametrize("face", ["serif", "sans"])
@pytest.mark.parametrize("text", ["a", "W" * 50, "Ελλάδα", "Россия", "שלום", "العربية", "漢字", "—", "≠"])
def test_something_is_drawn_inside_the_box_and_nothing_outside(text, face):
    pixels = written(text, face=face)
    assert (pixels[10:30, 20:120] < 255).any()
    pixels[10:30, 20:120] = 255
    assert (pixels == 255).all()


def test_text_too_large_for_its_box_is_clipped():
    pixels = written("gÅ" * 9, (20, 18, 120, 22))
    assert (pixels[:18] == 255).all() and (pixels[22:] == 255).all()


def test_text_is_cut_with_an_ellipsis_only_where_it_is_too_long():
    assert (written("short") == written("short")).all()
    long, longer = written("x" * 60), written("x" * 60000)
    assert (long == longer).all()
    assert (long != written("x" * 12)).any()


def test_alignment():
    left, centre, right = (written("ab", align=align) for align in ("left", "centre", "right"))
    first = [np.nonzero((pixels < 128).any(0))[0][[0, -1]] for pixels in (left, centre, right)]
    assert first[0][0] < 25 and first[2][1] > 115
    assert abs(sum(first[1]) / 2 - 69.5) < 2


@pytest.mark.parametrize("text", ["", "  ", "\n\0\u2028", "\ud800"])
def test_what_has_no_letters_draws_nothing(text):
    assert (written(text) == 255).all()


def test_a_text_is_broken_between_words_and_the_rest_goes_into_the_last_line():
    assert lines("one two three", 14, 1000, 4) == ["one two three"]
    assert lines("one two three", 14, 1, 4) == ["one", "two", "three"]
    assert lines("one two three four", 14, 1, 2) == ["one", "two three four"]
    assert lines("", 14, 100, 4) == []
