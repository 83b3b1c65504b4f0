"""What every asset works with: the store, the source folders, the recipes and the networks."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from spnst_core.errors import InputError
from spnst_core.metrics.judges import Judges, load_judges
from spnst_core.metrics.registry import identify_metrics
from spnst_core.models.profiles import Identity, Models, Overrides, choose, identify, load_models
from spnst_core.painters.arbitrary import ArbitraryPainter
from spnst_core.recipes.drafts import draft_of
from spnst_core.recipes.experiments import Experiment
from spnst_core.recipes.recipe import Recipe
from spnst_core.recipes.style_size import StyleSize
from spnst_pipeline.settings import Settings
from spnst_pipeline.shard import Shard
from spnst_pipeline.storage.places import is_remote
from spnst_pipeline.storage.sources import Source
from spnst_pipeline.storage.store import Store

_NETWORKS = ("models", "arbitrary_painter")
"""The properties of a project that hold networks that paint."""


@dataclass(frozen=True)
class Project:
    """What one set of settings stands for. The networks are loaded on first use.

    ``recipes`` are those of the grid, which tables, sheets and gallery show; an experiment has its own. ``drafts`` are
    those whose pastiches others start from.
    """

    settings: Settings
    store: Store
    contents: Source
    styles: Source
    recipes: tuple[Recipe, ...]
    experiments: tuple[Experiment, ...] = ()
    drafts: tuple[Recipe, ...] = ()

    @classmethod
    def open(cls, settings: Settings, *, empty: bool = False, dry: bool = False) -> Project:
        """Open everything that the settings name.

        Args:
            settings: what to open.
            empty: the sources may have no pictures yet.
            dry: nothing will be made, so that the store needn't be writable; in a bucket, trying that takes a write.

        Raises:
            InputError: a folder or recipe that can't be used.
        """
        source = Source.scan if empty else Source.open
        _require_apart(settings)
        recipes, experiments, drafts = load_recipes(settings)
        bands = {band for recipe in all_of(recipes, experiments, drafts) for band in recipe.bands}
        return cls(
            settings,
            Store.open(settings.out) if dry else open_store(settings.out),
            source(settings.content, "content", settings.subfolders).without_stray_styles(bands),
            source(settings.style, "style", settings.subfolders),
            recipes,
            experiments,
            drafts,
        )

    def for_another_process(self, contents: Collection[str], styles: Collection[str]) -> Project:
        """The same project, to be sent to a process that works on these pictures alone.

        It takes along neither networks nor secrets. That process keeps no checkpoints: Dagster's records are here.
        """
        settings = self.settings.model_copy(update={"failure_webhook": None, "checkpoint_seconds": 0.0})
        return replace(self, settings=settings, contents=self.contents.only(contents), styles=self.styles.only(styles))

    def with_networks_of(self, other: Project) -> Project:
        """The same project with the networks that ``other`` has loaded, by settings that name the same."""
        shared = replace(self)
        vars(shared).update({name: loaded for name, loaded in vars(other).items() if name in _NETWORKS})
        return shared

    @property
    def has_networks(self) -> bool:
        """Whether `models` is loaded."""
        return "models" in vars(self)

    @property
    def shard(self) -> Shard:
        """The part of the contents that is this project's in Dagster. ``contents`` are all of them."""
        return self.settings.part

    @property
    def own_contents(self) -> list[str]:
        """The contents of its shard, in the order of ``contents``."""
        return [key for key in self.contents.pictures if self.shard.having(key) == self.shard]

    @property
    def overrides(self) -> Overrides:
        """Networks in place of the profile's own."""
        return {"encoder": self.settings.encoder, "edges": self.settings.edges, "depth": self.settings.depth}

    @cached_property
    def identity(self) -> Identity:
        """Which networks the profile stands for, without loading any: enough to plan and to label."""
        return identify(self.settings.profile, **self.overrides)

    @cached_property
    def checkpoints(self) -> Store:
        """Where cells that are painted in part are kept: with Dagster's records, so that they cross no network."""
        return Store.open(str(self.settings.dagster_home))

    @cached_property
    def models(self) -> Models:
        """The profile's networks on the device."""
        settings = self.settings
        return load_models(settings.profile, settings.device, precision=settings.precision, **self.overrides)

    @cached_property
    def arbitrary_painter(self) -> ArbitraryPainter:
        """The network that paints any style in one pass, on the same device."""
        return ArbitraryPainter.load(self.models.device)

    @cached_property
    def judges(self) -> Judges:
        """The networks that score pastiches and take no part in the optimisation, on the same device."""
        return load_judges(self.models.device)

    @cached_property
    def judged_by(self) -> str:
        """A fingerprint of the judges and of metrics that packages add."""
        return identify_metrics()

    @cached_property
    def every_recipe(self) -> tuple[Recipe, ...]:
        """Those of the grid, of the experiments and of drafts, each once."""
        return all_of(self.recipes, self.experiments, self.drafts)

    def draft_of(self, recipe: Recipe) -> Recipe | None:
        """The recipe whose pastiches a recipe starts from; None if it starts from no recipe's."""
        return draft_of(recipe, {each.name: each for each in self.every_recipe})

    @cached_property
    def content_sizes(self) -> tuple[int, ...]:
        """Long sides at which some recipe looks at a content."""
        return tuple(sorted({size for recipe in self.every_recipe for size in recipe.sizes}))

    @cached_property
    def style_sizes(self) -> tuple[StyleSize, ...]:
        """Sizes at which some recipe looks at a style, and the pastiches' own, at which they are judged."""
        return tuple(sorted({size for recipe in self.every_recipe for size in painted_sizes(recipe)}))

    @cached_property
    def style_layers(self) -> tuple[str, ...]:
        """Layers of the encoder whose statistics some recipe takes from a style."""
        return tuple(sorted({layer for r in self.every_recipe for layer in r.style_layers(self.identity.layers)}))


def _require_apart(settings: Settings) -> None:
    """Check that pastiches of one run can't be contents of the next.

    Raises:
        InputError: with `Settings.subfolders`, the store lies in the folder of contents or styles.
    """
    if not settings.subfolders or is_remote(settings.out):
        return
    out = Path(settings.out).expanduser().resolve()
    for kind, place in (("content", settings.content), ("style", settings.style)):
        if place and not is_remote(place) and out.is_relative_to(Path(place).expanduser().resolve()):
            raise InputError(
                f"the store {settings.out} lies in {place}, whose subfolders are searched for {kind}s: choose another "
                "store"
            )


def open_store(location: str) -> Store:
    """The store in a folder, or under a prefix of a bucket, to write to.

    Raises:
        InputError: it can't be written.
    """
    store = Store.open(location)
    store.require_writable()
    return store


def load_recipes(settings: Settings) -> tuple[tuple[Recipe, ...], tuple[Experiment, ...], tuple[Recipe, ...]]:
    """The recipes and the experiments that the settings name, and the recipes whose pastiches these start from.

    All are suited to the profile's encoder, at the settings' size.

    Raises:
        InputError: an unknown or faulty recipe, an unknown experiment, two recipes with one name, or recipes that can't
            start from each other's pastiches.
    """
    known: dict[str, Recipe] = {}

    encoder = choose(settings.profile, encoder=settings.encoder)["encoder"]

    def as_set(recipe: Recipe, source: str) -> Recipe:
        sized = (recipe.with_size(settings.size) if settings.size else recipe).suited_to(encoder)
        if settings.record_every is not None and sized.engine == "optimize":  # in one pass there is nothing to film
            sized = sized.model_copy(update={"record_every": settings.record_every})
        if known.setdefault(sized.name, sized) != sized:
            raise InputError(f'two different recipes are named "{sized.name}": change the name in {source}')
        return sized

    recipes = {recipe.name: recipe for source in settings.recipes for recipe in [as_set(Recipe.load(source), source)]}
    experiments = [
        Experiment.load(name, recipes).with_recipes(partial(as_set, source=f"yours: the experiment {name} has one"))
        for name in dict.fromkeys(settings.experiments)
    ]
    every = all_of(recipes.values(), experiments)
    drafts = [as_set(draft, draft.name) for recipe in every if (draft := draft_of(recipe, known))]
    return tuple(recipes.values()), tuple(experiments), all_of(drafts, ())


def all_of(
    recipes: Iterable[Recipe], experiments: Iterable[Experiment], drafts: Iterable[Recipe] = ()
) -> tuple[Recipe, ...]:
    """Recipes of the grid, those of the experiments, and those of drafts, each once."""
    every = (*recipes, *(recipe for experiment in experiments for recipe in experiment.recipes), *drafts)
    return tuple({recipe.name: recipe for recipe in every}.values())


def painted_sizes(recipe: Recipe) -> tuple[StyleSize, ...]:
    """Sizes at which a recipe looks at a style, and that of its pastiches, at which they are judged."""
    return tuple(sorted({*recipe.style_sizes, StyleSize(recipe.size)}))
