"""The edge term: edges should match those of the content, as maps or as the features behind them."""

from torch import Tensor

from spnst_core.compute.sums import energy
from spnst_core.models.embedded.edges import MultiScaleEdges
from spnst_core.models.roles import EdgeDetector, TrunkHead
from spnst_core.objective import losses
from spnst_core.objective.canvas import crop
from spnst_core.objective.terms.term import Canvases, LossTerm, StageContext
from spnst_core.objective.view import View


def edge_term(stage: StageContext) -> LossTerm:
    """The term that the recipe's ``edge_on`` names.

    Raises:
        InputError: the recipe compares features, and the profile's edge detector has none.
        ValueError: the recipe compares maps, and the content's targets hold none.
    """
    if stage.recipe.edge_on == "analytic":
        return AnalyticEdgeTerm(stage)
    if stage.recipe.edge_on == "features":
        return EdgeFeatureTerm(stage)
    head = stage.head(stage.models.edges)
    return EdgeMapTerm(stage) if head is None else HeadEdgeTerm(stage, head)


class HeadEdgeTerm(LossTerm):
    """`losses.edge_loss` of maps from the encoder's own pass, for content and pastiche in the same view."""

    def __init__(self, stage: StageContext, head: TrunkHead) -> None:
        super().__init__(stage)
        self.head = head

    def __call__(self, canvases: Canvases, target: None) -> Tensor:
        """The error, (B,)."""
        assert self.head is not None
        return losses.edge_loss(*canvases.maps[self.head], self.stage.recipe.form)


class _WholeMapTerm(LossTerm):
    """Squared error of edge maps, calibrated by the content, of the canvas without its margin, whatever the view."""

    def __init__(self, stage: StageContext, edges: EdgeDetector, target: Tensor, calibration: Tensor) -> None:
        super().__init__(stage)
        self._edges, self._map, self._calibration = edges, target, calibration
        self._energy = energy(target)

    def __call__(self, canvases: Canvases, target: None) -> Tensor:
        """The error, (B,)."""
        picture = crop(canvases.x, self.stage.recipe.margin)
        error = self._edges.squared_error(picture, self._map, self._calibration)
        return losses.error_of_sums(error, self._energy, self._map[0].numel(), self.stage.recipe.form)


class EdgeMapTerm(_WholeMapTerm):
    """The error of the edge detector's maps, compared with those among the content's targets."""

    def __init__(self, stage: StageContext) -> None:
        known = stage.targets.edge
        if known is None:
            raise ValueError(f"recipe {stage.recipe.name} compares edge maps, but the content's targets hold none")
        super().__init__(stage, stage.edges, known.maps[stage.size], known.calibration[stage.size])


class AnalyticEdgeTerm(_WholeMapTerm):
    """The error of `MultiScaleEdges`, whichever edge detector the profile has."""

    def __init__(self, stage: StageContext) -> None:
        edges = MultiScaleEdges()
        if stage.tile is not None:
            edges = edges.tiled(stage.tile)
        picture = crop(stage.content, stage.recipe.margin)
        calibration = edges.calibrate(picture)
        super().__init__(stage, edges, edges.maps(picture, calibration), calibration)


class EdgeFeatureTerm(LossTerm):
    """Squared error of the edge network's features (Cheng et al., TIP 2020)."""

    def __init__(self, stage: StageContext) -> None:
        super().__init__(stage)
        self._features = stage.features_of(stage.edges, "edge_on")

    def target(self, view: View) -> Tensor:
        """The content's features in a view, (1, C, h, w)."""
        return self._features(self.stage.content[view.window])

    def __call__(self, canvases: Canvases, target: Tensor) -> Tensor:
        """The error, (B,)."""
        features = self._features(canvases.x[canvases.view.window])
        return losses.squared_error(features, target, self.stage.recipe.form)
