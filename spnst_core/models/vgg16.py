"""VGG16 as an encoder: a view of a trunk, by the literature's names of its layers.

Two published trunks: `VGG16Encoder` reads that of `spnst_core.models.hed.hed_vgg16`, which was trained on from
ImageNet's VGG16 to detect edges, and `TorchvisionVGG16Encoder` torchvision's.
"""

from collections.abc import Collection, Mapping

from torch import Tensor, nn

from spnst_core.compute.tiling import Reach
from spnst_core.models.trunk import CaffeInput, ImageNetInput, Trunk, place, reach, smallest_side

CONTENT_LAYERS: Mapping[str, float] = {"relu4_2": 1.0}
"""The layer for content."""

STYLE_LAYERS: Mapping[str, float] = {f"relu{block}_1": 1.0 for block in range(1, 6)}
"""The layers for style, with equal weights."""


class VGG16Encoder(nn.Module):
    """Features of the trunk of HED, in the weights of `spnst_core.models.hed.hed_vgg16`.

    The network reads BGR in 0 … 255 minus a mean. That input is some 57 (= 255 · 0.225) times as large as torchvision's
    normalised one, and so, nearly, are the features: a network of convolutions and rectifications passes a factor on,
    except for its offsets. ``raw`` losses divide by it, see `spnst_core.models.roles.feature_scale`, so that a weight
    found on torchvision's scale means the same here.

    Args:
        content_layers: layers for content and their shares in the loss; by default `CONTENT_LAYERS`.
        style_layers: the same for style; by default `STYLE_LAYERS`.
        trunk: a trunk to share; without it a new one.

    Raises:
        InputError: no such layer.
    """

    name = "vgg16"
    structure_layer = "relu3_1"
    feature_scale = 255 * 0.225
    content_layers = CONTENT_LAYERS
    style_layers = STYLE_LAYERS

    def __init__(
        self,
        content_layers: Mapping[str, float] | None = None,
        style_layers: Mapping[str, float] | None = None,
        trunk: Trunk | None = None,
    ) -> None:
        super().__init__()
        self.content_layers = CONTENT_LAYERS if content_layers is None else content_layers
        self.style_layers = STYLE_LAYERS if style_layers is None else style_layers
        self.require_layers((*self.content_layers, *self.style_layers))
        self.trunk = self.new_trunk() if trunk is None else trunk

    @staticmethod
    def new_trunk() -> Trunk:
        """A trunk with random weights, on the input that the published weights were trained on."""
        return Trunk(CaffeInput(), round_up=True)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """`features` of the encoder's own content and style layers; forward hooks are given what layers return."""
        found: dict[str, Tensor] = self.trunk(x, {**self.content_layers, **self.style_layers})
        return found

    def features(self, x: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """The named layers' responses, by the names asked for; in less memory than `forward`.

        Shape: (N, 3, H, W) RGB in [0, 1] → (N, C, h, w), see `Trunk`.

        Raises:
            InputError: no such layer, or a picture too small to reach it.
        """
        return self.trunk.responses(self.trunk.scale(x), layers)

    @staticmethod
    def require_layers(layers: Collection[str]) -> None:
        """Check that the encoder has these layers.

        Raises:
            InputError: no such layer.
        """
        for name in layers:
            place(name)

    def reach(self, layer: str) -> Reach:
        """Receptive field of the layer."""
        return reach(layer)

    def smallest_side(self, layers: Collection[str]) -> int:
        """Shortest side in pixels of a picture that reaches the layers."""
        return smallest_side(layers)


class TorchvisionVGG16Encoder(VGG16Encoder):
    """Features of torchvision's VGG16, which reads RGB normalised by ImageNet's mean and standard deviation.

    Args:
        content_layers, style_layers, trunk: as for `VGG16Encoder`.

    Raises:
        InputError: no such layer.
    """

    name = "vgg16_torchvision"
    feature_scale = 1.0

    @staticmethod
    def new_trunk() -> Trunk:
        """A trunk with random weights, on torchvision's input."""
        return Trunk(ImageNetInput())
