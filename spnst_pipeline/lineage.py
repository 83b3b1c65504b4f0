"""Lineage: for every artefact where it lies and what fingerprint it must carry to be up to date.

Fingerprints chain: an artefact's is made of those its inputs really carry, so that the same rule serves a plan of
what to make and the step that makes it. Sizes of targets aren't part of the chain: another recipe may want more of
them, and that outdates the targets but not the pastiches made from them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from spnst_core.errors import InputError
from spnst_core.recipes import Recipe
from spnst_core.style_size import StyleSize
from spnst_pipeline import layout
from spnst_pipeline.fingerprints import HEAD, fingerprint, metadata
from spnst_pipeline.resources import Project


@dataclass(frozen=True)
class Artefact:
    """An artefact as it should be: key, fingerprint, files beside it, sizes and layers that targets must hold."""

    key: str
    fingerprint: str
    beside: tuple[str, ...] = ()
    sizes: tuple[int | StyleSize, ...] = ()
    layers: tuple[str, ...] = ()

    @property
    def stamp(self) -> dict[str, str]:
        """What the file must carry in its metadata."""
        held = {"sizes": " ".join(map(str, self.sizes)), "layers": " ".join(self.layers)}
        return {"fingerprint": self.fingerprint, **held}


class NotMade(InputError):
    """An artefact can't be made because one of its inputs is missing or out of date."""


@dataclass
class Lineage:
    """The rules for one project. The store is looked at once: make a new `Lineage` for each pass."""

    project: Project
    _carried: dict[str, dict[str, str]] = field(default_factory=dict)
    _current: dict[Artefact, bool] = field(default_factory=dict)

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
            and all(map(self.project.store.exists, artefact.beside))
        )

    def outdated(self, rule: Callable[..., Artefact], *place: object) -> bool:
        """Whether an artefact should be made and can be."""
        try:
            return not self.is_current(rule(*place))
        except NotMade:
            return False

    def current(self, rule: Callable[..., Artefact], *place: object) -> Artefact | None:
        """The artefact if it is there and up to date."""
        try:
            artefact = rule(*place)
        except NotMade:
            return None
        return artefact if self.is_current(artefact) else None

    def content_image(self, content: str) -> Artefact:
        """From the source file's bytes."""
        source = self.project.contents.digest(content)
        return Artefact(layout.content_image(content), fingerprint("content_image", source))

    def style_image(self, style: str) -> Artefact:
        """From the source file's bytes."""
        return Artefact(layout.style_image(style), fingerprint("style_image", self.project.styles.digest(style)))

    def depth_map(self, content: str) -> Artefact:
        """From the photograph and the networks."""
        made_of = fingerprint("depth_map", self._image(layout.content_image(content)), self._models)
        beside = (layout.depth_picture(content),)
        return Artefact(layout.depth_map(content), made_of, beside, self.project.content_sizes)

    def edge_map(self, content: str) -> Artefact:
        """From the photograph and the networks."""
        made_of = fingerprint("edge_map", self._image(layout.content_image(content)), self._models)
        beside = (layout.edge_picture(content),)
        return Artefact(layout.edge_map(content), made_of, beside, self.project.content_sizes)

    def style_grams(self, style: str) -> Artefact:
        """From the painting and the networks."""
        made_of = fingerprint("style_grams", self._image(layout.style_image(style)), self._models)
        sizes, layers = self.project.style_sizes, self.project.style_layers
        return Artefact(layout.style_grams(style), made_of, sizes=sizes, layers=layers)

    def pastiche(self, recipe: Recipe, content: str, style: str) -> Artefact:
        """From the photograph, its targets, the style's targets, the recipe and the networks."""
        made_of = fingerprint(
            "pastiche",
            self._image(layout.content_image(content)),
            self._require(self.depth_map(content)),
            self._require(self.edge_map(content)),
            self._require(self.style_grams(style)),
            recipe.model_dump_json(exclude={"description"}),
            self._models,
        )
        return Artefact(layout.pastiche(recipe.name, content, style), made_of)

    def metrics(self, recipe: Recipe, content: str, style: str) -> Artefact:
        """From the pastiche, the photograph, the style's targets and the networks."""
        made_of = fingerprint(
            "metrics",
            self._require(self.pastiche(recipe, content, style)),
            self._image(layout.content_image(content)),
            self._require(self.style_grams(style)),
            self._models,
        )
        return Artefact(layout.metrics(recipe.name, content, style), made_of)

    def metric_table(self) -> Artefact:
        """From the scores of every cell that has them."""
        made_of = fingerprint("metric_table", *_marks(self.cells(self.metrics)))
        return Artefact(layout.METRIC_TABLE, made_of, (layout.METRIC_TABLE_CSV,))

    def content_sheet(self, content: str) -> Artefact:
        """From the photograph, its maps, all styles and this row of the grid."""
        return Artefact(layout.content_sheet(content), self._sheet([content], self.styles()))

    def style_sheet(self, style: str) -> Artefact:
        """From the painting, all photographs with their maps and this column of the grid."""
        return Artefact(layout.style_sheet(style), self._sheet(self.contents(), [style]))

    def grid_sheet(self) -> Artefact:
        """From everything made."""
        return Artefact(layout.GRID_SHEET, self._sheet(self.contents(), self.styles()))

    def gallery(self) -> Artefact:
        """From everything made."""
        shown = self._sheet(self.contents(), self.styles())
        made_of = fingerprint("gallery", self._require(self.metric_table()), shown)
        return Artefact(layout.GALLERY, made_of)

    def contents(self) -> list[str]:
        """Contents ready to be shown: photograph and maps are up to date."""
        rules = (self.content_image, self.depth_map, self.edge_map)
        return [c for c in sorted(self.project.contents.pictures) if all(self.current(rule, c) for rule in rules)]

    def styles(self) -> list[str]:
        """Styles ready to be shown: painting and targets are up to date."""
        rules = (self.style_image, self.style_grams)
        return [s for s in sorted(self.project.styles.pictures) if all(self.current(rule, s) for rule in rules)]

    def cells(
        self,
        rule: Callable[[Recipe, str, str], Artefact],
        contents: Sequence[str] | None = None,
        styles: Sequence[str] | None = None,
    ) -> list[Artefact]:
        """Pastiches or metrics that are up to date, of all recipes, in the order of the grid."""
        contents = self.contents() if contents is None else contents
        styles = self.styles() if styles is None else styles
        made = (self.current(rule, r, c, s) for r in self.project.recipes for c in contents for s in styles)
        return [artefact for artefact in made if artefact]

    @property
    def _models(self) -> str:
        return self.project.models.fingerprint

    def _sheet(self, contents: Sequence[str], styles: Sequence[str]) -> str:
        shown = [
            *(f"{c} {self._require(self.depth_map(c))} {self._require(self.edge_map(c))}" for c in contents),
            *(f"{s} {self._require(self.style_image(s))}" for s in styles),
            *_marks(self.cells(self.pastiche, contents, styles)),
            *_marks(self.cells(self.metrics, contents, styles)),
        ]
        return fingerprint("contact_sheet", *shown)

    def _image(self, key: str) -> str:
        """The fingerprint that a decoded picture carries."""
        carried = self._read(key).get("fingerprint")
        if not carried:
            raise NotMade(f"{key} isn't in the store: materialise {_asset(key)} first")
        return carried

    def _require(self, artefact: Artefact) -> str:
        if not self.is_current(artefact):
            raise NotMade(f"{artefact.key} is missing or out of date: materialise {_asset(artefact.key)} first")
        return artefact.fingerprint

    def _read(self, key: str) -> dict[str, str]:
        if key not in self._carried:
            store = self.project.store
            size = -1 if key.endswith(".parquet") else HEAD
            self._carried[key] = metadata(key, store.read(key, size)) if store.exists(key) else {}
        return self._carried[key]


def _marks(artefacts: Sequence[Artefact]) -> list[str]:
    return [f"{artefact.key} {artefact.fingerprint}" for artefact in artefacts]


def _asset(key: str) -> str:
    """``depth_map/cat.png`` → ``depth_map[cat]``; ``pastiche/gatys/cat/wave.png`` → ``pastiche/gatys[cat|wave]``."""
    *folder, name = key.rsplit(".", 1)[0].split("/")
    if len(folder) == 3:
        return f"{folder[0]}/{folder[1]}[{folder[2]}|{name}]"
    return f"{'/'.join(folder)}[{name}]"
