"""The pictures of the page on control: painted as they are called, and laid side by side."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.pictures import CUP, NIGHT, ROWS, Studio, on_squares, row_of
from spnst_core import Recipe, Stage, Weights, load_models

COUNTS = {"blends": 5, "colours": 5, "depth_bands": 4, "depth_strokes": 4, "detail": 4, "own_maps": 4, "regions": 5}
COUNTS |= {"stages": 4, "strength": 5, "transparency": 2, "upscaled": 3}


@pytest.fixture(scope="module")
def studio():
    """Paints quickly, with the networks that come with the package."""
    stages = [Stage(steps=2, scale=0.625), Stage(steps=2)]
    recipe = Recipe(name="quick", size=64, weights=Weights(edge=1.2, depth=0.1), stages=stages, optimizer="adam")
    return Studio(load_models("embedded", "cpu"), recipe)


@pytest.mark.benchmark
@pytest.mark.slow(10)
@pytest.mark.parametrize("name", COUNTS)
def test_pictures_of_a_row_differ_from_each_other(studio, name):
    pictures = ROWS[name](studio)
    assert len(pictures) == COUNTS[name]
    seen = [np.asarray(picture.convert("RGB").resize((64, 51))) for picture in pictures]
    for number, one in enumerate(seen):
        assert all((one != other).any() for other in seen[:number]), f"picture {number} of {name}"


def test_every_row_is_tested_but_the_one_that_needs_a_hed():
    assert ROWS.keys() - COUNTS.keys() == {"detail_made"}


@pytest.mark.benchmark
def test_a_pastiche_without_a_control_is_painted_once(studio):
    assert studio.pastiche(CUP, NIGHT) is studio.pastiche(CUP, NIGHT)


def test_pictures_stand_side_by_side_at_the_height_of_the_first():
    row = row_of([Image.new("RGB", (50, 40), "red"), Image.new("L", (40, 80))], 25)
    assert row.size == (25 + 8 + 10, 20)
    assert [row.getpixel((x, 10)) for x in (10, 29, 38)] == [(255, 0, 0), (255, 255, 255), (0, 0, 0)]


def test_what_is_hidden_shows_the_squares():
    picture = Image.new("RGBA", (40, 20), (255, 0, 0, 255))
    picture.paste((0, 0, 0, 0), (20, 0, 40, 20))
    shown = on_squares(picture)
    assert [shown.getpixel(at) for at in ((5, 5), (25, 5), (35, 5), (25, 15))] == [
        (255, 0, 0),
        (204, 204, 204),
        (255, 255, 255),
        (255, 255, 255),
    ]
