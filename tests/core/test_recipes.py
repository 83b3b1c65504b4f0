"""Recipes: the built-in ones, one's own from YAML, and what a mistake in one says."""

import pytest

from spnst_core import InputError, Recipe

STAGES = "stages: [{scale: 0.5, steps: 3}, {steps: 2, lr: 0.01}]\n"


def written(folder, text, name="mine.yaml"):
    path = folder / name
    path.write_text(text)
    return path


def test_structure_and_gatys_differ_in_nothing_but_the_structure_terms():
    structure, gatys = Recipe.load("structure"), Recipe.load("gatys")
    assert structure.weights.edge > 0
    assert structure.weights.depth > 0
    plain = structure.weights.model_copy(update={"edge": 0, "depth": 0})
    same = {"name": "gatys", "description": gatys.description, "weights": plain}
    assert structure.model_copy(update=same) == gatys


@pytest.mark.parametrize("name", Recipe.names())
def test_every_built_in_recipe_loads_under_its_own_name(name):
    assert Recipe.load(name).name == name
    assert Recipe.load(name).description


def test_a_file_gives_its_name_and_defaults_fill_the_rest(tmp_path):
    recipe = Recipe.load(written(tmp_path, STAGES, "Wide-Strokes.yaml"))
    assert recipe.name == "wide_strokes"
    assert recipe.form == "relative"
    assert recipe.steps == 5


def test_sizes_follow_the_size_the_stages_and_the_strokes(tmp_path):
    recipe = Recipe.load(written(tmp_path, STAGES + "strokes: [0.5, 1]\nsize: 200")).with_size(300)
    assert recipe.sizes == (150, 300)
    assert recipe.style_sizes == (75, 150, 300)
    assert recipe.stroke_sizes(recipe.stages[1]) == (150, 300)


def test_a_stage_may_have_weights_and_strokes_of_its_own(tmp_path):
    text = "stages: [{scale: 0.5, steps: 1, weights: {edge: 9}, strokes: [2]}, {steps: 1}]\nsize: 100"
    recipe = Recipe.load(written(tmp_path, text))
    assert [recipe.stage_weights(stage).edge for stage in recipe.stages] == [9, 0]
    assert recipe.style_sizes == (100,)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("stages: [{steps: 1}]\nweigths: {edge: 1}", 'unknown key weigths (did you mean "weights"?)'),
        ("stages: [{steps: 1}]\nweights: {egde: 1}", 'unknown key weights.egde (did you mean "edge"?)'),
        ("stages: [{step: 1}]", 'unknown key stages.0.step (did you mean "steps"?)'),
        ("size: 256", "key stages is missing"),
        ("stages: [{steps: 0}]", "stages.0.steps: Input should be greater than or equal to 1, not 0"),
        ("stages: [{steps: 1}]\nweights: {style: -1}", "weights.style: Input should be greater than or equal to 0"),
        ("stages: [{steps: 1}]\nweights: {style: .nan}", "weights.style: Input should be"),
        ("stages: [{steps: 1, scale: 0.5}]", "must never fall and must end at 1, not [0.5]"),
        ("stages: [{steps: 1}]\nform: relativ", "form: Input should be 'relative' or 'raw', not 'relativ'"),
        ("stages: [}", "isn't YAML"),
        ("- a list", "must be a mapping"),
    ],
)
def test_a_mistake_is_named_in_one_line(tmp_path, text, says):
    with pytest.raises(InputError) as error:
        Recipe.load(written(tmp_path, text))
    assert says in str(error.value)
    assert "mine.yaml" in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(InputError, match='no recipe "strucure" \\(did you mean "structure"\\?\\)'):
        Recipe.load("strucure")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="absent.yaml can't be read"):
        Recipe.load(tmp_path / "absent.yaml")


def test_a_size_too_small_is_refused():
    with pytest.raises(InputError, match="size: Input should be greater than or equal to 32, not 8"):
        Recipe.load("structure").with_size(8)
