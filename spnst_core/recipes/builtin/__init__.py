"""The built-in recipes, one YAML file each, as attributes: ``builtin.structure`` is that in ``structure.yaml``."""

from importlib import resources

from spnst_core.recipes.recipe import Recipe


def __getattr__(name: str) -> Recipe:
    file = resources.files(__name__) / f"{name}.yaml"
    if not file.is_file():
        raise AttributeError(f"there is no built-in recipe {name}")
    return Recipe.from_yaml(file.read_text("utf-8"), name)
