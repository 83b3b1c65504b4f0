"""Rules: what fingerprint an artefact must carry to be up to date, as pure functions of what it is made of.

Fingerprints chain: an artefact's is made of its inputs' fingerprints. Sizes and layers of targets aren't part of the
chain: another recipe may want more of them, and that outdates the targets but not the pastiches made from them. Names
aren't part of it either, except where an artefact shows them, so that what was made of a picture under another name
can be copied.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from spnst_core.recipes.experiments import Experiment
from spnst_core.recipes.recipe import Recipe
from spnst_core.recipes.style_size import StyleSize
from spnst_core.recipes.terms import TERMS
from spnst_pipeline.artefacts.fingerprints import fingerprint
from spnst_pipeline.artefacts.identity import ArtefactId

EVERY = "record_every"
"""Metadata key in a film's own file: steps between its frames."""


@dataclass(frozen=True)
class Artefact:
    """An artefact as it should be.

    Attributes:
        id: what it is.
        fingerprint: of what makes it.
        sizes: that targets must hold; they may hold more.
        layers: the same for the encoder's layers.
        every: steps between the frames of a film; 0: any film will do.
    """

    id: ArtefactId
    fingerprint: str
    sizes: tuple[int | StyleSize, ...] = ()
    layers: tuple[str, ...] = ()
    every: int = 0

    @property
    def path(self) -> str:
        """Where its own file lies in the store."""
        return self.id.path

    @property
    def beside(self) -> Mapping[str, str]:
        """Where the other files lie that belong to it, by what they are."""
        return self.id.beside

    @property
    def stamp(self) -> dict[str, str]:
        """What its own file must carry in its metadata."""
        held = {"sizes": " ".join(map(str, self.sizes)), "layers": " ".join(self.layers)}
        return {"fingerprint": self.fingerprint, **held, **({EVERY: str(self.every)} if self.every else {})}


def content_image(content: str, digest: str) -> Artefact:
    """A decoded content, from the SHA-256 of its source file."""
    return Artefact(ArtefactId("content_image", content=content), fingerprint("content_image", digest))


def style_image(style: str, digest: str) -> Artefact:
    """A decoded style, from the SHA-256 of its source file."""
    return Artefact(ArtefactId("style_image", style=style), fingerprint("style_image", digest))


def depth_map(
    content: str, sizes: tuple[int, ...], *, content_image: str, networks: str, given: str | None = None
) -> Artefact:
    """A content's depth at some sizes; ``given`` is the SHA-256 of the user's own map, if there is one."""
    made_of = fingerprint("depth_map", content_image, networks, *([given] if given else []))
    return Artefact(ArtefactId("depth_map", content=content), made_of, sizes)


def edge_map(
    content: str, sizes: tuple[int, ...], *, content_image: str, networks: str, given: str | None = None
) -> Artefact:
    """A content's edges at some sizes; ``given`` is the SHA-256 of the user's own map, if there is one."""
    made_of = fingerprint("edge_map", content_image, networks, *([given] if given else []))
    return Artefact(ArtefactId("edge_map", content=content), made_of, sizes)


def style_grams(
    style: str, sizes: tuple[StyleSize, ...], layers: tuple[str, ...], *, style_image: str, networks: str
) -> Artefact:
    """A style's feature statistics at some sizes, in some layers of the encoder."""
    made_of = fingerprint("style_grams", style_image, networks)
    return Artefact(ArtefactId("style_grams", style=style), made_of, sizes, layers)


def seen(picture: str, *, transparent: bool) -> str:
    """A decoded picture, from its fingerprint, for what heeds its opacity.

    In stores from before there was any, transparent pictures lie on white, under the same fingerprints.
    """
    return f"{picture} transparent" if transparent else picture


def blend(parts: Sequence[tuple[str, float | tuple[float, ...]]]) -> str:
    """In place of a style's decoded picture: those of a blend's styles, each with its share, or that in each stage."""
    return " + ".join(sorted(f"{share!r} {style_image}" for style_image, share in parts))


def regions(masks: Mapping[str, tuple[str, ...]]) -> str:
    """The regions of a content, by name: SHA-256 of its mask, and of the style's mask of the same name or nothing.

    A region in a style of its own has that picture's SHA-256 as well. Those by depth have no mask of the content.
    """
    if not masks:
        return ""
    # Pastiches in parts of a style have a version of their own: when it rises, no others are painted again.
    version = "2 " if any(part for _, part, *_ in masks.values()) else ""
    return version + json.dumps(sorted(masks.items()))


def pastiche(
    recipe: Recipe,
    content: str,
    style: str,
    *,
    content_image: str,
    depth_map: str,
    edge_map: str,
    style_grams: str,
    networks: str,
    regions: str = "",
    draft: str = "",
    detail: str = "",
    written: str = "",
) -> Artefact:
    """A pastiche, from the content with its targets, the style's targets, the recipe and the networks.

    ``regions`` is what `regions` gives; a content without masks has none. ``draft`` is the fingerprint of another
    recipe's pastiche that it starts from; most start from none. ``detail`` is the SHA-256 of the user's detail map, if
    there is one that the recipe heeds. ``written`` says how its file differs from 8-bit sRGB, if it does.
    A loss term that another package adds counts with that package's version.
    """
    ingredients = content_image, depth_map, edge_map, style_grams, _written(recipe), networks
    named = {"draft": draft, "detail": detail, "written": written}
    more = [*([regions] if regions else []), *(f"{name} {what}" for name, what in named.items() if what)]
    made_of = fingerprint("pastiche", *ingredients, *more)
    return Artefact(ArtefactId("pastiche", recipe.name, content, style), made_of)


def painter(recipe: Recipe, style: str, *, style_image: str, networks: str) -> Artefact:
    """A painter, from the style, the recipe at the size that it is trained at, and the networks of its losses.

    The contents that it happens to be trained on don't count: new ones don't outdate it.
    """
    trained = recipe.model_copy(update={"size": recipe.training_size})
    made_of = fingerprint("painter", style_image, _written(trained), networks)
    return Artefact(ArtefactId("painter", recipe.name, style=style), made_of)


def pastiche_by(
    recipe: Recipe, content: str, style: str, *, content_image: str, painter: str, written: str = ""
) -> Artefact:
    """A pastiche that is painted in one pass.

    Args:
        painter: fingerprint of the style's painter; or that of a network that paints any style, with the style's.
        written: as for `pastiche`.
    """
    more = [f"written {written}"] if written else []
    made_of = fingerprint("pastiche", content_image, painter, _written(recipe), *more)
    return Artefact(ArtefactId("pastiche", recipe.name, content, style), made_of)


def timelapse(recipe: Recipe, content: str, style: str, *, pastiche: str) -> Artefact:
    """A film of a pastiche's making."""
    made_of = fingerprint("timelapse", pastiche)
    return Artefact(ArtefactId("timelapse", recipe.name, content, style), made_of, every=recipe.record_every)


def metrics(
    recipe: Recipe,
    content: str,
    style: str,
    *,
    pastiche: str,
    content_image: str,
    style_image: str,
    style_grams: str,
    networks: str,
    judges: str,
) -> Artefact:
    """The scores of a pastiche, from it, the two pictures, the style's targets, the networks and the judges."""
    made_of = fingerprint("metrics", pastiche, content_image, style_image, style_grams, networks, judges)
    return Artefact(ArtefactId("metrics", recipe.name, content, style), made_of)


def metric_table(scores: Sequence[Artefact]) -> Artefact:
    """The table of some cells' scores."""
    return Artefact(ArtefactId("metric_table"), fingerprint("metric_table", *_marks(scores)))


def comparison(*, metric_table: str) -> Artefact:
    """The comparison of the recipes."""
    return Artefact(ArtefactId("comparison"), fingerprint("comparison", metric_table))


@dataclass(frozen=True)
class Shown:
    """What contact sheets, experiments and the gallery show of a part of the grid.

    Attributes:
        contents: fingerprints of depth and edges, by content.
        styles: fingerprints of the decoded pictures, by style.
        pastiches: that may be shown.
        scores: of these.
        blocked: pastiches that must not be shown, each with the reason.
    """

    contents: Mapping[str, tuple[str, str]]
    styles: Mapping[str, str]
    pastiches: Sequence[Artefact]
    scores: Sequence[Artefact]
    blocked: Sequence[tuple[Artefact, str]]

    @property
    def fingerprint(self) -> str:
        """Of all of it."""
        return fingerprint(
            "contact_sheet",
            *(f"{content} {depth} {edges}" for content, (depth, edges) in self.contents.items()),
            *(f"{style} {picture}" for style, picture in self.styles.items()),
            *_marks(self.pastiches),
            *_marks(self.scores),
            *(f"{pastiche.path} blocked: {reason}" for pastiche, reason in self.blocked),
        )


def content_sheet(content: str, shown: Shown) -> Artefact:
    """The sheet of one content: one row of the grid."""
    return Artefact(ArtefactId("contact_sheet/content", content=content), shown.fingerprint)


def style_sheet(style: str, shown: Shown) -> Artefact:
    """The sheet of one style: one column of the grid."""
    return Artefact(ArtefactId("contact_sheet/style", style=style), shown.fingerprint)


def grid_sheet(shown: Shown) -> Artefact:
    """The sheet of the whole grid."""
    return Artefact(ArtefactId("contact_sheet/grid"), shown.fingerprint)


def experiment(experiment: Experiment, scores: Sequence[Artefact], shown: Shown) -> Artefact:
    """An experiment, from its families of recipes, and the scores and pictures of the cells that all of them have."""
    families = repr([(name, [r.name for r in members]) for name, members in experiment.families.items()])
    made_of = fingerprint("experiment", families, *_marks(scores), shown.fingerprint)
    return Artefact(ArtefactId("experiment", experiment=experiment.name), made_of)


def gallery(shown: Shown, others: Sequence[Artefact], *, comparison: str) -> Artefact:
    """The gallery, from the grid, the films and experiments beside it, and the comparison."""
    return Artefact(ArtefactId("gallery"), fingerprint("gallery", comparison, shown.fingerprint, *_marks(others)))


def _written(recipe: Recipe) -> str:
    """Everything of a recipe that changes its pastiches."""
    return _with_versions(recipe, tuple(sys.path))


@lru_cache(maxsize=256)
def _with_versions(recipe: Recipe, path: tuple[str, ...]) -> str:
    """A recipe's text, followed by one line for each loss term of another package, with that package's version.

    Terms are looked up among the packages on ``path``, which is ``sys.path``. Terms without a weight in any stage are
    left out, as they aren't computed; with built-in terms alone, only the text remains. The way in which a content's
    colours are given to a pastiche has a version of its own: when it rises, no others are painted again.
    """
    text = recipe.model_dump_json(exclude={"description", "record_every", "for_encoder"})
    weighed = {
        name for stage in recipe.stages for name, weight in recipe.stage_weights(stage).by_term.items() if weight
    }
    origins = [f"{name} {origin}" for name in sorted(weighed) if (origin := TERMS.origin(name))]
    colours = ["colours 2"] if recipe.colour == "content" else []
    return "\n".join([text, *colours, *origins])


def _marks(artefacts: Sequence[Artefact]) -> list[str]:
    return [f"{artefact.path} {artefact.fingerprint}" for artefact in artefacts]
