"""The edge term: edges should match those of the content, as maps or as the features behind them."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from spnst_core.compute.device_index import indices
from spnst_core.compute.sums import energy
from spnst_core.imaging import io as image_io
from spnst_core.models.embedded.edges import MultiScaleEdges
from spnst_core.models.roles import TrunkHead
from spnst_core.objective import losses
from spnst_core.objective.canvas import crop, framed
from spnst_core.objective.targets import EdgeMap
from spnst_core.objective.terms.term import Canvases, LossTerm, StageContext, no_map_for_features
from spnst_core.objective.view import View

ELSEWHERE = 0.06
"""What an edge error counts far from every contour of the content, with ``edge_on: contours``."""

CLOSE = 1 / 128
"""How far from a contour, as a share of the long side, an error counts as much as on it."""


def edge_term(stage: StageContext) -> LossTerm:
    """The term that the recipe's ``edge_on`` names, and more of it where the user asks for detail.

    Raises:
        InputError: the recipe compares features, and the profile's edge detector has none.
        ValueError: the recipe compares maps, and the content's targets hold none.
    """
    term = _asked_for(stage)
    return term if stage.targets.detail is None else DetailedEdgeTerm(stage, term)


def _asked_for(stage: StageContext) -> LossTerm:
    known = stage.targets.edge
    several = known is not None and bool(known.given) and known.maps[stage.size].shape[1] > 1
    if stage.recipe.edge_on in ("analytic", "contours") or (several and stage.recipe.edge_on == "maps"):
        return AnalyticEdgeTerm(stage)  # of the detector's several maps, one that was given can't be any
    if stage.recipe.edge_on == "features":
        return EdgeFeatureTerm(stage)
    head = stage.head(stage.models.edges)
    return EdgeMapTerm(stage) if head is None else HeadEdgeTerm(stage, head)


class HeadEdgeTerm(LossTerm):
    """`losses.edge_loss` of maps from the encoder's own pass, for content and pastiche in the same view.

    Where the user gave a map of the content's edges, it takes the place of the content's own.
    """

    def __init__(self, stage: StageContext, head: TrunkHead) -> None:
        super().__init__(stage)
        self.head = head
        given = stage.targets.edge.given if stage.targets.edge else {}
        self._given = framed(given[stage.size].to(stage.content), stage.recipe.margin) if given else None

    def __call__(self, canvases: Canvases, target: None) -> Tensor:
        """The error, (B,)."""
        assert self.head is not None
        found, target_map = canvases.maps[self.head]
        if self._given is not None:
            target_map = self._given[canvases.view.window]
        return losses.edge_loss(found, target_map, self.stage.recipe.form)


class EdgeMapTerm(LossTerm):
    """The error of the edge detector's maps, calibrated by the content, compared with those among its targets.

    It reads the canvas without its margin, whatever the view. Where the user gave a map of the content's edges, that
    takes the place of a detector's single map.
    """

    def __init__(self, stage: StageContext) -> None:
        super().__init__(stage)
        known = _known_edges(stage)
        self._edges, self._calibration = stage.edges, known.calibration[stage.size]
        self._map = (known.given or known.maps)[stage.size]
        self._energy = energy(self._map)

    def __call__(self, canvases: Canvases, target: None) -> Tensor:
        """The error, (B,)."""
        picture = crop(canvases.x, self.stage.recipe.margin)
        error = self._edges.squared_error(picture, self._map, self._calibration)
        return losses.error_of_sums(error, self._energy, self._map[0].numel(), self.stage.recipe.form)


class AnalyticEdgeTerm(LossTerm):
    """The error of `MultiScaleEdges`, whichever edge detector the profile has, of the canvas without its margin.

    A pastiche has its style's contrast. So its edges are calibrated by the content in the style's colours, and compared
    with those of the content as it is: in a style of soft contrast, soft edges are whole edges.

    With ``edge_on: contours`` the error counts fully on the content's contours, as the profile's edge detector sees
    them, and less elsewhere, where strokes are free. Edges are then measured across the content's own. Where the user
    gave a map of the content's edges, these are the contours, whatever ``edge_on`` is.
    """

    def __init__(self, stage: StageContext) -> None:
        super().__init__(stage)
        edges = MultiScaleEdges()
        self._edges = edges if stage.tile is None else edges.tiled(stage.tile)
        picture, sizes = crop(stage.content, stage.recipe.margin), stage.recipe.stroke_sizes(stage.stage)
        self._map = self._edges.maps(picture)
        guide = stage.targets.guide(picture)  # a content with regions has a style's colours in each
        recoloured = [style.recoloured(picture, sizes, guide) for style in stage.styles]
        self._calibration = torch.cat([edges.calibrate(each) for each in recoloured])
        share = self._share(picture)
        self._contours = None if share is None else edges.contours(picture, share)
        self._energy = self._unit()

    def _share(self, picture: Tensor) -> Tensor | None:
        """What an error counts at each place of a picture, (1, 1, H, W); None: the same everywhere."""
        given = bool(self.stage.targets.edge and self.stage.targets.edge.given)
        on_contours = given or self.stage.recipe.edge_on == "contours"
        return _on_contours(self.stage, picture) if on_contours else None

    def _unit(self) -> Tensor:
        """What the error is divided by in the relative form, (1,)."""
        return energy(self._map if self._contours is None else self._map * self._contours.root)

    def __call__(self, canvases: Canvases, target: None) -> Tensor:
        """The error, (B,)."""
        picture, r = crop(canvases.x, self.stage.recipe.margin), self._calibration
        own = r if canvases.cells is None else r[indices(tuple(canvases.cells), r.device)]
        if self._contours is None:
            error = self._edges.squared_error(picture, self._map, own)
        else:
            error = self._edges.contour_error(picture, self._map, own, self._contours)
        return losses.error_of_sums(error, self._energy, self._map[0].numel(), self.stage.recipe.form)


class DetailTerm(AnalyticEdgeTerm):
    """The same error by the user's detail map: full at 1, none at 0, of all edges alike, fine ones too.

    Its unit is the energy of the edges of the whole content, so that as much is added for a place whatever the rest of
    the map shows.
    """

    def _share(self, picture: Tensor) -> Tensor | None:
        return self.stage.targets.detail_on(picture)

    def _unit(self) -> Tensor:
        return energy(self._map)


class DetailedEdgeTerm(LossTerm):
    """An edge term, and the recipe's ``detail`` times the `DetailTerm`."""

    def __init__(self, stage: StageContext, term: LossTerm) -> None:
        super().__init__(stage)
        self.head, self._term, self._detail = term.head, term, DetailTerm(stage)

    def target(self, view: View) -> Any:
        """That of the edge term."""
        return self._term.target(view)

    def __call__(self, canvases: Canvases, target: Any) -> Tensor:
        """The sum, (B,)."""
        return self._term(canvases, target) + self.stage.recipe.detail * self._detail(canvases, None)


def _known_edges(stage: StageContext) -> EdgeMap:
    known = stage.targets.edge
    if known is None:
        raise ValueError(f"recipe {stage.recipe.name} compares edge maps, but the content's targets hold none")
    return known


def _on_contours(stage: StageContext, picture: Tensor) -> Tensor:
    """What an edge error counts at each place, (1, 1, H, W): from `ELSEWHERE` to 1, on contours and close to them."""
    strength = image_io.resize(_known_edges(stage).strength.to(picture.device), *picture.shape[2:])
    radius = max(1, round(CLOSE * max(picture.shape[2:])))
    contours = F.max_pool2d(strength, 2 * radius + 1, stride=1, padding=radius)
    return ELSEWHERE + (1 - ELSEWHERE) * contours


class EdgeFeatureTerm(LossTerm):
    """Squared error of the edge network's features (Cheng et al., TIP 2020)."""

    def __init__(self, stage: StageContext) -> None:
        super().__init__(stage)
        if stage.targets.edge is not None and stage.targets.edge.given:
            raise no_map_for_features(stage.recipe, "edge")
        self._features = stage.features_of(stage.edges, "edge_on")

    def target(self, view: View) -> Tensor:
        """The content's features in a view, (1, C, h, w)."""
        return self._features(self.stage.content[view.window])

    def __call__(self, canvases: Canvases, target: Tensor) -> Tensor:
        """The error, (B,)."""
        features = self._features(canvases.x[canvases.view.window])
        return losses.squared_error(features, target, self.stage.recipe.form)
