"""The cost of checkpoints, on a batch of two small cells."""

import pytest

from benchmarks.checkpoints import measured
from spnst_core import Recipe, load_models
from spnst_core.recipes.recipe import Stage

pytestmark = pytest.mark.benchmark


def test_steps_following_and_checkpoints_are_timed_and_a_batch_is_kept(tmp_path):
    models = load_models("embedded", "cpu")
    recipe = Recipe.load("gatys").suited_to("embedded").with_size(48)
    recipe = recipe.model_copy(update={"stages": (Stage(steps=3),), "flat": 0.0})
    step, following, checkpoint = measured(models, recipe, 2, tmp_path)
    assert step > following > 0
    assert checkpoint > 0
    assert len(list((tmp_path / "checkpoint/gatys/content").glob("[!.]*.safetensors"))) == 2
