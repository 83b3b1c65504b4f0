"""Experiments: sets of recipes to compare, grouped into families that differ in one parameter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from spnst_core.errors import InputError, closest
from spnst_core.recipes.recipe import Recipe, Weights

STRENGTHS = {"quarter": 0.25, "half": 0.5, "double": 2.0}
"""Multiples of ``structure``'s structure weights that the sweep tries beside the recipe itself."""

CONTENTS = (2.0, 4.0, 8.0)
"""Multiples of ``gatys``'s content weight that the sweep tries beside the recipe itself."""

Find = Callable[[str], Recipe]
"""A recipe by its name."""


@dataclass(frozen=True)
class Experiment:
    """Recipes that paint the same grid, to be compared.

    Attributes:
        name: the experiment's name.
        description: the question that it answers, in a sentence.
        families: by name, recipes that differ in one parameter, in the order of its values.
    """

    name: str
    description: str
    families: Mapping[str, tuple[Recipe, ...]]

    @staticmethod
    def names() -> list[str]:
        """Names of all experiments."""
        return list(_EXPERIMENTS)

    @classmethod
    def load(cls, name: str, recipes: Mapping[str, Recipe] = MappingProxyType({})) -> Experiment:
        """The experiment of this name; ``recipes``, by name, replace built-in recipes that it is made of.

        Raises:
            InputError: no such experiment.
        """
        if name not in _EXPERIMENTS:
            raise InputError(
                f'no experiment "{name}"{closest(name, _EXPERIMENTS)}: there are {", ".join(_EXPERIMENTS)}'
            )
        description, families = _EXPERIMENTS[name]
        return cls(name, description, families(lambda name: recipes.get(name) or Recipe.load(name)))

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """All recipes of the experiment, each once."""
        return tuple({recipe.name: recipe for family in self.families.values() for recipe in family}.values())

    def with_recipes(self, change: Callable[[Recipe], Recipe]) -> Experiment:
        """The experiment with the function applied to every recipe."""
        changed = {name: tuple(map(change, family)) for name, family in self.families.items()}
        return Experiment(self.name, self.description, changed)


def _seed_six(find: Find) -> dict[str, tuple[Recipe, ...]]:
    """The notebook's six."""
    strokes = ("smallstroke", "mixedstroke", "largestroke")
    return {kind: tuple(find(f"{stroke}_{kind}") for stroke in strokes) for kind in ("preserve", "nopreserve")}


def _ablation(find: Find) -> dict[str, tuple[Recipe, ...]]:
    """Each structure term alone, both and neither."""
    structure = find("structure")
    return {
        "neither": (find("gatys"),),
        "edges": (_variant(structure, "structure_edges", "As structure, without its depth term.", depth=0),),
        "depth": (_variant(structure, "structure_depth", "As structure, without its edge term.", edge=0),),
        "both": (structure,),
    }


def _sweep(find: Find) -> dict[str, tuple[Recipe, ...]]:
    """Two ways to keep more of the content: the structure terms, and a higher content weight."""
    structure, gatys = find("structure"), find("gatys")
    kept = "As structure, with {:g} times its edge and depth weights."
    strengths = {
        k: _variant(structure, f"structure_{name}", kept.format(k), edge=k, depth=k) for name, k in STRENGTHS.items()
    }
    contents = [
        _variant(gatys, f"gatys_content{k:g}", f"As gatys, with {k:g} times its content weight.", content=k)
        for k in CONTENTS
    ]
    return {
        "structure": tuple(recipe for _, recipe in sorted({**strengths, 1.0: structure}.items())),
        "gatys": (gatys, *contents),
    }


_EXPERIMENTS: Mapping[str, tuple[str, Callable[[Find], dict[str, tuple[Recipe, ...]]]]] = {
    "seed_six": ("The notebook's recipes: three strokes, with and without its structure terms.", _seed_six),
    "ablation": ("What the edge term does, what the depth term does, and what both do.", _ablation),
    "sweep": ("What structure costs in style: by the structure terms, and by a higher content weight.", _sweep),
}


def _variant(recipe: Recipe, name: str, description: str, **factors: float) -> Recipe:
    """The recipe under another name with some weights multiplied, in every stage."""

    def scaled(weights: Weights) -> Weights:
        return weights.model_copy(update={term: k * getattr(weights, term) for term, k in factors.items()})

    stages = tuple(
        stage.model_copy(update={"weights": scaled(stage.weights)}) if stage.weights else stage
        for stage in recipe.stages
    )
    titles = {"name": name, "description": description}
    return recipe.model_copy(update={**titles, "weights": scaled(recipe.weights), "stages": stages})
