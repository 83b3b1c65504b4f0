"""Depth Anything V2: DPT on DINOv2, trained on rendered images and on photographs labelled by a larger network.

Yang et al., "Depth Anything V2", NeurIPS 2024, arXiv:2406.09414. The backbone is timm's DINOv2 (Oquab et al.,
arXiv:2304.07193).
"""

from typing import Any

import timm
import torch.nn.functional as F
from torch import Tensor, nn

from spnst_core.models.dpt import Transformer
from spnst_core.models.midas import DepthNetwork

PATCH = 14
"""Side in pixels of a patch of DINOv2."""


class DepthAnythingSmall(DepthNetwork):
    """Depth Anything V2 Small, 518 px: ViT-S/14, read after its blocks 3, 6, 9 and 12, with a decoder of 64 channels.

    The long side becomes 518 pixels, as in every `DepthNetwork`; the authors' own demonstration gives the short side
    that many.
    """

    def __init__(self) -> None:
        channels = (48, 96, 192, 384)
        super().__init__(
            size=518,
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
            channels=channels,
            widths=(64,) * 4,
            align_corners=True,
            multiple=PATCH,
            upsampling=PATCH / 8,  # the decoder ends at eight pixels per patch
        )
        vit: Any = timm.create_model("vit_small_patch14_dinov2.lvd142m", pretrained=False, weight_init="skip")
        self.transformer = DINOv2(vit, taps=(2, 5, 8, 11))
        resample = (
            nn.ConvTranspose2d(48, 48, 4, stride=4),
            nn.ConvTranspose2d(96, 96, 2, stride=2),
            nn.Identity(),
            nn.Conv2d(384, 384, 3, stride=2, padding=1),
        )
        self.reassemble = nn.ModuleList(
            nn.Sequential(nn.Conv2d(384, c, 1), layer) for c, layer in zip(channels, resample, strict=True)
        )

    def pyramid(self, x: Tensor) -> list[Tensor]:
        """Four levels of the transformer, resampled to 4, 2, 1 and 1/2 times its grid; the class token is left out."""
        levels, grid = self.transformer(x)
        maps = [tokens[:, 1:].mT.unflatten(2, grid) for tokens in levels]
        return [assemble(level) for assemble, level in zip(self.reassemble, maps, strict=True)]


class DINOv2(Transformer):
    """DINOv2's transformer: every level that is read passes through the final normalisation.

    Shape: (N, 3, 14·h, 14·w) → for each tap (N, 1 + h·w, width), class token first; (h, w).
    """

    def __init__(self, vit: Any, taps: tuple[int, ...]) -> None:
        super().__init__(vit, taps)
        self.norm: nn.LayerNorm = vit.norm

    def forward(self, x: Tensor) -> tuple[list[Tensor], tuple[int, int]]:
        levels, grid = super().forward(x)
        return [self.norm(tokens) for tokens in levels], grid

    def resize_positions(self, grid: Tensor, height: int, width: int) -> Tensor:
        """(1, C, side, side) → (1, C, height, width), bicubically, as DINOv2 does it.

        Its sampling points lie as if the new grid were a tenth of a cell larger than it is: an artefact of the
        published code that the network was trained with. A grid of the learned size stays as it was learned.
        """
        side = grid.shape[2]
        if (height, width) == (side, side):
            return grid
        scale = (height + 0.1) / side, (width + 0.1) / side
        return F.interpolate(grid, scale_factor=scale, mode="bicubic", align_corners=False)
