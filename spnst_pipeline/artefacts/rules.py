"""Lineage: for every artefact where it lies and what fingerprint it must carry to be up to date.

Fingerprints chain: an artefact's is made of those its inputs really carry, so that the same rule serves a plan of
what to make and the step that makes it. Sizes of targets aren't part of the chain: another recipe may want more of
them, and that outdates the targets but not the pastiches made from them. Names aren't part of it either: what was
made of a picture under another name is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from itertools import product
from typing import Concatenate, ParamSpec

from spnst_core.errors import InputError
from spnst_core.recipes.experiments import Experiment
from spnst_core.recipes.recipe import Recipe
from spnst_core.recipes.style_size import StyleSize
from spnst_pipeline.artefacts import layout
from spnst_pipeline.artefacts.fingerprints import BLOCKED, HEAD, fingerprint, metadata
from spnst_pipeline.artefacts.partition_keys import partition
from spnst_pipeline.project import Project, painted_sizes

READ_AT_ONCE = 256
"""Files whose heads are held in memory together."""

EVERY = "record_every"
"""Metadata key in a film's own file: steps between its frames."""

P = ParamSpec("P")


@dataclass(frozen=True)
class Artefact:
    """An artefact as it should be.

    Attributes:
        key: where it lies.
        fingerprint: of what makes it.
        beside: files that belong to it.
        sizes: that targets must hold; they may hold more.
        layers: the same for the encoder's layers.
        every: steps between the frames of a film; 0: any film will do.
    """

    key: str
    fingerprint: str
    beside: tuple[str, ...] = ()
    sizes: tuple[int | StyleSize, ...] = ()
    layers: tuple[str, ...] = ()
    every: int = 0

    @property
    def stamp(self) -> dict[str, str]:
        """What the file must carry in its metadata."""
        held = {"sizes": " ".join(map(str, self.sizes)), "layers": " ".join(self.layers)}
        return {"fingerprint": self.fingerprint, **held, **({EVERY: str(self.every)} if self.every else {})}


class NotMade(InputError):
    """An artefact can't be made because one of its inputs is missing or out of date."""


def _kept(rule: Callable[Concatenate[Lineage, P], Artefact]) -> Callable[Concatenate[Lineage, P], Artefact]:
    """A rule that is worked out once for each place: rows and columns of the grid share their inputs."""

    @wraps(rule)
    def kept(self: Lineage, /, *place: P.args, **named: P.kwargs) -> Artefact:
        at = (rule.__name__, *[id(part) if isinstance(part, Recipe) else part for part in place])
        if at not in self._rules:
            self._rules[at] = rule(self, *place, **named)
        return self._rules[at]

    return kept


@dataclass
class Lineage:
    """The rules for one project. The store is looked at once: make a new `Lineage` for each pass.

    Attributes:
        ahead: judge every artefact as if its inputs were up to date already, to tell beforehand what must be made.
        force: what is up to date is to be made again.
    """

    project: Project
    ahead: bool = False
    force: bool = False
    _rules: dict[tuple[object, ...], Artefact] = field(default_factory=dict)
    _recipes: dict[int, tuple[Recipe, str]] = field(default_factory=dict)
    _carried: dict[str, dict[str, str]] = field(default_factory=dict)
    _current: dict[Artefact, bool] = field(default_factory=dict)
    _listed: tuple[str, ...] = ()
    _keys: set[str] = field(default_factory=set)
    _names: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def is_current(self, artefact: Artefact) -> bool:
        """Up to date: the files are there and carry the fingerprint (and targets hold the sizes and layers)."""
        if artefact not in self._current:
            self._current[artefact] = self._look(artefact)
        return self._current[artefact]

    def _look(self, artefact: Artefact) -> bool:
        carried = self._read(artefact.key)
        return (
            carried.get("fingerprint") == artefact.fingerprint
            and set(map(str, artefact.sizes)) <= set(carried.get("sizes", "").split())
            and set(artefact.layers) <= set(carried.get("layers", "").split())
            and (not artefact.every or carried.get(EVERY) == str(artefact.every))
            and all(map(self._exists, artefact.beside))
        )

    def reuse(self, wanted: Artefact) -> bool:
        """Whether an artefact needn't be made: it is up to date, or it can be copied, and then it is.

        It can be copied if the same was made of the same pictures under other names: a file was renamed, or is
        there twice.
        """
        return not self.force and (self.is_current(wanted) or self._copy(wanted))

    def _copy(self, wanted: Artefact) -> bool:
        for twin in self._twins(wanted):
            if self._look(twin):
                for source, target in zip((*twin.beside, twin.key), (*wanted.beside, wanted.key), strict=True):
                    self.project.store.copy(source, target)
                return True
        return False

    def _twins(self, wanted: Artefact) -> Iterator[Artefact]:
        """What was made of the same pictures under other names. Artefacts that show a name have none."""
        *folders, file = wanted.key.split("/")
        name, _, suffix = file.rpartition(".")
        if folders[0] in ("pastiche", "timelapse"):
            kind, recipe, content = folders
            for c, s in product(self._same("content_image", content), self._same("style_image", name)):
                yield replace(wanted, key=f"{kind}/{recipe}/{c}/{s}.{suffix}")
        elif folders[0] in ("depth_map", "edge_map", "style_grams"):
            for other in self._same("style_image" if folders[0] == "style_grams" else "content_image", name):
                beside = tuple(f"{folders[0]}/{other}.{key.rpartition('.')[2]}" for key in wanted.beside)
                yield replace(wanted, key=f"{folders[0]}/{other}.{suffix}", beside=beside)

    def _same(self, folder: str, name: str) -> list[str]:
        """Names under which the store holds the same decoded picture, this one among them."""
        if folder not in self._names:
            self.look(folder)
            names = self._names[folder] = {}
            for key in sorted(self._keys):
                if key.startswith(f"{folder}/"):
                    carried = self._read(key).get("fingerprint", "")
                    names.setdefault(carried, []).append(key[len(folder) + 1 :].rpartition(".")[0])
        return self._names[folder].get(self._read(f"{folder}/{name}.png").get("fingerprint", "-"), [])

    def look(self, *folders: str) -> None:
        """Read at once what all artefacts in some folders of the store carry: for plans, which ask for most of it."""
        store = self.project.store
        for folder in folders:
            if f"{folder}/" in self._listed:
                continue
            keys = set(store.list(folder))
            pictures = {f"{key.removesuffix('.safetensors')}.png" for key in keys if key.endswith(".safetensors")}
            if folder.startswith("metrics"):
                pictures = {key for key in keys if key.endswith(".png")}
            heads = sorted(key for key in keys - pictures if not key.endswith(".pdf"))  # a sheet in pages, beside it
            self._keys |= keys
            self._listed += (f"{folder}/",)
            for start in range(0, len(heads), READ_AT_ONCE):
                for key, data in store.read_many(heads[start : start + READ_AT_ONCE], HEAD).items():
                    self._carried[key] = metadata(key, data)

    def outdated(self, rule: Callable[P, Artefact], *place: P.args, **named: P.kwargs) -> bool:
        """Whether an artefact should be made and can be."""
        try:
            return not self.is_current(rule(*place, **named)) or self.force
        except NotMade:
            return False

    def current(self, rule: Callable[P, Artefact], *place: P.args, **named: P.kwargs) -> Artefact | None:
        """The artefact if it is there and up to date."""
        try:
            artefact = rule(*place, **named)
        except NotMade:
            return None
        return artefact if self.is_current(artefact) else None

    def blocked(self, artefact: Artefact) -> str:
        """Why an artefact that is up to date must not be shown; empty if it may be."""
        return self._read(artefact.key).get(BLOCKED, "")

    @_kept
    def content_image(self, content: str) -> Artefact:
        """From the source file's bytes."""
        source = self.project.contents.digest(content)
        return Artefact(layout.content_image(content), fingerprint("content_image", source))

    @_kept
    def style_image(self, style: str) -> Artefact:
        """From the source file's bytes."""
        return Artefact(layout.style_image(style), fingerprint("style_image", self.project.styles.digest(style)))

    @_kept
    def depth_map(self, content: str, recipe: Recipe | None = None) -> Artefact:
        """From the photograph and the networks; at the sizes of one recipe, or of all."""
        made_of = fingerprint("depth_map", self._photograph(content), self._models)
        beside = (layout.depth_picture(content),)
        return Artefact(layout.depth_map(content), made_of, beside, self._content_sizes(recipe))

    @_kept
    def edge_map(self, content: str, recipe: Recipe | None = None) -> Artefact:
        """From the photograph and the networks; at the sizes of one recipe, or of all."""
        made_of = fingerprint("edge_map", self._photograph(content), self._models)
        beside = (layout.edge_picture(content),)
        return Artefact(layout.edge_map(content), made_of, beside, self._content_sizes(recipe))

    @_kept
    def style_grams(self, style: str, recipe: Recipe | None = None) -> Artefact:
        """From the painting and the networks; at the sizes and of the layers of one recipe, or of all."""
        made_of = fingerprint("style_grams", self._painting(style), self._models)
        project = self.project
        sizes, layers = project.style_sizes, project.style_layers
        if recipe:
            sizes = tuple(size for size in painted_sizes(recipe) if size in sizes)
            layers = tuple(layer for layer in recipe.style_layers(project.identity.layers) if layer in layers)
        return Artefact(layout.style_grams(style), made_of, sizes=sizes, layers=layers)

    @_kept
    def pastiche(self, recipe: Recipe, content: str, style: str) -> Artefact:
        """From the photograph, its targets, the style's targets, the recipe and the networks."""
        made_of = fingerprint(
            "pastiche",
            self._photograph(content),
            self._require(self.depth_map(content, recipe)),
            self._require(self.edge_map(content, recipe)),
            self._require(self.style_grams(style, recipe)),
            self._recipe(recipe),
            self._models,
        )
        return Artefact(layout.pastiche(recipe.name, content, style), made_of)

    @_kept
    def timelapse(self, recipe: Recipe, content: str, style: str) -> Artefact:
        """Of the pastiche as it should be: one step makes both, so the pastiche needn't be there yet."""
        made_of = fingerprint("timelapse", self.pastiche(recipe, content, style).fingerprint)
        return Artefact(layout.timelapse(recipe.name, content, style), made_of, every=recipe.record_every)

    @_kept
    def metrics(self, recipe: Recipe, content: str, style: str) -> Artefact:
        """From the pastiche, the photograph, the painting and its targets, the networks and the judges."""
        made_of = fingerprint(
            "metrics",
            self._require(self.pastiche(recipe, content, style)),
            self._photograph(content),
            self._painting(style),
            self._require(self.style_grams(style, recipe)),
            self._models,
            self.project.judged_by,
        )
        cell = recipe.name, content, style
        return Artefact(layout.metrics(*cell), made_of, (layout.pastiche_depth(*cell), layout.pastiche_edges(*cell)))

    @_kept
    def metric_table(self) -> Artefact:
        """From the scores of every cell that has them."""
        made_of = fingerprint("metric_table", *_marks(self.cells(self.metrics)))
        return Artefact(layout.METRIC_TABLE, made_of, (layout.METRIC_TABLE_CSV,))

    @_kept
    def comparison(self) -> Artefact:
        """From the metric table."""
        made_of = fingerprint("comparison", self._require(self.metric_table()))
        return Artefact(layout.COMPARISON, made_of, (layout.COMPARISON_CSV,))

    @_kept
    def content_sheet(self, content: str) -> Artefact:
        """From the photograph, its maps, all styles and this row of the grid."""
        return _printed(layout.content_sheet(content), self._sheet([content], self.styles()))

    @_kept
    def style_sheet(self, style: str) -> Artefact:
        """From the painting, all photographs with their maps and this column of the grid."""
        return _printed(layout.style_sheet(style), self._sheet(self.contents(), [style]))

    @_kept
    def grid_sheet(self) -> Artefact:
        """From everything made."""
        return _printed(layout.GRID_SHEET, self._sheet(self.contents(), self.styles()))

    def compared_cells(self, experiment: Experiment) -> list[Artefact]:
        """Scores of the cells that every recipe of an experiment has: means of others couldn't be compared."""
        self.look(*(f"{kind}/{recipe.name}" for kind in ("pastiche", "metrics") for recipe in experiment.recipes))
        scored = [{_place(cell): cell for cell in self.cells(self.metrics, recipes=[r])} for r in experiment.recipes]
        common = set.intersection(*map(set, scored))
        return [cell for cells in scored for place, cell in cells.items() if place in common]

    def experiment(self, experiment: Experiment) -> Artefact:
        """From the scores and pictures of the cells that every recipe of it has.

        Raises:
            NotMade: there is no such cell.
        """
        scored = self.compared_cells(experiment)
        if not scored:
            raise NotMade(
                f"no cell has scores of every recipe of the experiment {experiment.name}: "
                f"launch experiment_{experiment.name}"
            )
        contents, styles = covered(scored)
        shown = self._sheet(contents, styles, experiment.recipes)
        families = repr([(name, [r.name for r in members]) for name, members in experiment.families.items()])
        made_of = fingerprint("experiment", families, *_marks(scored), shown)
        table, *beside = layout.experiment(experiment.name)
        return Artefact(table, made_of, tuple(beside))

    @_kept
    def gallery(self) -> Artefact:
        """From everything made, films and experiments among it."""
        contents, styles = self.contents(), self.styles()
        self.look(*(f"timelapse/{recipe.name}" for recipe in self.project.recipes))
        films = (
            self.current(self.timelapse, recipe, content, style)
            for recipe, content, style in product(self.project.recipes, contents, styles)
            if self._exists(layout.timelapse(recipe.name, content, style))
        )
        experiments = (self.current(self.experiment, experiment) for experiment in self.project.experiments)
        others = [artefact for artefact in (*films, *experiments) if artefact]
        shown = self._sheet(contents, styles), *_marks(others)
        made_of = fingerprint("gallery", self._require(self.comparison()), *shown)
        return Artefact(layout.GALLERY, made_of)

    def contents(self) -> list[str]:
        """Contents ready to be shown: photograph and maps are up to date, whatever sizes they hold."""
        rules = (self.content_image, self._any_depth_map, self._any_edge_map)
        return [c for c in sorted(self.project.contents.pictures) if all(self.current(rule, c) for rule in rules)]

    def styles(self) -> list[str]:
        """Styles ready to be shown: painting and targets are up to date, whatever sizes they hold."""
        rules = (self.style_image, self._any_style_grams)
        return [s for s in sorted(self.project.styles.pictures) if all(self.current(rule, s) for rule in rules)]

    def cells(
        self,
        rule: Callable[[Recipe, str, str], Artefact],
        contents: Sequence[str] | None = None,
        styles: Sequence[str] | None = None,
        recipes: Sequence[Recipe] | None = None,
    ) -> list[Artefact]:
        """Pastiches or metrics to show: up to date and not blocked, of the grid's recipes, in the order of the grid."""
        contents = self.contents() if contents is None else contents
        styles = self.styles() if styles is None else styles
        made = (
            (self.current(rule, r, c, s), self._read(layout.pastiche(r.name, c, s)))
            for r, c, s in product(self.project.recipes if recipes is None else recipes, contents, styles)
        )
        return [artefact for artefact, carried in made if artefact and BLOCKED not in carried]

    def blocked_cells(
        self, contents: Sequence[str], styles: Sequence[str], recipes: Sequence[Recipe] | None = None
    ) -> list[tuple[Artefact, str]]:
        """Pastiches that are up to date and must not be shown, each with the reason."""
        cells = product(self.project.recipes if recipes is None else recipes, contents, styles)
        made = (self.current(self.pastiche, recipe, content, style) for recipe, content, style in cells)
        return [(pastiche, reason) for pastiche in made if pastiche and (reason := self.blocked(pastiche))]

    @property
    def _models(self) -> str:
        return self.project.identity.fingerprint

    def _any_depth_map(self, content: str) -> Artefact:
        return replace(self.depth_map(content), sizes=())

    def _any_edge_map(self, content: str) -> Artefact:
        return replace(self.edge_map(content), sizes=())

    def _any_style_grams(self, style: str) -> Artefact:
        return replace(self.style_grams(style), sizes=(), layers=())

    def _content_sizes(self, recipe: Recipe | None) -> tuple[int, ...]:
        """Sizes that a recipe was given for one launch aren't prepared."""
        sizes = self.project.content_sizes
        return tuple(size for size in recipe.sizes if size in sizes) if recipe else sizes

    def _sheet(self, contents: Sequence[str], styles: Sequence[str], recipes: Sequence[Recipe] | None = None) -> str:
        shown = [
            *(f"{c} {self._require(self._any_depth_map(c))} {self._require(self._any_edge_map(c))}" for c in contents),
            *(f"{s} {self._require(self.style_image(s))}" for s in styles),
            *_marks(self.cells(self.pastiche, contents, styles, recipes)),
            *_marks(self.cells(self.metrics, contents, styles, recipes)),
            *(
                f"{pastiche.key} blocked: {reason}"
                for pastiche, reason in self.blocked_cells(contents, styles, recipes)
            ),
        ]
        return fingerprint("contact_sheet", *shown)

    def _recipe(self, recipe: Recipe) -> str:
        if id(recipe) not in self._recipes:  # the recipe is kept too, so that no other can come to have its id
            self._recipes[id(recipe)] = recipe, recipe.model_dump_json(exclude={"description", "record_every"})
        return self._recipes[id(recipe)][1]

    def _photograph(self, content: str) -> str:
        return self.content_image(content).fingerprint if self.ahead else self._carries(layout.content_image(content))

    def _painting(self, style: str) -> str:
        return self.style_image(style).fingerprint if self.ahead else self._carries(layout.style_image(style))

    def _carries(self, key: str) -> str:
        """The fingerprint that a decoded picture really carries."""
        carried = self._read(key).get("fingerprint")
        if not carried:
            raise NotMade(f"{key} isn't in the store: materialise {partition(key)} first")
        return carried

    def _require(self, artefact: Artefact) -> str:
        if not self.ahead and not self.is_current(artefact):
            raise NotMade(f"{artefact.key} is missing or out of date: materialise {partition(artefact.key)} first")
        return artefact.fingerprint

    def _exists(self, key: str) -> bool:
        return key in self._keys if key.startswith(self._listed) else self.project.store.exists(key)

    def _read(self, key: str) -> dict[str, str]:
        if key not in self._carried:
            store = self.project.store
            size = -1 if key.endswith(".parquet") else HEAD
            self._carried[key] = metadata(key, store.read(key, size)) if self._exists(key) else {}
        return self._carried[key]


def _marks(artefacts: Sequence[Artefact]) -> list[str]:
    return [f"{artefact.key} {artefact.fingerprint}" for artefact in artefacts]


def _printed(sheet: str, made_of: str) -> Artefact:
    """A contact sheet, with its pages beside it."""
    return Artefact(sheet, made_of, (layout.pages(sheet),))


def covered(cells: Sequence[Artefact]) -> tuple[list[str], list[str]]:
    """Contents and styles of which there is a cell, in the order of the cells."""
    places = list(map(_place, cells))
    return list(dict.fromkeys(c for c, _ in places)), list(dict.fromkeys(s for _, s in places))


def _place(cell: Artefact) -> tuple[str, str]:
    content, style = cell.key.rpartition(".")[0].split("/")[-2:]
    return content, style
