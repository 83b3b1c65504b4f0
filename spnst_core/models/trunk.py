"""Trunk: the thirteen convolutions of VGG16, whose responses an encoder, HED's side outputs and others can share.

Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", arXiv:1409.1556,
configuration D, without its last pooling and its classifier.
"""

from collections.abc import Collection, Iterable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spnst_core.compute.tiling import Reach
from spnst_core.errors import InputError, closest, cut

BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Channels and number of convolutions of each block; blocks are separated by a max pooling of stride 2."""

STRIDES = tuple(2**block for block in range(len(BLOCKS)))
"""Pixels per response of each block."""

LAYERS: Mapping[str, tuple[int, int]] = {
    f"relu{block + 1}_{k + 1}": (block, k) for block, (_, count) in enumerate(BLOCKS) for k in range(count)
}
"""The literature's names (``relu1_1``, …, ``relu5_3``), with block and position in it, both from 0."""

LAST: tuple[str, ...] = tuple(f"relu{block}_{count}" for block, (_, count) in enumerate(BLOCKS, 1))
"""The last layer of each block."""

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BGR_MEAN = (104.00698793, 116.66876762, 122.67891434)
"""The mean of the pictures that Caffe's VGG16 was trained on, 8-bit blue, green, red."""


class ImageNetInput(nn.Module):
    """torchvision's input: RGB in [0, 1], minus the mean of ImageNet and over its standard deviation."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), RGB in [0, 1] → standard deviations from the mean, RGB."""
        return (x - self.mean) / self.std


class CaffeInput(nn.Module):
    """Caffe's input: blue, green, red in 0 … 255 minus `BGR_MEAN`.

    It is some 57 (= 255 · 0.225) times as large as `ImageNetInput`, and so, nearly, are the features of a trunk that
    was trained on it.

    Args:
        margin: pixels of zeros around the picture.
    """

    mean: Tensor

    def __init__(self, margin: int = 0) -> None:
        super().__init__()
        self.margin = margin
        self.register_buffer("mean", torch.tensor(BGR_MEAN).view(1, 3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), RGB in [0, 1] → BGR·255 minus the mean, (N, 3, H + 2·margin, W + 2·margin)."""
        h = 255 * x.flip(1) - self.mean
        return F.pad(h, (self.margin,) * 4) if self.margin else h

    def extra_repr(self) -> str:
        """What its parameters don't show."""
        return f"margin={self.margin}"


class Trunk(nn.Module):
    """The convolutions of VGG16, in one pass no deeper than the deepest layer asked for.

    Args:
        scale: maps pictures (N, 3, H, W), RGB in [0, 1], to the input that the weights were trained on.
        round_up: whether poolings keep an odd last row and column, as Caffe's and TensorFlow's "same" ones do. A side
            of s pixels then has ⌈s/2ᵏ⁻¹⌉ responses in block k, otherwise ⌊s/2ᵏ⁻¹⌋.
    """

    def __init__(self, scale: nn.Module, round_up: bool = False) -> None:
        super().__init__()
        self.scale = scale
        self.round_up = round_up
        self.blocks = nn.ModuleList()
        channels = 3
        for width, convolutions in BLOCKS:
            block = nn.ModuleList()
            for _ in range(convolutions):
                block.append(nn.Conv2d(channels, width, 3, padding=1))
                channels = width
            self.blocks.append(block)

    def extra_repr(self) -> str:
        """What its parameters don't show."""
        return f"round_up={self.round_up}"

    def equals(self, other: "Trunk") -> bool:
        """Whether the other trunk has the same weights, reads the same input and pools in the same way."""
        if repr(self) != repr(other):
            return False
        own, others = (dict([*trunk.named_parameters(), *trunk.named_buffers()]) for trunk in (self, other))
        return own.keys() == others.keys() and all(torch.equal(value, others[key]) for key, value in own.items())

    def forward(self, x: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """The named layers' responses to pictures (N, 3, H, W), RGB in [0, 1]; see `responses`.

        Nothing is changed in place, so that forward hooks are given what the convolutions really return.
        """
        return self.responses(self.scale(x), layers, in_place=False)

    def responses(self, h: Tensor, layers: Collection[str], in_place: bool = True) -> dict[str, Tensor]:
        """The named layers' responses to the scaled input, by their names; differentiable.

        Raises:
            InputError: no such layer, or an input too small to reach it.
        """
        places = {place(name): name for name in layers}
        deepest = max(places, default=(-1, -1))
        _check_size(h, list(layers))
        found = {}
        for block, convolutions in enumerate(self.blocks):
            if block > deepest[0]:
                break
            if block > 0:
                h = F.max_pool2d(h, 2, ceil_mode=self.round_up)
            assert isinstance(convolutions, nn.ModuleList)
            for k, convolution in enumerate(convolutions):
                if (block, k) > deepest:
                    break
                h = convolution(h)
                h = h.relu_() if in_place else h.relu()
                if (block, k) in places:
                    found[places[block, k]] = h
        return {name: found[name] for name in layers}


def unite(networks: Iterable[object]) -> None:
    """Let networks whose attributes ``trunk`` are equal share one, so that one pass can serve them all."""
    trunks: list[Trunk] = []
    for network in networks:
        if isinstance(own := getattr(network, "trunk", None), Trunk):
            found = next((trunk for trunk in trunks if trunk.equals(own)), own)
            if found is own:
                trunks.append(own)
            else:
                network.trunk = found  # type: ignore[attr-defined]


def place(layer: str) -> tuple[int, int]:
    """A layer's block and its position in the block, both from 0.

    >>> place("relu4_2")
    (3, 1)

    Raises:
        InputError: no such layer.
    """
    if layer not in LAYERS:
        raise InputError(
            f'VGG16 has no layer "{cut(layer)}"{closest(layer, LAYERS)}: it has relu1_1, relu1_2, …, relu5_3'
        )
    return LAYERS[layer]


def reach(layer: str) -> Reach:
    """Receptive field of a layer.

    Raises:
        InputError: no such layer.
    """
    deepest, last = place(layer)
    found = Reach()
    for block, (_, convolutions) in enumerate(BLOCKS[: deepest + 1]):
        if block > 0:
            found = found.then(2, stride=2)
        for _ in range(convolutions if block < deepest else last + 1):
            found = found.then(3)
    return found


def smallest_side(layers: Collection[str]) -> int:
    """Shortest side in pixels of a picture that reaches the layers.

    Raises:
        InputError: no such layer.
    """
    return int(2 ** max((place(name)[0] for name in layers), default=0))


def _check_size(h: Tensor, layers: Collection[str]) -> None:
    least = smallest_side(layers)
    if min(h.shape[2:]) < least:
        raise InputError(
            f"a picture of {h.shape[3]}×{h.shape[2]} is too small for block {least.bit_length()} of VGG16: "
            f"use one of at least {least} px on each side, or shallower layers"
        )
