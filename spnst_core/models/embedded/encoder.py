"""The embedded profile's encoder: three layers of filters learned from image patches, shipped as one file.

Each layer is a convolution, √2·ReLU, and a blur-pool by 2 on the way to the next. Its filters are whitened centroids
of patches (Coates & Ng, "Learning Feature Representations with K-means", 2012), fitted by `training/fit_encoder.py`.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from spnst_core.compute.tiling import Reach
from spnst_core.errors import InputError, closest, cut
from spnst_core.imaging.colour import luminance
from spnst_core.models.bank import Bank
from spnst_core.models.embedded.blur_pool import blur_pool

WEIGHTS = Path(__file__).with_name("encoder.safetensors")
FILTER_BANKS = ((5, 64), (3, 128), (3, 256))
"""Kernel side and number of filters of each layer."""

SKETCH_SIDE = 64
"""Long side in pixels of the small luminance picture, which preserves the layout of light and dark."""


class PatchEncoder(nn.Module):
    """Features of pictures: ``colour`` (the pixels), ``sketch`` (small luminance), ``bank1`` … ``bank3``."""

    name = "embedded"
    structure_layer = "bank3"
    content_layers: Mapping[str, float] = {"bank2": 0.1, "sketch": 7.0}
    style_layers: Mapping[str, float] = {"colour": 0.5, "bank1": 1.0, "bank2": 1.0, "bank3": 1.0}

    def __init__(self) -> None:
        super().__init__()
        self.banks = nn.ModuleList()
        channels = 3
        for side, filters in FILTER_BANKS:
            self.banks.append(Bank(channels, filters, side))
            channels = filters

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """`features` of the encoder's own content and style layers.

        Nothing is modified in place, so that forward hooks of the banks receive what the banks return.
        """
        return self._responses(x, {**self.content_layers, **self.style_layers}, in_place=False)

    def features(self, x: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """The named layers' responses to pictures (N, 3, H, W) in [0, 1], in one pass no deeper than needed.

        ``colour`` is (N, 3, H, W); ``sketch`` (N, 1, h, w) with long side 64; ``bank k`` (N, C, H/2ᵏ⁻¹, W/2ᵏ⁻¹).

        Raises:
            InputError: no such layer.
        """
        return self._responses(x, layers, in_place=True)

    def _responses(self, x: Tensor, layers: Collection[str], in_place: bool) -> dict[str, Tensor]:
        self.require_layers(layers)
        found: dict[str, Tensor] = {}
        if "colour" in layers:
            found["colour"] = x
        if "sketch" in layers:
            found["sketch"] = _sketch(x)
        deepest = max((k for k in range(1, len(self.banks) + 1) if f"bank{k}" in layers), default=0)
        h = x
        for k in range(1, deepest + 1):
            h = self.respond(h if k == 1 else blur_pool(h), k, in_place)
            if f"bank{k}" in layers:
                found[f"bank{k}"] = h
        return found

    @staticmethod
    def require_layers(layers: Collection[str]) -> None:
        """Check that the encoder has these layers.

        Raises:
            InputError: no such layer.
        """
        for unknown in sorted(set(layers) - set(REACHES)):
            raise InputError(
                f'the embedded encoder has no layer "{cut(unknown)}"{closest(unknown, REACHES)}: '
                f"it has {', '.join(REACHES)}"
            )

    def reach(self, layer: str) -> Reach | None:
        """Receptive field of the layer; None for ``sketch``, which depends on the whole picture.

        Raises:
            InputError: no such layer.
        """
        self.require_layers([layer])
        return REACHES[layer]

    def smallest_side(self, layers: Collection[str]) -> int:
        """Shortest side in pixels of a picture that each bank can mirror at its borders."""
        deepest = max((k for k in range(1, len(self.banks) + 1) if f"bank{k}" in layers), default=0)
        # Bank k needs one pixel more than it pads with, of sides that were halved, rounding up, k - 1 times.
        return max((FILTER_BANKS[k][0] // 2 * 2**k + 1 for k in range(deepest)), default=1)

    def respond(self, x: Tensor, k: int, in_place: bool = True) -> Tensor:
        """Layer k's response to its own input; ``in_place`` saves memory and overwrites what the bank returns."""
        pad = FILTER_BANKS[k - 1][0] // 2
        with torch.autocast(x.device.type, enabled=False):  # it would convert to float32 for the padding
            padded = F.pad(x, (pad, pad, pad, pad), mode="reflect")
        return F.relu(self.banks[k - 1](padded), inplace=in_place)


def _reaches() -> dict[str, Reach | None]:
    found: dict[str, Reach | None] = {"colour": Reach(), "sketch": None}
    bank = Reach()
    for k, (side, _) in enumerate(FILTER_BANKS, 1):
        bank = (bank if k == 1 else bank.then(3, stride=2)).then(side)
        found[f"bank{k}"] = bank
    return found


REACHES = _reaches()
"""The layers' names and receptive fields."""


def _sketch(x: Tensor) -> Tensor:
    shrink = min(1.0, SKETCH_SIDE / max(x.shape[2:]))
    height, width = (max(1, round(side * shrink)) for side in x.shape[2:])
    return F.interpolate(luminance(x), size=(height, width), mode="bilinear", antialias=True, align_corners=False)


class EmbeddedEncoder(PatchEncoder):
    """The encoder with the weights that ship with the package."""

    def __init__(self) -> None:
        super().__init__()
        self.load_state_dict({key: value.float() for key, value in load_file(WEIGHTS).items()})
