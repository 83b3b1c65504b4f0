"""What every asset works with: the store, the source folders, the recipes and the networks."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property

from spnst_core.errors import InputError
from spnst_core.models.profiles import Models, load_models
from spnst_core.recipes import Recipe
from spnst_core.style_size import StyleSize
from spnst_pipeline.settings import Settings
from spnst_pipeline.sources import Folder, local
from spnst_pipeline.storage import Store


@dataclass(frozen=True)
class Project:
    """One set of settings, made real. The networks are loaded when first asked for."""

    store: Store
    contents: Folder
    styles: Folder
    recipes: tuple[Recipe, ...]
    profile: str
    device: str

    @classmethod
    def open(cls, settings: Settings) -> Project:
        """Everything that the settings name.

        Raises:
            InputError: a folder or recipe that can't be used.
        """
        return cls(
            open_store(settings.out),
            Folder.open(settings.content, "content"),
            Folder.open(settings.style, "style"),
            load_recipes(settings),
            settings.profile,
            settings.device,
        )

    def without(self, contents: dict[str, str], styles: dict[str, str]) -> Project:
        """The project without some pictures, given as slug → why."""
        return replace(self, contents=self.contents.without(contents), styles=self.styles.without(styles))

    @cached_property
    def models(self) -> Models:
        """The profile's networks on the device."""
        return load_models(self.profile, self.device)

    @cached_property
    def content_sizes(self) -> tuple[int, ...]:
        """Long sides at which some recipe looks at a photograph."""
        return tuple(sorted({size for recipe in self.recipes for size in recipe.sizes}))

    @cached_property
    def style_sizes(self) -> tuple[StyleSize, ...]:
        """Sizes at which some recipe looks at a painting, and the pastiches' own, at which they are judged."""
        return tuple(sorted({size for r in self.recipes for size in (*r.style_sizes, StyleSize(r.size))}))

    @cached_property
    def style_layers(self) -> tuple[str, ...]:
        """Layers of the encoder whose statistics some recipe takes from a painting."""
        return tuple(sorted({layer for r in self.recipes for layer in r.style_layers(self.models.encoder)}))


def open_store(location: str) -> Store:
    """The store in a folder, which needn't exist yet.

    Raises:
        InputError: it can't be a folder that this user writes to.
    """
    root = local(location, "out")
    there = next(path for path in (root, *root.absolute().parents) if path.exists())
    if not there.is_dir():
        raise InputError(f"out {root} can't be a folder, because {there} is a file: choose another")
    if not os.access(there, os.W_OK):
        raise InputError(f"out {root} can't be written, because you may not write to {there}: choose another")
    return Store(root)


def load_recipes(settings: Settings) -> tuple[Recipe, ...]:
    """The recipes that the settings name, at the settings' size.

    Raises:
        InputError: an unknown or faulty recipe, or two with one name.
    """
    recipes: dict[str, Recipe] = {}
    for source in settings.recipes:
        recipe = Recipe.load(source)
        sized = recipe.with_size(settings.size) if settings.size else recipe
        if recipes.setdefault(sized.name, sized) != sized:
            raise InputError(f'two different recipes are named "{sized.name}": change the name in {source}')
    return tuple(recipes.values())
