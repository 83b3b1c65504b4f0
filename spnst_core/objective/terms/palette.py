"""The palette term: the colours should have the mean and the covariance of the style's."""

from torch import Tensor

from spnst_core.compute import moments
from spnst_core.compute.device_index import indices
from spnst_core.objective import losses
from spnst_core.objective.canvas import crop
from spnst_core.objective.terms.style import stacked
from spnst_core.objective.terms.term import Canvases, LossTerm, StageContext


class PaletteTerm(LossTerm):
    """`losses.palette_loss` of the canvas without its margin, the same in both forms.

    Regions count by their shares of the area, as in the style term.
    """

    def __init__(self, stage: StageContext) -> None:
        super().__init__(stage)
        self._guide = stage.targets.guide(crop(stage.content, stage.recipe.margin))
        sizes, regions = stage.recipe.stroke_sizes(stage.stage), stage.targets.painted_regions
        goal = stacked(stage.styles, sizes, "colour", regions)
        self._covariance = moments.covariance(goal.gram.flatten(0, 1), goal.mean.flatten(0, 1)).view_as(goal.gram)
        self._whitening, self._mean = losses.whitening(self._covariance), goal.mean

    def __call__(self, canvases: Canvases, target: None) -> Tensor:
        """The distance, (B,)."""
        picture, guide = crop(canvases.x, self.stage.recipe.margin), self._guide
        gram, mean = moments.moments(picture) if guide is None else moments.guided_moments(picture, guide)
        wanted = (self._own(each, canvases).flatten(0, 1) for each in (self._covariance, self._mean, self._whitening))
        found = losses.palette_loss(moments.covariance(gram, mean), mean, *wanted)
        if guide is None:
            return found
        areas = guide.sum((0, 2, 3))
        return (found.unflatten(0, (-1, len(areas))) * (areas / areas.sum())).sum(1)

    @staticmethod
    def _own(values: Tensor, canvases: Canvases) -> Tensor:
        """Those of the canvases' cells."""
        return values if canvases.cells is None else values[indices(tuple(canvases.cells), values.device)]
