"""Roles: the interfaces of encoders, edge detectors and depth networks.

All of them are `torch.nn.Module`s that are created without arguments.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

from spnst_core.compute.tiling import Reach
from spnst_core.models.trunk import Trunk

ANSWERS: Mapping[str, tuple[str, ...]] = {
    "encoder": ("structure_layer", "features", "reach"),
    "edges": ("calibrate", "maps", "squared_error", "tiled"),
    "depth": (),
}
"""Attributes and methods that a module must have for each role, beside being callable."""


@dataclass(frozen=True)
class EncoderLayers:
    """An encoder's name and its own choice of layers: the share of each in the content and in the style loss."""

    name: str
    content_layers: Mapping[str, float]
    style_layers: Mapping[str, float]


class Layered(Protocol):
    """What is known of an encoder before it is loaded: its name, its layers, and the share of each in the losses."""

    @property
    def name(self) -> str:
        """Its name in recipes that choose its layers, and in `spnst_core.models.networks.ENCODERS`."""
        ...

    @property
    def content_layers(self) -> Mapping[str, float]:
        """The share of each layer in the content loss."""
        ...

    @property
    def style_layers(self) -> Mapping[str, float]:
        """The share of each layer in the style loss."""
        ...


class Encoder(Layered, Protocol):
    """Features for content and style.

    An encoder whose features are larger than those of torchvision's VGG networks may say how much larger by an
    attribute ``feature_scale``, see `feature_scale`; one that can't read the smallest pictures may say what it needs by
    a method ``smallest_side(layers)``, see `smallest_side`; and one that is to refuse unknown layers when a recipe is
    read, and not first when it paints, may do so by a static method ``require_layers(layers)``, see `require_layers`.
    """

    @property
    def structure_layer(self) -> str:
        """The layer whose features `self_similarity_distance` takes, at least a third of the way into the network."""
        ...

    def features(self, x: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Responses (N, C, h, w) of the named layers to pictures (N, 3, H, W) in [0, 1]; differentiable."""
        ...

    def __call__(self, x: Tensor) -> Mapping[str, Tensor]:
        """`features` of the encoder's own content and style layers, by their names."""
        ...

    def reach(self, layer: str) -> Reach | None:
        """The receptive field of the layer; None if it is the whole picture."""
        ...


def feature_scale(encoder: Encoder) -> float:
    """What the encoder's features are to be divided by before weights of ``raw`` losses apply to them; usually 1."""
    return float(getattr(encoder, "feature_scale", 1.0))


def smallest_side(encoder: Encoder, layers: Collection[str]) -> int:
    """Shortest side in pixels of a picture of which the encoder can compute these layers; 1 if it doesn't say."""
    own = getattr(encoder, "smallest_side", None)
    return int(own(layers)) if own else 1


def require_layers(encoder: Layered, layers: Collection[str]) -> None:
    """Check, before the encoder is created, that it has these layers; whatever they are if it doesn't say.

    Raises:
        InputError: no such layer; the message names those that there are.
    """
    own = getattr(encoder, "require_layers", None)
    if own:
        own(layers)


class EncoderClass(Layered, Protocol):
    """A class of encoders, whose name and layers are class attributes."""

    def __call__(self, **options: Any) -> nn.Module:
        """An `Encoder`; without options, with the class's own layers."""
        ...


class EdgeDetector(Protocol):
    """Edges of pictures. `calibrate` carries the content's normalisation over to its pastiches."""

    def calibrate(self, x: Tensor) -> Tensor:
        """The scale (N, K, 1, 1) by which a picture's maps are normalised; `maps` can apply it to another picture."""
        ...

    def maps(self, x: Tensor, calibration: Tensor | None = None) -> Tensor:
        """Edge maps (N, K, H, W) in [0, 1]; differentiable."""
        ...

    def squared_error(self, x: Tensor, target: Tensor, calibration: Tensor) -> Tensor:
        """Σ (maps(x) − target)², (N,), for a target (1, K, H, W)."""
        ...

    def __call__(self, x: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [0, 1] to one map of edge probability, (N, 1, H, W) in [0, 1]."""
        ...

    def tiled(self, side: int) -> "EdgeDetector":
        """The same detector in less memory: it differentiates tiles of at most that side in pixels, one at a time."""
        ...


class DepthEstimator(Protocol):
    """Relative inverse depth of pictures."""

    def __call__(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] to (N, 1, H, W), larger = nearer, any scale."""
        ...


@runtime_checkable
class TrunkHead(Protocol):
    """An edge detector on a trunk: calling it is `read` of the trunk's responses, then `finish`.

    Where an encoder stands on the same trunk, one pass serves both.
    """

    trunk: Trunk

    @property
    def layers(self) -> Sequence[str]:
        """The trunk's layers that it reads."""
        ...

    @property
    def strides(self) -> Sequence[int]:
        """Pixels per value of each map that `read` gives."""
        ...

    def read(self, responses: Mapping[str, Tensor]) -> list[Tensor]:
        """Small maps, each value of which depends on the responses (N, C, h, w) at its own place alone."""
        ...

    def finish(self, read: Sequence[Tensor], height: int, width: int) -> Tensor:
        """The map (N, 1, height, width) of whole pictures, from what `read` gave for them."""
        ...


@runtime_checkable
class FeatureExtractor(Protocol):
    """An edge detector or depth estimator that also gives the features from which its maps are computed."""

    def features(self, x: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [0, 1] to features (N, C, h, w)."""
        ...
