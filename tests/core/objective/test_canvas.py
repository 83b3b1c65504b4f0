"""The canvas: the picture at a stage's size, and the margin around it that jitter needs."""

import pytest
import torch

from spnst_core import InputError, Recipe
from spnst_core.objective.canvas import at_size, canvas, crop, framed


def test_the_picture_has_the_long_side_asked_for(sample_contents):
    content = sample_contents["astronaut"]
    assert max(at_size(content, 48).shape[2:]) == 48


def test_a_margin_is_mirrored_and_cropped_away_again():
    picture = torch.rand(2, 3, 20, 30)
    x = framed(picture, 8)
    assert x.shape == (2, 3, 36, 46)
    assert torch.equal(x[..., 7, :], x[..., 9, :])
    assert torch.equal(crop(x, 8), picture)
    assert torch.equal(crop(picture, 0), picture)


def test_only_a_recipe_whose_views_wander_has_a_margin(sample_contents):
    wandering = Recipe.load("structure").with_size(64)
    still = wandering.model_copy(update={"jitter": False})
    stage = wandering.stages[0]
    picture = at_size(sample_contents["astronaut"], wandering.stage_size(stage))
    assert torch.equal(canvas(sample_contents["astronaut"], still, stage), picture)
    assert torch.equal(crop(canvas(sample_contents["astronaut"], wandering, stage), wandering.margin), picture)
    assert wandering.margin == 8


def test_a_long_narrow_picture_is_refused_with_what_to_do():
    with pytest.raises(InputError, match=r"1000×20 becomes 64×1 .* choose a size 12\.0 times as large"):
        at_size(torch.rand(1, 3, 20, 1000), 64)


def test_a_pastiche_larger_than_any_picture_may_be_is_refused():
    with pytest.raises(InputError, match="a pastiche of 20000×15000 has more than 100 million pixels: choose a small"):
        at_size(torch.rand(1, 3, 60, 80), 20_000)
