"""The objective: what one stage of a recipe minimises, for a batch of cells that share a content."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from spnst_core.compute.memory import Room
from spnst_core.models.profiles import Models
from spnst_core.objective.encoder_pass import EncoderPass, PassTarget
from spnst_core.objective.targets import ContentTargets, StyleTargets
from spnst_core.objective.terms.term import Canvases, LossTerm, StageContext
from spnst_core.objective.view import View, random_view
from spnst_core.recipes.recipe import Recipe, Stage
from spnst_core.recipes.terms import TERMS


@dataclass(frozen=True, eq=False)
class _Targets:
    """The content's targets in one view: those of the encoder pass, and those of each term by its name."""

    view: View
    shared: PassTarget
    terms: Mapping[str, Any]


class Objective:
    """A function from canvases (B, 3, H, W) and a view to every term's value (B,), and their weighted sum ``total``.

    It can also be evaluated on some of the cells alone, given their canvases and their indices in the batch.

    Args:
        goal: the content on the stage's canvas, (1, 3, H, W).
        content: its edges and depth at the stage's size, where the recipe compares maps, and its regions. Where it is
            to stay as it is, the networks see it in place of the canvas.
        styles: one for each cell.
        tile: side in pixels of the largest part that the networks may read at once, or None for the whole canvas. With
            tiles, values and gradients are the same, each takes about twice as long, and memory holds the features of
            one tile.

    Raises:
        InputError: the recipe compares features that the profile's networks don't have, or weighs a term whose package
            can't be imported.
        ValueError: the content's targets lack maps that the recipe compares.
    """

    def __init__(
        self,
        goal: Tensor,
        content: ContentTargets,
        styles: Sequence[StyleTargets],
        recipe: Recipe,
        stage: Stage,
        models: Models,
        tile: int | None = None,
    ) -> None:
        self._goal, self._content, self._recipe, self._models = goal, content, recipe, models.at_work
        self._tile = tile if tile is not None and tile < max(goal.shape[2:]) else None
        context = StageContext(goal, content, styles, recipe, stage, self._models, self._tile)
        weights = recipe.stage_weights(stage).by_term
        self._weights = {name: weights[name] for name in recipe.terms if weights.get(name)}
        self._terms: dict[str, LossTerm] = {name: TERMS[name](context) for name in self._weights}
        self._encoder = EncoderPass(
            self._models.encoder,
            goal,
            list(dict.fromkeys(layer for term in self._terms.values() for layer in term.content_layers)),
            list(dict.fromkeys(layer for term in self._terms.values() for layer in term.style_layers)),
            list(dict.fromkeys(term.head for term in self._terms.values() if term.head is not None)),
            recipe.form,
            self._tile,
            content.guide(goal, recipe.margin),
        )
        self._still = View()
        self._known: _Targets | None = None

    def view(self, generator: torch.Generator) -> View:
        """What the networks see in the next step: the whole canvas or, if the recipe has jitter, a random window of it.

        Networks with strides sample a picture on a grid. If the window never moved, the optimiser would paint
        that grid into the picture, as a weave of two to four pixels.
        """
        if not self._recipe.jitter:
            return self._still
        return random_view(self._goal, self._recipe.margin, "depth" in self._terms, generator)

    @property
    def room(self) -> Room:
        """How much memory the models take, as far as it has been measured."""
        return self._models.room

    @property
    def is_tiled(self) -> bool:
        """Whether the networks see canvases tile by tile, because a whole one doesn't fit into memory."""
        return self._tile is not None

    def prepare(self, view: View) -> None:
        """Compute the content's targets in a view, before several threads use them."""
        with self._models.autocast():
            self._targets(view)

    def __call__(self, x: Tensor, view: View, cells: Sequence[int] | None = None) -> dict[str, Tensor]:
        """Every term of the whole batch's canvases, or of those of ``cells``, and ``total``; 0 for unweighted terms.

        Networks run in the models' precision.
        """
        with self._models.autocast():
            targets, x = self._targets(view), self._content.with_kept(x, self._goal, self._recipe.margin)
            encoded, maps = self._encoder(x[view.window], view, targets.shared)
            pairs = {head: (found, targets.shared.maps[head]) for head, found in maps.items()}
            canvases = Canvases(x, view, cells, encoded, pairs)
            zero = x.new_zeros(len(x))
            values = dict.fromkeys(self._recipe.terms, zero)
            values |= {name: term(canvases, targets.terms[name]) for name, term in self._terms.items()}
            total = sum((weight * values[name] for name, weight in self._weights.items()), zero)
            return {**values, "total": total}

    @torch.no_grad()
    def _targets(self, view: View) -> _Targets:
        """The content's targets in a view, cached until the view changes; to be called under autocast."""
        if self._known is None or self._known.view is not view:
            terms = {name: term.target(view) for name, term in self._terms.items()}
            self._known = _Targets(view, self._encoder.target(view), terms)
        return self._known
