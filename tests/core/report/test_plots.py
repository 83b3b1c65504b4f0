"""Plots: dots where the figures are, on either paper, and refusals where there is nothing to draw."""

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageColor

from spnst_core.metrics.registry import METRICS
from spnst_core.report.plots import COLOURS, DARK, LIGHT, frontier, strips


def table(**means):
    """Two cells of each recipe, with (patch distance, edge error) around its means."""
    return pd.DataFrame(
        [
            {"content": c, "style": "s", "recipe": recipe, "patch_distance": x + d, "edge_error": y + d}
            for recipe, (x, y) in means.items()
            for c, d in (("a", -0.01), ("b", 0.01))
        ]
    )


def opened(png):
    return np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)


def middle(picture, colour):
    """Row and column of the middle of all pixels of a colour, as shares of the picture."""
    near = np.abs(picture - ImageColor.getrgb(colour)).sum(2) < 30
    assert near.any()
    return np.argwhere(near).mean(0) / picture.shape[:2]


def test_the_frontier_shows_better_towards_the_lower_left():
    picture = opened(frontier(table(good=(0.05, 0.1), poor=(0.10, 0.4))))
    (good_row, good_column), (poor_row, poor_column) = (middle(picture, colour) for colour in COLOURS[:2])
    assert good_row > poor_row + 0.3
    assert good_column < poor_column - 0.3


def test_a_difference_of_a_hair_doesnt_fill_the_plot():
    picture = opened(frontier(table(one=(0.0664, 0.2), other=(0.0665, 0.4))))
    (_, first), (_, second) = (middle(picture, colour) for colour in COLOURS[:2])
    assert abs(first - second) < 0.05


def test_a_family_has_one_colour():
    four = table(a=(0.1, 0.4), a_more=(0.2, 0.3), b=(0.1, 0.2), b_more=(0.2, 0.1))
    picture = opened(frontier(four, families={"a": ["a", "a_more"], "b": ["b", "b_more"]}))
    assert middle(picture, COLOURS[0])[0] < middle(picture, COLOURS[1])[0]
    with pytest.raises(AssertionError):
        middle(picture, COLOURS[2])


@pytest.mark.parametrize("paper", [LIGHT, DARK])
@pytest.mark.heavy
def test_the_ground_is_the_papers(paper):
    metrics = [metric for metric in METRICS.values() if metric.key in ("patch_distance", "edge_error")]
    cells = table(one=(0.1, 0.2), other=(0.2, 0.1))
    for png in (frontier(cells, paper=paper), strips(cells, metrics, paper)):
        assert tuple(opened(png)[0, 0]) == ImageColor.getrgb(paper.ground)


@pytest.mark.parametrize(("form", "start"), [("svg", b"<?xml"), ("pdf", b"%PDF-")])
@pytest.mark.heavy
def test_figures_for_papers_are_vectors_and_the_same_each_time(form, start):
    cells = table(one=(0.1, 0.2), other=(0.2, 0.1))
    metrics = [METRICS["edge_error"]]
    for draw in (lambda: frontier(cells, form=form), lambda: strips(cells, metrics, form=form)):
        figure = draw()
        assert figure.startswith(start) and b"<image" not in figure and b"/Subtype /Image" not in figure
        assert draw() == figure


def test_nothing_to_draw_is_refused():
    bare = table(one=(0.1, 0.2))[["content", "style", "recipe"]]
    with pytest.raises(ValueError, match="no recipe has both patch_distance and edge_error"):
        frontier(bare.assign(patch_distance=np.nan, edge_error=0.1))
    with pytest.raises(ValueError, match="none of the metrics"):
        strips(bare, METRICS.values())
