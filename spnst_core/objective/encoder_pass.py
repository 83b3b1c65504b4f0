"""One pass of the encoder over the canvases of a step, shared by all terms that read its features."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from torch import Tensor

from spnst_core.compute import moments
from spnst_core.models.roles import Encoder
from spnst_core.objective import losses
from spnst_core.objective.losses import Form
from spnst_core.objective.statistics import Encoded, encode
from spnst_core.objective.view import View


@dataclass(frozen=True, eq=False)
class EncoderPass:
    """The encoder of one stage, with the layers that its terms read.

    Attributes:
        content: the content on the stage's canvas, (1, 3, H, W).
        content_layers: layers that are compared with the content's.
        style_layers: layers whose statistics are taken.
        form: form of the content losses.
        tile: side in pixels of the largest part that the encoder may read at once, or None if the whole canvas fits.
    """

    encoder: Encoder
    content: Tensor
    content_layers: Collection[str]
    style_layers: Collection[str]
    form: Form
    tile: int | None

    def target(self, view: View) -> Mapping[str, Tensor] | None:
        """The content's features in a view, or None if they don't fit and are computed tile by tile in each step."""
        return self.encoder.features(self.content[view.window], self.content_layers) if self.tile is None else None

    def __call__(self, seen: Tensor, view: View, target: Mapping[str, Tensor] | None) -> Encoded:
        """Statistics and content losses of the windows of canvases that a view shows, (B, 3, h, w)."""
        if self.tile is not None:
            goal = self.content[view.window]
            return encode(self.encoder, seen, self.style_layers, self.tile, self.content_layers, goal, self.form)
        assert target is not None
        features = self.encoder.features(seen, {*self.content_layers, *self.style_layers})
        found = {layer: moments.moments(features[layer]) for layer in self.style_layers}
        return Encoded(
            {layer: gram for layer, (gram, _) in found.items()},
            {layer: mean for layer, (_, mean) in found.items()},
            {layer: losses.content_loss(features[layer], target[layer], self.form) for layer in self.content_layers},
        )
