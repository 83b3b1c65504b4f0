"""Experiments: which recipes they compare, and that these differ in what is asked and in nothing else."""

import pytest

from spnst_core import InputError, Recipe, Weights
from spnst_core.recipes.experiments import Experiment


def weights(experiment):
    return {recipe.name: (recipe.weights.edge, recipe.weights.depth) for recipe in experiment.recipes}


@pytest.mark.parametrize("name", Experiment.names())
def test_recipes_of_an_experiment_have_names_of_their_own(name):
    experiment = Experiment.load(name)
    members = [recipe for family in experiment.families.values() for recipe in family]
    assert len({recipe.name for recipe in members}) == len(members) == len(experiment.recipes)
    assert experiment.description.endswith(".")
    assert all(recipe.description for recipe in members)


def test_the_seeds_six_are_three_strokes_with_and_without_its_terms():
    families = Experiment.load("seed_six").families
    assert [recipe.name for recipe in families["preserve"]] == [
        "smallstroke_preserve",
        "mixedstroke_preserve",
        "largestroke_preserve",
    ]
    for held, loose in zip(families["preserve"], families["nopreserve"], strict=True):
        without = held.with_weights({"edge": 0, "depth": 0})
        assert without == loose.model_copy(update={"name": held.name, "description": held.description})


def test_the_ablation_has_each_term_alone_both_and_neither():
    both = Recipe.load("structure").weights
    assert weights(Experiment.load("ablation")) == {
        "gatys": (0, 0),
        "structure_edges": (both.edge, 0),
        "structure_depth": (0, both.depth),
        "structure": (both.edge, both.depth),
    }


def test_the_sweep_varies_one_thing_in_each_family_and_rises():
    families = Experiment.load("sweep").families
    both = Recipe.load("structure").weights
    used = [recipe.weights for recipe in families["structure"]]
    assert [w.edge / both.edge for w in used] == pytest.approx([0.25, 0.5, 1, 2])
    assert [w.depth / both.depth for w in used] == pytest.approx([0.25, 0.5, 1, 2])
    assert [recipe.weights.content for recipe in families["gatys"]] == [1, 2, 4, 8]
    assert {(recipe.weights.edge, recipe.weights.depth) for recipe in families["gatys"]} == {(0, 0)}
    for family in families.values():
        alike = {r.with_weights({"content": 0, "edge": 0, "depth": 0}).model_dump_json(exclude=TITLES) for r in family}
        assert len(alike) == 1


TITLES = {"name", "description"}


def test_an_own_recipe_takes_the_place_of_a_built_in_one():
    own = Recipe.load("structure").with_weights({"edge": 0.5})
    ablation = Experiment.load("ablation", {"structure": own})
    assert weights(ablation)["structure_edges"] == (0.5, 0)


def test_weights_of_stages_are_scaled_like_the_recipes():
    own = Recipe.load("structure")
    first = own.stages[0].model_copy(update={"weights": Weights(edge=4, depth=0)})
    staged = own.model_copy(update={"stages": (first, *own.stages[1:])})
    half = next(r for r in Experiment.load("sweep", {"structure": staged}).recipes if r.name == "structure_half")
    assert half.stages[0].weights == Weights(edge=2, depth=0)
    assert half.stages[1].weights is None


def test_every_recipe_can_be_changed():
    sized = Experiment.load("ablation").with_recipes(lambda recipe: recipe.with_size(64))
    assert {recipe.size for recipe in sized.recipes} == {64}


def test_an_unknown_experiment_is_refused_with_those_that_there_are():
    with pytest.raises(InputError, match=r'"swep" \(did you mean "sweep"\?\): there are seed_six, ablation, sweep'):
        Experiment.load("swep")
