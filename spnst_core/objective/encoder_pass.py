"""One pass of the encoder over the canvases of a step, shared by all terms that read its features or its trunk."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from torch import Tensor

from spnst_core.models.roles import Encoder, TrunkHead
from spnst_core.objective import losses
from spnst_core.objective.losses import Form
from spnst_core.objective.statistics import Encoded, encode, guided_statistics, used_layers
from spnst_core.objective.view import View


@dataclass(frozen=True, eq=False)
class PassTarget:
    """What the pass gives for the content in a view.

    Attributes:
        features: features of each content layer, or None if they don't fit and are computed tile by tile in each step.
        maps: the map of each head, (1, 1, h, w).
    """

    features: Mapping[str, Tensor] | None
    maps: Mapping[TrunkHead, Tensor]


@dataclass(frozen=True, eq=False)
class EncoderPass:
    """The encoder of one stage, with the layers that its terms read.

    Attributes:
        content: the content on the stage's canvas, (1, 3, H, W).
        content_layers: layers that are compared with the content's.
        style_layers: layers whose statistics are taken.
        heads: networks on the encoder's trunk whose maps are computed.
        form: form of the content losses.
        tile: side in pixels of the largest part that the encoder may read at once, or None if the whole canvas fits.
        guide: what each place of the canvas counts in the statistics of each region, (1, R, H, W); None: the whole
            canvas is one region, in which all places count the same.
    """

    encoder: Encoder
    content: Tensor
    content_layers: Collection[str]
    style_layers: Collection[str]
    heads: Collection[TrunkHead]
    form: Form
    tile: int | None
    guide: Tensor | None = None

    def target(self, view: View) -> PassTarget:
        """What the canvases are compared with in a view."""
        seen = self.content[view.window]
        if self.tile is not None:
            read = encode(self.encoder, seen, (), self.tile, heads=self.heads).read
            return PassTarget(None, self._finished(read, seen))
        features = self.encoder.features(seen, used_layers((), self.content_layers, self.heads))
        read = {head: head.read(features) for head in self.heads}
        return PassTarget({layer: features[layer] for layer in self.content_layers}, self._finished(read, seen))

    def __call__(self, seen: Tensor, view: View, target: PassTarget) -> tuple[Encoded, Mapping[TrunkHead, Tensor]]:
        """Statistics and content losses of the windows of canvases that a view shows, (B, 3, h, w); the heads' maps."""
        guide = None if self.guide is None else self.guide[view.window]
        if target.features is None:
            assert self.tile is not None
            goal = self.content[view.window]
            found = encode(
                self.encoder,
                seen,
                self.style_layers,
                self.tile,
                self.content_layers,
                goal,
                self.form,
                self.heads,
                guide,
            )
        else:
            found = self._encoded(seen, target.features, guide)
        return found, self._finished(found.read, seen)

    def _encoded(self, seen: Tensor, goal: Mapping[str, Tensor], guide: Tensor | None) -> Encoded:
        features = self.encoder.features(seen, used_layers(self.style_layers, self.content_layers, self.heads))
        found = {layer: guided_statistics(self.encoder, layer, features[layer], guide) for layer in self.style_layers}
        return Encoded(
            {layer: gram for layer, (gram, _, _) in found.items()},
            {layer: mean for layer, (_, mean, _) in found.items()},
            {layer: losses.content_loss(features[layer], goal[layer], self.form) for layer in self.content_layers},
            {head: head.read(features) for head in self.heads},
            {layer: shares for layer, (*_, shares) in found.items() if shares is not None},
        )

    def _finished(self, read: Mapping[TrunkHead, list[Tensor]], seen: Tensor) -> dict[TrunkHead, Tensor]:
        return {head: head.finish(read[head], *seen.shape[2:]) for head in self.heads}
