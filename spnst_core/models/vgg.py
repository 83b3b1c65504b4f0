"""VGG19 as an encoder: the features that neural style transfer was defined on.

Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", arXiv:1409.1556,
configuration E. Weights: torchvision's ``vgg19`` (see `spnst_core.models.layouts.vgg19_torchvision`).
"""

from collections.abc import Collection, Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from spnst_core.compute.tiling import Reach
from spnst_core.errors import InputError, closest, cut

Pooling = Literal["max", "average"]

BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))
"""Channels and number of convolutions of each block; a pooling by 2 ends the block."""

LAYERS: Mapping[str, int] = {
    name: index
    for index, name in enumerate(
        name
        for block, (_, convolutions) in enumerate(BLOCKS, 1)
        for name in (
            *(f"{kind}{block}_{k}" for k in range(1, convolutions + 1) for kind in ("conv", "relu")),
            f"pool{block}",
        )
    )
}
"""The literature's names (``conv1_1``, ``relu1_1``, …, ``pool5``) and torchvision's index of each in ``features``."""

CONTENT_LAYERS: Mapping[str, float] = {"relu4_2": 1.0}
"""Gatys et al.'s layer for content."""

STYLE_LAYERS: Mapping[str, float] = {f"relu{block}_1": 1.0 for block in range(1, 6)}
"""Gatys et al.'s layers for style, with equal weights."""


class VGG19Encoder(nn.Module):
    """Features of VGG19 for pictures of any size from 16 px, in one pass no deeper than the deepest layer asked for.

    Layers go by the literature's names (`LAYERS`) or by torchvision's (``features.22`` is ``relu4_2``). A ``conv``
    layer is the convolution's own response: in networks with in-place ReLUs it is overwritten by the ReLU after it.

    Args:
        pooling: ``max`` as trained, or ``average``, which Gatys et al. (CVPR 2016, section 2) found slightly more
            appealing; here the weights aren't rescaled for it.
        content_layers: layers for content and what each counts; by default `CONTENT_LAYERS`.
        style_layers: the same for style; by default `STYLE_LAYERS`.

    Raises:
        InputError: no such layer or pooling.
    """

    name = "vgg19"
    structure_layer = "relu3_1"
    content_layers = CONTENT_LAYERS
    style_layers = STYLE_LAYERS
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        pooling: Pooling = "max",
        content_layers: Mapping[str, float] | None = None,
        style_layers: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        self.content_layers = CONTENT_LAYERS if content_layers is None else content_layers
        self.style_layers = STYLE_LAYERS if style_layers is None else style_layers
        if pooling not in ("max", "average"):
            raise InputError(f'VGG19 has no pooling "{pooling}"{closest(pooling, ("max", "average"))}: max or average')
        self.require_layers((*self.content_layers, *self.style_layers))
        self.stack = nn.Sequential()
        channels = 3
        for width, convolutions in BLOCKS:
            for _ in range(convolutions):
                self.stack.append(nn.Conv2d(channels, width, 3, padding=1))
                self.stack.append(nn.ReLU())
                channels = width
            self.stack.append(nn.MaxPool2d(2) if pooling == "max" else nn.AvgPool2d(2))
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """`features` of the encoder's own content and style layers.

        Each convolution, ReLU and pooling is called as a module and changes nothing in place, so that forward hooks
        are given what the layers really return.
        """
        return self._responses(x, {**self.content_layers, **self.style_layers}, in_place=False)

    def features(self, x: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """The named layers' responses, by the names asked for; in less memory than `forward`.

        Shape: (N, 3, H, W) RGB in [0, 1] → (N, C, ⌊H/2ᵏ⁻¹⌋, ⌊W/2ᵏ⁻¹⌋) in block k, half of that after its pooling.

        Raises:
            InputError: no such layer, or a picture too small to reach it.
        """
        return self._responses(x, layers, in_place=True)

    def _responses(self, x: Tensor, layers: Collection[str], in_place: bool) -> dict[str, Tensor]:
        wanted = {layer_index(name) for name in layers}
        deepest = max(wanted, default=-1)
        _check_size(x, deepest)
        found: dict[int, Tensor] = {}
        h = (x - self.mean) / self.std
        for index, layer in enumerate(self.stack[: deepest + 1]):
            overwrites = in_place and isinstance(layer, nn.ReLU) and index - 1 not in wanted
            h = h.relu_() if overwrites else layer(h)
            if index in wanted:
                found[index] = h
        return {name: found[layer_index(name)] for name in layers}

    @staticmethod
    def require_layers(layers: Collection[str]) -> None:
        """Check that the encoder has these layers.

        Raises:
            InputError: no such layer.
        """
        for name in layers:
            layer_index(name)

    def smallest_side(self, layers: Collection[str]) -> int:
        """Shortest side in pixels of a picture that reaches the layers."""
        return int(2 ** _poolings(max((layer_index(name) for name in layers), default=-1)))

    def reach(self, layer: str) -> Reach:
        """Receptive field of the layer."""
        found = Reach()
        for module in self.stack[: layer_index(layer) + 1]:
            if isinstance(module, nn.Conv2d):
                found = found.then(3)
            elif not isinstance(module, nn.ReLU):
                found = found.then(2, stride=2)
        return found


def layer_index(name: str) -> int:
    """torchvision's index of a layer named as in the literature or as in torchvision.

    >>> layer_index("relu4_2"), layer_index("features.22")
    (22, 22)

    Raises:
        InputError: no such layer.
    """
    number = name.removeprefix("features.")
    if number != name and number.isdecimal() and int(number) < len(LAYERS):
        return int(number)
    if name not in LAYERS:
        raise InputError(
            f'VGG19 has no layer "{cut(name)}"{closest(name, LAYERS)}: '
            f"it has conv1_1, relu1_1, …, pool5, or features.0 to features.{len(LAYERS) - 1}"
        )
    return LAYERS[name]


def _check_size(x: Tensor, deepest: int) -> None:
    least = 2 ** _poolings(deepest)
    if min(x.shape[2:]) < least:
        last = [name for name, index in LAYERS.items() if index <= deepest][-1]
        raise InputError(
            f"a picture of {x.shape[3]}×{x.shape[2]} is too small for VGG19's layer {last}: "
            f"use one of at least {least} px on each side, or shallower layers"
        )


def _poolings(deepest: int) -> int:
    return sum(name.startswith("pool") for name, index in LAYERS.items() if index <= deepest)
