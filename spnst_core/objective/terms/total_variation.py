"""The total variation term, which smooths."""

from torch import Tensor

from spnst_core.objective import losses
from spnst_core.objective.terms.term import Canvases, LossTerm


class TotalVariationTerm(LossTerm):
    """`losses.total_variation` of the whole canvas, in the relative form divided by the content's own."""

    def __call__(self, canvases: Canvases, target: None) -> Tensor:
        """The total variation, (B,)."""
        reference = self.stage.content if self.stage.recipe.form == "relative" else None
        return self.stage.on_whole_canvas(losses.total_variation, canvases.x, reference)
