"""Depth from the trunk of `hed_vgg16`: a small decoder on its frozen features, trained on rendered scenes.

The decoder (see training/) reads responses at 1/4, 1/8 and 1/16 of the picture's size: self-attention over the coarsest
(Dosovitskiy et al., arXiv:2010.11929), so that every output depends on the whole scene, then two merging steps up, as
in a U-Net (Ronneberger et al., arXiv:1505.04597).
"""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from spnst_core.models.embedded.blocks import Attention, Residual, Up, positions
from spnst_core.models.trunk import CaffeInput, Trunk

WEIGHTS = Path(__file__).with_name("depth_head.safetensors")
"""The head's weights, in half precision."""

LAYERS: Mapping[str, float] = {"relu3_3": 8.0, "relu4_3": 3.0, "relu5_3": 2.0}
"""The trunk's layers that the head reads, fine to coarse, and the size of a strong response in each."""

STRIDE = 4
"""Pixels per response of the finest of `LAYERS`, and per value that the head computes."""

AREA = 18_000
"""Of the pictures that the trunk is given, in pixels, nearly: that of the views that the head was trained on."""

MULTIPLE = 16
"""What their sides are multiples of: the pixels per response of the coarsest of `LAYERS`."""


class DepthHead(nn.Module):
    """Relative inverse depth (larger = nearer), known up to a scale and a shift, from a trunk's responses.

    Nothing is normalised over a batch, so the result for a picture doesn't depend on the others.

    Attributes:
        layers: names of the responses that it reads.
    """

    layers = tuple(LAYERS)

    def __init__(self) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(512, 128, 1)
        self.place = nn.Conv2d(2, 128, 1)
        self.context = nn.Sequential(Attention(128), Attention(128))
        self.up8 = Up(128, 512, 64)
        self.refine = Residual(64)
        self.up4 = Up(64, 256, 32)
        self.out = nn.Conv2d(32, 1, 3, padding=1, padding_mode="replicate")

    def forward(self, features: Mapping[str, Tensor], size: tuple[int, int]) -> Tensor:
        """Inverse depth at the given height and width, (N, 1, H, W), any scale; differentiable.

        Args:
            features: responses (N, C, h, w) by name, at least those of ``layers``, to pictures of about `AREA` pixels.
            size: height and width of the result.
        """
        depth = self.predict(compressed(features))
        return F.interpolate(depth, size, mode="bicubic", align_corners=False)

    def predict(self, responses: Mapping[str, Tensor]) -> Tensor:
        """`compressed` responses → inverse depth in the resolution of the finest, (N, 1, h, w)."""
        depth: Tensor = self.out(self.decode(responses))
        return depth

    def decode(self, responses: Mapping[str, Tensor]) -> Tensor:
        """`compressed` responses → features in the resolution of the finest, (N, 32, h, w)."""
        fine, middle, coarse = (responses[name] for name in LAYERS)
        y = self.narrow(coarse)
        y = self.context(y + self.place(positions(y)))
        y = self.refine(self.up8(y, middle))
        features: Tensor = self.up4(y, fine)
        return features


class VGG16Depth(nn.Module):
    """`DepthHead` on the trunk of `spnst_core.models.hed.hed_vgg16`.

    A picture is resized to about `AREA` pixels, and the prediction is resized back. It is the mean of the predictions
    for the picture and for its mirror image, which is far more accurate than either (see training/README.md).

    Shape: (N, 3, H, W) RGB in [0, 1] → (N, 1, H, W) relative inverse depth, any H and W, differentiable.

    Args:
        trunk: a trunk to share; without it a new one on Caffe's input.
    """

    def __init__(self, trunk: Trunk | None = None) -> None:
        super().__init__()
        self.trunk = Trunk(CaffeInput(), round_up=True) if trunk is None else trunk
        self.head = DepthHead()

    @staticmethod
    def shipped() -> dict[str, Tensor]:
        """The weights that come with this package, by their names in this network: the head's."""
        return {f"head.{name}": weight.float() for name, weight in load_file(WEIGHTS).items()}

    @staticmethod
    @cache
    def identity() -> str:
        """Changes with any of the head's weights or constants."""
        return f"{tuple(LAYERS.items())} {AREA} {sha256(WEIGHTS.read_bytes()).hexdigest()}"

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) RGB in [0, 1] → (N, 1, H, W) relative inverse depth, any scale."""
        small = resized(x)
        both = self.head(self._responses(torch.cat([small, small.flip(3)])), (x.shape[2], x.shape[3]))
        mean = (both[: len(x)] + both[len(x) :].flip(3)) / 2
        return mean.to(x.dtype)

    def features(self, x: Tensor) -> Tensor:
        """Features that depth is computed from: (N, 3, H, W) RGB in [0, 1] → (N, 32, h, w), of the working size / 4."""
        return self.head.decode(compressed(self._responses(resized(x))))

    def _responses(self, x: Tensor) -> dict[str, Tensor]:
        return self.trunk.responses(self.trunk.scale(x), self.head.layers)


def compressed(features: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The responses of `LAYERS` as log(1 + response/strong), as few are many times stronger than the others."""
    return {name: torch.log1p(features[name] / strong) for name, strong in LAYERS.items()}


def resized(x: Tensor) -> Tensor:
    """Pictures (N, 3, H, W) as the trunk is given them."""
    return F.interpolate(x, working_size(x.shape[2], x.shape[3]), mode="bilinear", antialias=True)


def working_size(height: int, width: int) -> tuple[int, int]:
    """Height and width of a picture as the trunk is given it: about `AREA` pixels, sides multiples of `MULTIPLE`.

    >>> working_size(480, 640)
    (112, 160)
    """
    scale = (AREA / (height * width)) ** 0.5 / MULTIPLE
    return max(1, round(height * scale)) * MULTIPLE, max(1, round(width * scale)) * MULTIPLE
