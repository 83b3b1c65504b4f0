"""Drafts: the pastiches of one recipe that another one starts from."""

from collections.abc import Mapping
from types import MappingProxyType

from spnst_core.errors import InputError
from spnst_core.recipes.recipe import Draft, Recipe


def draft_of(recipe: Recipe, known: Mapping[str, Recipe] = MappingProxyType({})) -> Recipe | None:
    """The recipe whose pastiches a recipe starts from; None if it starts from no recipe's.

    Args:
        recipe: as it suits the encoder.
        known: recipes by name, in place of the built-in ones.

    Raises:
        InputError: there is no such recipe, or it starts from another recipe's pastiches itself.

    >>> draft_of(Recipe.load("structure")) is None
    True
    """
    if not isinstance(recipe.init, Draft):
        return None
    name = recipe.init.recipe
    if name == recipe.name:
        raise InputError(f"recipe {name} starts from its own pastiches: name another recipe in init")
    try:
        draft = known.get(name) or Recipe.load(name)
    except InputError as error:
        raise InputError(f"recipe {recipe.name} starts from pastiches of {name}: {error}") from error
    if isinstance(draft.init, Draft):
        raise InputError(
            f"recipe {recipe.name} starts from pastiches of {name}, which itself starts from those of "
            f"{draft.init.recipe}: let it start from a recipe that doesn't"
        )
    return draft
