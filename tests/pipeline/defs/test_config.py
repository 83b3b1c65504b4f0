"""What the Launchpad may change for one run, and what becomes of it in the next."""

import pytest
from PIL import Image
from pydantic import ValidationError
from small_project import PAINTED

from spnst_core.errors import InputError
from spnst_core.recipes.recipe import Recipe
from spnst_pipeline.artefacts.stored_provenance import how_made
from spnst_pipeline.defs.config import Paint
from spnst_pipeline.project import Project

CELL = "cat|wave"


def test_without_options_the_recipe_stays_itself():
    recipe = Recipe.load("structure")
    assert Paint().applied_to(recipe) is recipe
    assert Paint().changes == {}


def test_a_weight_is_replaced_in_every_stage_and_size_for_the_whole():
    recipe = Recipe.load("seed_finetuned")
    changed = Paint(edge=0.5, size=96).applied_to(recipe)
    before, after = ([r.stage_weights(stage) for stage in r.stages] for r in (recipe, changed))
    assert [w.edge for w in after] == [0.5] * 3
    assert [w.style for w in after] == [w.style for w in before]
    assert changed.size == 96
    assert Paint(edge=0.5, size=96).changes == {"edge": 0.5, "size": 96}


def test_a_weight_of_zero_is_a_change():
    assert Paint(style=0).applied_to(Recipe.load("gatys")).weights.style == 0


def test_colours_are_changes():
    recipe = Recipe.load("structure").with_colour("match", 0.4)
    changed = Paint(colour="content").applied_to(recipe)
    assert (changed.colour, changed.colour_strength) == ("content", 1)
    assert Paint(colour_strength=0).applied_to(recipe).colour_strength == 0
    assert Paint(colour="content", colour_strength=0).changes == {"colour": "content", "colour_strength": 0}
    with pytest.raises(InputError, match="needs colour content or match"):
        Paint(colour_strength=0.5).applied_to(Recipe.load("structure"))


def test_how_much_of_a_style_is_taken_on_is_a_change():
    recipe = Recipe.load("structure").with_style_strength(0.3)
    assert Paint(style_strength=0).applied_to(recipe).style_strength == 0
    assert Paint(style_strength=1).applied_to(recipe) == Recipe.load("structure")
    assert Paint(style_strength=0).changes == {"style_strength": 0}
    with pytest.raises(InputError, match="style_strength needs engine optimize"):
        Paint(style_strength=0.5).applied_to(Recipe.load("instant"))


BAD = [{"edge": -1}, {"size": 8}, {"colour": "photo"}, {"colour_strength": 2}, {"style_strength": 2}]


@pytest.mark.parametrize("bad", BAD)
def test_values_out_of_range_are_refused(bad):
    with pytest.raises(ValidationError, match=next(iter(bad))):
        Paint(**bad)


def test_a_weight_that_no_recipe_knows_is_refused():
    with pytest.raises(InputError, match="edges"):
        Recipe.load("gatys").with_weights({"edges": 1})


@pytest.mark.project
@pytest.mark.slow(8)
def test_an_overridden_cell_says_so_and_is_painted_by_the_recipe_again_by_the_next_run(made):
    path = made.out / "pastiche/structure/cat/wave.png"
    before = Image.open(path).tobytes()
    assert made.launch("pastiche/structure", key=CELL, edge=3.0, size=64).keys == ["pastiche/structure/cat/wave.png"]
    store = Project.open(made.settings()).store
    assert Image.open(path).size == (64, 48)
    assert how_made(store, "pastiche/structure/cat/wave.png")["overridden"] == {"edge": 3.0, "size": 64}

    assert made.launch("pastiche/structure", key=CELL, edge=3.0, size=64).keys == []  # it is what was asked for
    again = made.run(phases=PAINTED)
    assert again.recorder.batches == [("structure", "cat", ("wave",))]
    assert Image.open(path).tobytes() == before
    assert "overridden" not in how_made(store, "pastiche/structure/cat/wave.png")


@pytest.mark.parametrize(
    ("asset", "key", "made_key"),
    [
        ("pastiche/gatys", CELL, "pastiche/gatys/cat/wave.png"),
        ("metrics/gatys", CELL, "metrics/gatys/cat/wave.json"),
        ("depth_map", "cat", "depth_map/cat.safetensors"),
        ("edge_map", "cat", "edge_map/cat.safetensors"),
        ("style_grams", "wave", "style_grams/wave.safetensors"),
    ],
)
@pytest.mark.project
def test_force_makes_what_is_up_to_date_again_and_outdates_nothing(made, asset, key, made_key):
    assert made.launch(asset, key=key).keys == []
    assert made.launch(asset, key=key, force=True).keys == [made_key]
    assert made.run().recorder.keys == []
