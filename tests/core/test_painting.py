"""One batch painted: what each cell gives, who is told of each step, and how near its style it came."""

import pytest
import torch

from spnst_core import Recipe
from spnst_core.objective.canvas import at_size
from spnst_core.painting import content_targets, misfits, paint_batch, style_targets
from spnst_core.recipes.recipe import Stage, Weights


def recipe(**changes):
    return Recipe.load("structure").model_copy(update={"size": 48, "stages": (Stage(steps=6),), **changes})


@pytest.fixture
def content(sample_contents):
    return sample_contents["astronaut"]


@pytest.fixture
def styles(sample_styles):
    return list(sample_styles.values())[:2]


@pytest.mark.heavy
def test_every_cell_of_a_batch_is_what_it_is_alone(content, styles, models):
    targets = content_targets(content, recipe(), models)
    asked = [style_targets(style, recipe(), models) for style in styles]
    together = paint_batch(targets, asked, recipe(), models)
    for own, cell in zip(asked, together, strict=True):
        (alone,) = paint_batch(targets, [own], recipe(), models)
        assert torch.equal(cell.image, alone.image)
        assert cell.history.equals(alone.history)
        assert cell.image.shape == at_size(content, 48).shape
        assert cell.seconds > 0


def test_callbacks_are_called_in_turn_after_each_step(content, styles, models):
    told = []
    callbacks = [lambda iterate, name=name: told.append((name, iterate.step)) for name in "ab"]
    targets = content_targets(content, recipe(), models)
    paint_batch(targets, [style_targets(styles[0], recipe(), models)], recipe(), models, callbacks=callbacks)
    assert told == [(name, step) for step in range(1, 7) for name in "ab"]


def test_a_start_takes_the_place_of_the_recipes_own(content, styles, models):
    standing = recipe(stages=(Stage(steps=1, lr=1e-6),))
    targets = content_targets(content, standing, models)
    style = style_targets(styles[0], standing, models)
    (cell,) = paint_batch(targets, [style], standing, models, torch.full((1, 3, 9, 9), 0.25))
    torch.testing.assert_close(cell.image, torch.full_like(cell.image, 0.25), atol=1e-4, rtol=0)


def test_painting_brings_a_cell_nearer_to_its_style(content, styles, models):
    targets, style = content_targets(content, recipe(), models), style_targets(styles[0], recipe(), models)
    (cell,) = paint_batch(targets, [style], recipe(), models)
    before, after = misfits(cell.image, targets, style, recipe(), models)
    assert 0 < after < before


def test_maps_are_computed_only_where_the_recipe_compares_them(content, models):
    with_depth = content_targets(content, recipe(weights=Weights(depth=1)), models)
    assert with_depth.edge is None
    assert list(with_depth.depth.maps) == [48]
    on_features = content_targets(content, recipe(weights=Weights(edge=1), edge_on="features"), models)
    assert on_features.edge is on_features.depth is None
