"""Lineage: the rules applied to what a project's store carries, which tells what is up to date.

An artefact's fingerprint is made of those that its inputs really carry, so that the same rule serves a plan of what to
make and the step that makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial, wraps
from itertools import product
from typing import Concatenate, ParamSpec

from spnst_core.errors import InputError
from spnst_core.imaging.maps import Kind
from spnst_core.imaging.region import KEEP
from spnst_core.painters import arbitrary
from spnst_core.recipes.experiments import Experiment
from spnst_core.recipes.recipe import Recipe
from spnst_pipeline.artefacts import rules
from spnst_pipeline.artefacts.fingerprints import BLOCKED, TRANSPARENT
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.index import Index
from spnst_pipeline.artefacts.rules import Artefact, Shown
from spnst_pipeline.project import Project, painted_sizes
from spnst_pipeline.storage.places import Unreachable
from spnst_pipeline.storage.sources import Source

P = ParamSpec("P")


class NotMade(InputError):
    """An artefact can't be made because one of its inputs is missing or out of date."""


def _once(rule: Callable[Concatenate[Lineage, P], Artefact]) -> Callable[Concatenate[Lineage, P], Artefact]:
    """A rule that a lineage works out once for equal arguments: rows and columns of the grid share their inputs."""

    @wraps(rule)
    def known(self: Lineage, /, *args: P.args, **kwargs: P.kwargs) -> Artefact:
        if rule not in self._known:
            self._known[rule] = cache(partial(rule, self))
        return self._known[rule](*args, **kwargs)

    return known


@dataclass
class Lineage:
    """Tells what is up to date in one project. The store is read once: make a new lineage for each pass.

    Every rule raises `NotMade` if an input is missing or out of date.

    Attributes:
        ahead: judge every artefact as if its inputs were up to date already, to tell beforehand what must be made.
        force: what is up to date is to be made again.
    """

    project: Project
    ahead: bool = False
    force: bool = False
    _known: dict[Callable[..., Artefact], Callable[..., Artefact]] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def index(self) -> Index:
        """What the store carries."""
        return Index(self.project.store)

    def is_current(self, artefact: Artefact) -> bool:
        """Whether an artefact is up to date."""
        return self.index.holds(artefact)

    def outdated(self, rule: Callable[P, Artefact], *args: P.args, **kwargs: P.kwargs) -> bool:
        """Whether an artefact should be made and can be."""
        try:
            return not self.is_current(rule(*args, **kwargs)) or self.force
        except NotMade:
            return False

    def current(self, rule: Callable[P, Artefact], *args: P.args, **kwargs: P.kwargs) -> Artefact | None:
        """The artefact if it is there and up to date."""
        try:
            artefact = rule(*args, **kwargs)
        except NotMade:
            return None
        return artefact if self.is_current(artefact) else None

    def blocked(self, artefact: Artefact) -> str:
        """Why an artefact that is up to date must not be shown; empty if it may be."""
        return self.index.carried(artefact.id).get(BLOCKED, "")

    def damage(self) -> list[str]:
        """A line for each artefact that is to be made again because of damage, of those that were asked for so far."""
        store = self.project.store
        return [
            f"{artefact} is made again, because {store.locate(path)} was damaged or replaced"
            for artefact, path in self.index.damaged.items()
        ]

    @_once
    def content_image(self, content: str) -> Artefact:
        """The decoded content."""
        return self._picture(ArtefactId("content_image", content=content), rules.content_image, self.project.contents)

    @_once
    def style_image(self, style: str) -> Artefact:
        """The decoded style."""
        return self._picture(ArtefactId("style_image", style=style), rules.style_image, self.project.styles)

    @_once
    def depth_map(self, content: str, recipe: Recipe | None = None) -> Artefact:
        """The depth of a content, at the sizes of one recipe, or of all."""
        return self._map(ArtefactId("depth_map", content=content), "depth", rules.depth_map, recipe)

    @_once
    def edge_map(self, content: str, recipe: Recipe | None = None) -> Artefact:
        """The edges of a content, at the sizes of one recipe, or of all."""
        return self._map(ArtefactId("edge_map", content=content), "edges", rules.edge_map, recipe)

    @_once
    def style_grams(self, style: str, recipe: Recipe | None = None) -> Artefact:
        """The statistics of a style, at the sizes and in the layers of one recipe, or of all."""
        project, picture = self.project, self._style_pictures(style, self._style_seen)
        sizes, layers = project.style_sizes, project.style_layers
        if recipe:
            sizes = tuple(size for size in painted_sizes(recipe) if size in sizes)
            layers = tuple(layer for layer in recipe.style_layers(project.identity.layers) if layer in layers)
        return rules.style_grams(style, sizes, layers, style_image=picture, networks=self._networks)

    @_once
    def painter(self, recipe: Recipe, style: str) -> Artefact:
        """The painter that paints a style by a recipe whose engine is feedforward."""
        return rules.painter(recipe, style, style_image=self._style_pictures(style), networks=self._networks)

    @_once
    def pastiche(self, recipe: Recipe, content: str, style: str) -> Artefact:
        """The pastiche of one cell. While a mask can't be read, the one that the store holds counts as up to date.

        The same goes for a detail map.
        """
        written = self.project.settings.written
        if recipe.engine == "feedforward":
            picture, painter = self._content_seen(content), self._require(self.painter(recipe, style))
            return rules.pastiche_by(recipe, content, style, content_image=picture, painter=painter, written=written)
        if recipe.engine == "arbitrary":
            picture, painter = self._content_seen(content), f"{arbitrary.identity()} {self._style_pictures(style)}"
            return rules.pastiche_by(recipe, content, style, content_image=picture, painter=painter, written=written)
        try:
            regions, detail = self._regions(recipe, content, style), self._detail(recipe, content)
        except Unreachable:
            wanted = ArtefactId("pastiche", recipe.name, content, style)
            return Artefact(wanted, self._carried(wanted))
        draft = self.project.draft_of(recipe)
        return rules.pastiche(
            recipe,
            content,
            style,
            content_image=self._content_seen(content),
            depth_map=self._require(self.depth_map(content, recipe)),
            edge_map=self._require(self.edge_map(content, recipe)),
            style_grams=self._require(self.style_grams(style, recipe)),
            networks=self._networks,
            regions=regions,
            draft=self._require(self.pastiche(draft, content, style)) if draft else "",
            detail=detail,
            written=written,
        )

    @_once
    def timelapse(self, recipe: Recipe, content: str, style: str) -> Artefact:
        """The film of one cell. One step makes it with its pastiche, which needn't be there yet."""
        made_of = self.pastiche(recipe, content, style).fingerprint
        return rules.timelapse(recipe, content, style, pastiche=made_of)

    @_once
    def metrics(self, recipe: Recipe, content: str, style: str) -> Artefact:
        """The scores of one cell."""
        return rules.metrics(
            recipe,
            content,
            style,
            pastiche=self._require(self.pastiche(recipe, content, style)),
            content_image=self._content_picture(content),
            style_image=self._style_picture(style),
            style_grams=self._require(self.style_grams(style, recipe)),
            networks=self._networks,
            judges=self.project.judged_by,
        )

    @_once
    def metric_table(self) -> Artefact:
        """The scores of every cell that has them."""
        return rules.metric_table(self.cells(self.metrics))

    @_once
    def comparison(self) -> Artefact:
        """The comparison of the recipes, from the metric table."""
        return rules.comparison(metric_table=self._require(self.metric_table()))

    @_once
    def content_sheet(self, content: str) -> Artefact:
        """The sheet of one row of the grid."""
        return rules.content_sheet(content, self._shown([content], self.styles()))

    @_once
    def style_sheet(self, style: str) -> Artefact:
        """The sheet of one column of the grid."""
        return rules.style_sheet(style, self._shown(self.contents(), [style]))

    @_once
    def grid_sheet(self) -> Artefact:
        """The sheet of everything made."""
        return rules.grid_sheet(self._shown(self.contents(), self.styles()))

    def experiment(self, experiment: Experiment) -> Artefact:
        """An experiment, from the cells that every recipe of it has.

        Raises:
            NotMade: there is no such cell.
        """
        scored = self.compared_cells(experiment)
        if not scored:
            raise NotMade(
                f"no cell has scores of every recipe of the experiment {experiment.name}: "
                f"launch experiment_{experiment.name}"
            )
        return rules.experiment(experiment, scored, self._shown(*covered(scored), experiment.recipes))

    @_once
    def gallery(self) -> Artefact:
        """The gallery of everything made, with films and experiments, and perhaps painters."""
        recipes, contents, styles = self.project.recipes, self.contents(), self.styles()
        self.index.look(*(ArtefactId("timelapse", recipe.name) for recipe in recipes))
        films = (
            self.current(self.timelapse, recipe, content, style)
            for recipe, content, style in product(recipes, contents, styles)
            if self.index.has(ArtefactId("timelapse", recipe.name, content, style))
        )
        experiments = (self.current(self.experiment, experiment) for experiment in self.project.experiments)
        others = [artefact for artefact in (*films, *experiments, *self.shown_painters()) if artefact]
        return rules.gallery(self._shown(contents, styles), others, comparison=self._require(self.comparison()))

    def shown_painters(self) -> list[Artefact]:
        """The painters on the gallery's page that paints, if the settings ask for one.

        Those that keep their contents' colours, which isn't a part of their networks, are left out.
        """
        if not self.project.settings.painting_page:
            return []
        recipes = [each for each in self.project.recipes if each.engine == "feedforward" and each.colour == "style"]
        found = (self.current(self.painter, recipe, style) for recipe in recipes for style in self.styles())
        return [artefact for artefact in found if artefact]

    def compared_cells(self, experiment: Experiment) -> list[Artefact]:
        """Scores of the cells that every recipe of an experiment has: means of others couldn't be compared."""
        self.look_at_cells(experiment.recipes)
        scored = [
            {cell.id.cell: cell for cell in self.cells(self.metrics, recipes=[recipe])} for recipe in experiment.recipes
        ]
        common = set.intersection(*map(set, scored))
        return [cell for cells in scored for place, cell in cells.items() if place in common]

    def look_at_pictures(self) -> None:
        """Read at once what all decoded contents and styles carry."""
        self.index.look(ArtefactId("content_image"), ArtefactId("style_image"))

    def look_at_targets(self) -> None:
        """Read at once what all decoded pictures and their targets carry."""
        self.look_at_pictures()
        self.index.look(ArtefactId("depth_map"), ArtefactId("edge_map"), ArtefactId("style_grams"))

    def look_at_cells(self, recipes: Sequence[Recipe]) -> None:
        """Read at once what all pastiches and scores of some recipes carry."""
        self.index.look(*(ArtefactId("pastiche", recipe.name) for recipe in recipes))
        self.index.look(*(ArtefactId("metrics", recipe.name) for recipe in recipes))

    def contents(self) -> list[str]:
        """Contents ready to be shown: picture and maps are up to date, whatever sizes they hold."""
        ready = (self.content_image, self._any_depth_map, self._any_edge_map)
        return [c for c in sorted(self.project.contents.pictures) if all(self.current(rule, c) for rule in ready)]

    def styles(self) -> list[str]:
        """Styles ready to be shown: picture and targets are up to date, whatever sizes they hold."""
        ready = (self.style_image, self._any_style_grams)
        return [s for s in sorted(self.project.styles.pictures) if all(self.current(rule, s) for rule in ready)]

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
        recipes = self.project.recipes if recipes is None else recipes
        return [
            artefact
            for recipe, content, style in product(recipes, contents, styles)
            if (artefact := self.current(rule, recipe, content, style))
            and not self.blocked(self.pastiche(recipe, content, style))
        ]

    def blocked_cells(
        self, contents: Sequence[str], styles: Sequence[str], recipes: Sequence[Recipe] | None = None
    ) -> list[tuple[Artefact, str]]:
        """Pastiches that are up to date and must not be shown, each with the reason."""
        cells = product(self.project.recipes if recipes is None else recipes, contents, styles)
        made = (self.current(self.pastiche, recipe, content, style) for recipe, content, style in cells)
        return [(pastiche, reason) for pastiche in made if pastiche and (reason := self.blocked(pastiche))]

    @property
    def _networks(self) -> str:
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

    def _shown(self, contents: Sequence[str], styles: Sequence[str], recipes: Sequence[Recipe] | None = None) -> Shown:
        return Shown(
            {c: (self._require(self._any_depth_map(c)), self._require(self._any_edge_map(c))) for c in contents},
            {style: self._require(self.style_image(style)) for style in styles},
            self.cells(self.pastiche, contents, styles, recipes),
            self.cells(self.metrics, contents, styles, recipes),
            self.blocked_cells(contents, styles, recipes),
        )

    def _picture(self, picture: ArtefactId, rule: Callable[[str, str], Artefact], source: Source) -> Artefact:
        """A decoded picture. While its file can't be read, the one that the store holds counts as up to date."""
        try:
            return rule(picture.partition, source.digest(picture.partition))
        except Unreachable:
            return Artefact(picture, self._carried(picture))

    def _map(self, wanted: ArtefactId, kind: Kind, rule: Callable[..., Artefact], recipe: Recipe | None) -> Artefact:
        """A map of a content. While the user's own can't be read, what the store holds counts as up to date."""
        content, sizes = wanted.partition, self._content_sizes(recipe)
        picture, own = self._content_picture(content), self.project.contents.maps.get((content, kind))
        try:
            given = own.digest() if own else None
        except Unreachable:
            return Artefact(wanted, self._carried(wanted), sizes)
        return rule(content, sizes, content_image=picture, networks=self._networks, given=given)

    def _regions(self, recipe: Recipe, content: str, style: str) -> str:
        """What the pastiche of one cell is made of beside pictures and targets: masks, paired by their regions.

        Bands of depth are in the recipe and in the depth map; what counts here is the picture that they are painted in,
        or the style's mask of their name.
        """
        masks, paired = self.project.contents.masks_of(content), self.project.styles.masks_of(style)
        paired.pop(KEEP, None)  # nothing is painted there
        there = {*masks, *recipe.bands}
        own = {name: file.digest() for name, file in self.project.contents.styles_of(content).items() if name in there}
        parts = {name: mask.digest() for name, mask in paired.items() if name in there and name not in own}
        made_of = {name: (parts.get(name, ""), *([own[name]] if name in own else [])) for name in there}
        masked = {name: (mask.digest(), *made_of[name]) for name, mask in masks.items()}
        banded = {name: ("", *made_of[name]) for name in recipe.bands if any(made_of[name]) and name not in masks}
        return rules.regions({**masked, **banded})

    def _detail(self, recipe: Recipe, content: str) -> str:
        """The digest of a content's detail map; empty if there is none, or the recipe doesn't heed it."""
        own = self.project.contents.maps.get((content, "detail"))
        return own.digest() if own and recipe.heeds_detail else ""

    def _content_picture(self, content: str) -> str:
        """The fingerprint that a decoded content carries, or will carry."""
        if self.ahead:
            return self.content_image(content).fingerprint
        return self._carried(ArtefactId("content_image", content=content))

    def _style_picture(self, style: str) -> str:
        """As `_content_picture`, for styles."""
        if self.ahead:
            return self.style_image(style).fingerprint
        return self._carried(ArtefactId("style_image", style=style))

    def _content_seen(self, content: str) -> str:
        """As `_content_picture`, where what is transparent doesn't count."""
        return self._seen(ArtefactId("content_image", content=content), self._content_picture(content))

    def _style_seen(self, style: str) -> str:
        """As `_content_seen`, for styles."""
        return self._seen(ArtefactId("style_image", style=style), self._style_picture(style))

    def _seen(self, picture: ArtefactId, fingerprint: str) -> str:
        return rules.seen(fingerprint, transparent=TRANSPARENT in self.index.carried(picture))

    def _style_pictures(self, style: str, picture: Callable[[str], str] | None = None) -> str:
        """The same of what statistics are taken from: the picture of a style, or those that a blend is made of.

        Args:
            picture: tells of one style; by default `_style_picture`.
        """
        picture, parts = picture or self._style_picture, self.project.styles.parts(style)
        return rules.blend([(picture(part.key), part.told) for part in parts]) if parts else picture(style)

    def _carried(self, picture: ArtefactId) -> str:
        fingerprint = self.index.carried(picture).get("fingerprint")
        if not fingerprint:
            raise NotMade(f"{picture.path} isn't in the store: materialise {picture} first")
        return fingerprint

    def _require(self, artefact: Artefact) -> str:
        if not self.ahead and not self.is_current(artefact):
            raise NotMade(f"{artefact.path} is missing or out of date: materialise {artefact.id} first")
        return artefact.fingerprint


def covered(cells: Sequence[Artefact]) -> tuple[list[str], list[str]]:
    """Contents and styles of which there is a cell, in the order of the cells."""
    places = [cell.id.cell for cell in cells]
    return list(dict.fromkeys(content for content, _ in places)), list(dict.fromkeys(style for _, style in places))
