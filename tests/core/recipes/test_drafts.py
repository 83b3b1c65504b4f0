"""Drafts: which recipe another one starts from, and what can't be started from."""

import pytest

from spnst_core import InputError, Recipe
from spnst_core.recipes.drafts import draft_of


def recipe(name, text=""):
    return Recipe.from_yaml(f"{text}\nstages: [{{steps: 1}}]\n", f"{name}.yaml")


def starting(name, draft):
    return recipe(name, f"init: {{recipe: {draft}}}")


def test_a_recipe_starts_from_a_built_in_one_or_from_a_known_one_of_that_name():
    refined = starting("refined", "instant")
    assert draft_of(refined) == Recipe.load("instant")
    mine = recipe("instant")
    assert draft_of(refined, {"instant": mine, "refined": refined}) is mine
    assert draft_of(recipe("plain")) is None


def test_it_is_the_same_recipe_when_read_from_its_own_text():
    refined = starting("refined", "instant")
    assert Recipe.from_yaml(refined.to_yaml(), "refined.yaml") == refined
    assert refined.model_dump(mode="json")["init"] == {"recipe": "instant"}
    assert refined.with_size(512).init == refined.init


def test_recipes_that_go_round_in_a_circle_are_told():
    known = {"a": starting("a", "b"), "b": starting("b", "a"), "c": starting("c", "c")}
    with pytest.raises(InputError, match="recipe a starts from pastiches of b, which itself starts from those of a"):
        draft_of(known["a"], known)
    with pytest.raises(InputError, match="recipe c starts from its own pastiches"):
        draft_of(known["c"], known)


def test_an_unknown_recipe_is_told_with_the_nearest_name():
    with pytest.raises(InputError, match='recipe a starts from pastiches of instnt: no recipe "instnt".* instant'):
        draft_of(starting("a", "instnt"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("init: {recipe: ../mine}", "init.recipe: String should match pattern"),
        ("init: {recipes: instant}", r"unknown key init.recipes \(did you mean .recipe"),
        ("init: nois", "init: Input should be 'content', 'recoloured' or 'noise', not 'nois'"),
        ("init: {recipe: structure}\nengine: arbitrary", "init with a recipe needs engine optimize"),
    ],
)
def test_faulty_settings_are_told(text, message):
    with pytest.raises(InputError, match=message):
        recipe("a", text)
