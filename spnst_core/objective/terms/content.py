"""The content term: the encoder's features should match those of the content (Gatys et al., CVPR 2016)."""

from torch import Tensor

from spnst_core.models.roles import feature_scale
from spnst_core.objective.terms.term import Canvases, LossTerm, StageContext


class ContentTerm(LossTerm):
    """The sum over layers of `losses.content_loss`, each times its share."""

    def __init__(self, stage: StageContext) -> None:
        super().__init__(stage)
        raw = stage.recipe.form == "raw"
        unit = feature_scale(stage.models.encoder) ** 2 if raw else 1.0
        self.content_layers = stage.recipe.content_layers(stage.models.encoder)
        self._shares = {layer: share / unit for layer, share in self.content_layers.items()}

    def __call__(self, canvases: Canvases, target: None) -> Tensor:
        """The sum, (B,)."""
        zero = canvases.x.new_zeros(len(canvases.x))
        return sum((share * canvases.encoded.content[layer] for layer, share in self._shares.items()), zero)
