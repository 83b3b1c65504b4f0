"""The objective: what one stage of a recipe minimises, for a batch of cells that share a content."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import get_args

import torch
from torch import Tensor

from spnst_core.compute import moments, sums
from spnst_core.compute.blur import soften
from spnst_core.compute.tiling import recomputed
from spnst_core.errors import InputError
from spnst_core.imaging.colour import luminance
from spnst_core.models.profiles import Models
from spnst_core.models.roles import FeatureExtractor
from spnst_core.objective import losses
from spnst_core.objective.canvas import crop
from spnst_core.objective.statistics import Encoded, encode
from spnst_core.objective.targets import ContentTargets, Statistics, StyleTargets
from spnst_core.recipes.recipe import Recipe, Stage, Term
from spnst_core.recipes.style_size import StyleSize

TERMS: tuple[str, ...] = get_args(Term)

DEPTH_NOISE = 0.02
"""Standard deviation of the noise that the depth network sees in a softened picture, where the recipe has jitter.

A small network can be satisfied by dots that no eye reads as depth; dots that must survive this can't do it.
"""

Window = tuple[slice | EllipsisType, ...]


@dataclass(frozen=True, eq=False)
class View:
    """What the networks look at in one step: a window of the canvas, and noise (1, 1, h, w) before the depth network.

    It is the same for every cell of a batch, so that a batch gives what each cell alone would.
    """

    window: Window = (...,)
    noise: Tensor | None = None

    def before_depth(self, x: Tensor) -> Tensor:
        """What the depth network sees of canvases (N, 3, H, W): the window; if there is noise, its luminance, blurred.

        A style is free to change colours, but to a network that knows photographs a patch of odd colour is an object.
        """
        seen = x[self.window]
        if self.noise is None:
            return seen
        return (soften(luminance(seen)) + DEPTH_NOISE * self.noise).expand(-1, 3, -1, -1)


@dataclass(frozen=True)
class _Goals:
    """What the content asks for in one view: the encoder's features, and edges and depth as maps or features."""

    view: View
    features: Mapping[str, Tensor] | None
    edge: Tensor | None
    depth: Tensor | None


class Objective:
    """A function from canvases (B, 3, H, W) and a view to every term's value (B,), and their weighted sum ``total``.

    It also takes some of the cells alone: their canvases, and which they are.

    Args:
        goal: the content on the stage's canvas, (1, 3, H, W).
        content: its edges and depth at the stage's size, where the recipe compares maps.
        styles: one for each cell.
        tile: side in pixels of what the networks may read at once, or None for the whole canvas. Values and gradients
            are the same, each takes about twice as long, and memory holds the features of one tile.

    Raises:
        InputError: the recipe compares features that the profile's networks don't have.
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
        models = models.at_work
        self._goal, self._recipe, self._models, self._size = goal, recipe, models, recipe.stage_size(stage)
        self._tile = tile if tile is not None and tile < max(goal.shape[2:]) else None
        self._edges = models.edges if self._tile is None else models.edges.tiled(self._tile)
        self._weights = weights = recipe.stage_weights(stage)
        self._content_layers = recipe.content_layers(models.encoder) if weights.content else {}
        self._style_layers = recipe.style_layers(models.encoder) if weights.style else {}
        self._style_goals = {layer: _stacked(styles, recipe.stroke_sizes(stage), layer) for layer in self._style_layers}
        self._edge = content.edge if weights.edge and recipe.edge_on == "maps" else None
        self._depth = content.depth if weights.depth and recipe.depth_on == "maps" else None
        self._edge_features = self._depth_features = None
        if weights.edge and recipe.edge_on == "features":
            self._edge_features = _features(self._edges, "edge_on", recipe, models)
        if weights.depth and recipe.depth_on == "features":
            self._depth_features = _features(models.depth, "depth_on", recipe, models)
        if bool(weights.edge) != bool(self._edge or self._edge_features):
            raise ValueError(f"recipe {recipe.name} compares edge maps, but the content's targets hold none")
        if bool(weights.depth) != bool(self._depth or self._depth_features):
            raise ValueError(f"recipe {recipe.name} compares depth maps, but the content's targets hold none")
        self._edge_energy = sums.energy(self._edge.maps[self._size]) if self._edge else None
        self._still = View()
        self._known: _Goals | None = None

    def view(self, generator: torch.Generator) -> View:
        """Where to look in the next step: at the whole canvas, or if the recipe has jitter, somewhere new on it.

        Networks with strides see a picture on a grid; the optimiser would paint that grid, as a weave of two to four
        pixels, if it stood still.
        """
        if not self._recipe.jitter:
            return self._still
        down, right = torch.randint(0, 2 * self._recipe.margin + 1, (2,), generator=generator).tolist()
        height, width = crop(self._goal, self._recipe.margin).shape[2:]
        window = ..., slice(down, down + height), slice(right, right + width)
        if not self._weights.depth:
            return View(window)
        shape, on_gpu = self._goal[window][:, :1].shape, self._goal.device.type == "cuda"
        noise = torch.randn(shape, generator=generator, pin_memory=on_gpu)
        return View(window, noise.to(self._goal, non_blocking=on_gpu))  # elsewhere what is on its way might be freed

    @property
    def is_tiled(self) -> bool:
        """Whether canvases are seen tile by tile, for want of memory."""
        return self._tile is not None

    def prepare(self, view: View) -> None:
        """Look at the content in a view, before several threads evaluate in it."""
        with self._models.autocast():
            self._goals(view)

    def __call__(self, x: Tensor, view: View, cells: Sequence[int] | None = None) -> dict[str, Tensor]:
        """Every term of canvases that are all of the batch, or of ``cells``; networks run in the models' precision."""
        with self._models.autocast():
            return self._terms(x, view, cells)

    def _terms(self, x: Tensor, view: View, cells: Sequence[int] | None) -> dict[str, Tensor]:
        form, goals = self._recipe.form, self._goals(view)
        encoded = self._encoded(x[view.window], goals)
        zero = x.new_zeros(len(x))
        terms = dict.fromkeys(TERMS, zero)
        for layer, share in self._content_layers.items():
            terms["content"] = terms["content"] + share * encoded.content[layer]
        for layer, share in self._style_layers.items():
            style = self._style_goals[layer].of(cells)
            own = encoded.gram[layer], encoded.mean[layer]
            loss = losses.statistics_loss(*own, style.gram, style.mean, form)
            terms["style"] = terms["style"] + share * loss
        if goals.edge is not None:
            terms["edge"] = self._edge_loss(x, goals)
        if goals.depth is not None:
            terms["depth"] = self._apart(self._depth_loss, x, view, goals.depth)
        if self._weights.tv:
            reference = self._goal if form == "relative" else None
            terms["tv"] = self._apart(losses.total_variation, x, reference)
        total = sum((getattr(self._weights, term) * terms[term] for term in TERMS), zero)
        return {**terms, "total": total}

    def _apart(self, loss: Callable[..., Tensor], *args: object) -> Tensor:
        """A loss of whole canvases; where these are large, their intermediate results aren't kept side by side."""
        return loss(*args) if self._tile is None else recomputed(loss, *args)

    def _edge_loss(self, x: Tensor, goals: _Goals) -> Tensor:
        goal, form = goals.edge, self._recipe.form
        assert goal is not None
        if self._edge_features:
            features = self._edge_features(x[goals.view.window])
            return losses.squared_error(features, goal, form)
        assert self._edge and self._edge_energy is not None
        picture = crop(x, self._recipe.margin)
        error = self._edges.squared_error(picture, goal, self._edge.calibration[self._size])
        return losses.error_of_sums(error, self._edge_energy, goal[0].numel(), form)

    def _depth_loss(self, x: Tensor, view: View, goal: Tensor) -> Tensor:
        seen = view.before_depth(x)
        if self._depth_features:
            return losses.squared_error(self._depth_features(seen), goal, self._recipe.form)
        return losses.depth_loss(self._models.depth(seen), goal, self._recipe.form)

    def _encoded(self, seen: Tensor, goals: _Goals) -> Encoded:
        encoder, content, style, form = (
            self._models.encoder,
            self._content_layers,
            self._style_layers,
            self._recipe.form,
        )
        if goals.features is None:
            assert self._tile
            return encode(encoder, seen, style, self._tile, content, self._goal[goals.view.window], form)
        features = encoder.features(seen, {*content, *style})
        found = {layer: moments.moments(features[layer]) for layer in style}
        return Encoded(
            {layer: gram for layer, (gram, _) in found.items()},
            {layer: mean for layer, (_, mean) in found.items()},
            {layer: losses.content_loss(features[layer], goals.features[layer], form) for layer in content},
        )

    @torch.no_grad()
    def _goals(self, view: View) -> _Goals:
        """Computed once for as long as the view stays; under autocast.

        A network answers differently to another window of the same picture, by more than a pastiche should differ
        from its content, and in another precision too. So pastiche and content are compared in one view and in one
        precision. Maps of edges are always those of the picture.
        """
        if self._known is None or self._known.view is not view:
            seen, edge, depth = self._goal[view.window], None, None
            if self._edge_features:
                edge = self._edge_features(seen)
            elif self._edge:
                edge = self._edge.maps[self._size]
            if self._depth_features:
                depth = self._depth_features(view.before_depth(self._goal))
            elif self._depth:
                depth = self._models.depth(view.before_depth(self._goal))
            # Tile by tile they are looked at anew in each step: those of the whole canvas are what doesn't fit.
            features = None if self._tile else self._models.encoder.features(seen, self._content_layers)
            self._known = _Goals(view, features, edge, depth)
        return self._known


@torch.no_grad()
def style_misfit(pictures: Tensor, styles: Sequence[StyleTargets], recipe: Recipe, models: Models) -> Tensor:
    """How far finished pictures (B, 3, H, W) are from their styles, (B,): the last stage's term, always relative."""
    sizes, layers = recipe.stroke_sizes(recipe.stages[-1]), recipe.style_layers(models.encoder)
    features, found = models.encoder.features(pictures, layers), pictures.new_zeros(len(pictures))
    for layer, share in layers.items():
        goal = _stacked(styles, sizes, layer)
        found = found + share * losses.style_loss(features[layer], goal.gram, goal.mean)
    return found


def _features(network: object, key: str, recipe: Recipe, models: Models) -> Callable[[Tensor], Tensor]:
    if not isinstance(network, FeatureExtractor):
        raise InputError(
            f"recipe {recipe.name} has {key}: features, but {type(network).__name__} of the profile "
            f"{models.identity.profile} has none: use {key}: maps or another profile"
        )
    return network.features


def _stacked(styles: Sequence[StyleTargets], sizes: Sequence[StyleSize], layer: str) -> Statistics:
    each = [style.averaged(sizes, layer) for style in styles]
    return Statistics(torch.cat([s.gram for s in each]), torch.cat([s.mean for s in each]))
