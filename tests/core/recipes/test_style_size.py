"""Style sizes: written and read back, and the shapes they give."""

import pytest

from spnst_core.recipes.style_size import StyleSize


@pytest.mark.parametrize("size", [StyleSize(512, "short"), StyleSize(1), StyleSize(256, "long")])
def test_what_is_written_reads_back(size):
    assert StyleSize.parse(str(size)) == size


def test_the_named_side_has_the_length_and_the_other_follows():
    assert StyleSize(128, "short").shape(300, 600) == (128, 256)
    assert StyleSize(128, "long").shape(300, 600) == (64, 128)
    assert StyleSize(128, "short").shape(600, 300) == (256, 128)


def test_strokes_multiply_it_and_never_reach_nothing():
    assert StyleSize(512, "short").times(0.25) == StyleSize(128, "short")
    assert StyleSize(2).times(0.1) == StyleSize(1)


def test_a_picture_is_measured_by_the_side_that_is_named():
    assert StyleSize(100).distance(60, 90) == 10
    assert StyleSize(100, "short").distance(60, 90) == 40


@pytest.mark.parametrize("text", ["", "512", "512-", "-short", "512-wide", "5.5-long", "512-short ", "0-long"])
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="a style"):
        StyleSize.parse(text)
