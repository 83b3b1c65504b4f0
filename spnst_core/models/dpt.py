"""DPT: MiDaS with vision transformers in place of the convolutional backbone.

Ranftl, Bochkovskiy & Koltun, "Vision Transformers for Dense Prediction", ICCV 2021, arXiv:2103.13413. The backbones
are timm's, all of which were trained on pictures normalised to [-1, 1].
"""

from collections.abc import Sequence
from typing import Any

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spnst_core.models.midas import DepthNetwork


class DPT(DepthNetwork):
    """The common part of all DPTs: a decoder of 256 channels and inputs in [-1, 1]."""

    def __init__(self, size: int, channels: Sequence[int]) -> None:
        super().__init__(size, (0.5,) * 3, (0.5,) * 3, channels, widths=(256,) * 4, align_corners=True)


class DPTLarge(DPT):
    """DPT-Large, 384 px: ViT-L/16, read after its blocks 6, 12, 18 and 24."""

    def __init__(self) -> None:
        super().__init__(384, channels=(256, 512, 1024, 1024))
        vit = timm.create_model("vit_large_patch16_384", pretrained=False, weight_init="skip")
        self.transformer = Transformer(vit, taps=(5, 11, 17, 23))
        self.reassemble = nn.ModuleList(
            (
                Reassemble(1024, 256, nn.ConvTranspose2d(256, 256, 4, stride=4)),
                Reassemble(1024, 512, nn.ConvTranspose2d(512, 512, 2, stride=2)),
                Reassemble(1024, 1024, nn.Identity()),
                Reassemble(1024, 1024, nn.Conv2d(1024, 1024, 3, stride=2, padding=1)),
            )
        )

    def pyramid(self, x: Tensor) -> list[Tensor]:
        """Four levels of the transformer, resampled to 1/4, 1/8, 1/16 and 1/32."""
        levels, grid = self.transformer(x)
        return [assemble(tokens, grid) for assemble, tokens in zip(self.reassemble, levels, strict=True)]


class DPTHybrid(DPT):
    """DPT-Hybrid, 384 px: the fine maps come from a ResNet-50, the coarse ones from a ViT-B on top of it."""

    def __init__(self) -> None:
        super().__init__(384, channels=(256, 512, 768, 768))
        # timm's current name of vit_base_resnet50_384
        vit: Any = timm.create_model("vit_base_r50_s16_384", pretrained=False, weight_init="skip")
        self.stem: nn.Module = vit.patch_embed.backbone.stem
        self.stages: nn.Sequential = vit.patch_embed.backbone.stages
        self.transformer = Transformer(vit, taps=(8, 11))
        self.reassemble = nn.ModuleList(
            (
                Reassemble(768, 768, nn.Identity()),
                Reassemble(768, 768, nn.Conv2d(768, 768, 3, stride=2, padding=1)),
            )
        )

    def pyramid(self, x: Tensor) -> list[Tensor]:
        """Two stages of the ResNet at 1/4 and 1/8, two levels of the transformer at 1/16 and 1/32."""
        h = self.stem(x)
        stages = []
        for stage in self.stages:
            h = stage(h)
            stages.append(h)
        levels, grid = self.transformer(h)
        return stages[:2] + [assemble(tokens, grid) for assemble, tokens in zip(self.reassemble, levels, strict=True)]


class DPTSwin2Tiny(DPT):
    """DPT with SwinV2-T, 256 px: the four stages of the transformer are the pyramid as they are.

    Its windows fit a square of 256 px and nothing else, so the resized picture is centred on one, its border pixels
    repeated outwards, and the prediction is cropped. (The authors stretch every picture to the square.)
    """

    def __init__(self) -> None:
        super().__init__(256, channels=(96, 192, 384, 768))
        swin: Any = timm.create_model("swinv2_tiny_window16_256", pretrained=False)
        self.patch_embed: nn.Module = swin.patch_embed
        self.layers: nn.Sequential = swin.layers

    def network_input(self, x: Tensor) -> Tensor:
        """RGB in [0, 1] at any size → (N, 3, 256, 256)."""
        h = super().network_input(x)
        down, right = self.size - h.shape[2], self.size - h.shape[3]
        return F.pad(h, (right // 2, right - right // 2, down // 2, down - down // 2), mode="replicate")

    def pyramid(self, x: Tensor) -> list[Tensor]:
        """The stages of the transformer, with 96, 192, 384 and 768 channels."""
        h = self.patch_embed(x)
        maps = []
        for stage in self.layers:
            h = stage(h)
            maps.append(h.permute(0, 3, 1, 2))
        return maps


class Transformer(nn.Module):
    """The parts of a timm vision transformer that DPT reads: patch projection, class token, positions and blocks.

    Shape: (N, C, h, w) → for each block in ``taps`` its tokens (N, 1 + grid area, width), class token first; the grid.
    """

    def __init__(self, vit: Any, taps: Sequence[int]) -> None:
        super().__init__()
        self.project: nn.Conv2d = vit.patch_embed.proj
        self.class_token: nn.Parameter = vit.cls_token
        self.positions: nn.Parameter = vit.pos_embed
        self.blocks: nn.Sequential = vit.blocks
        self.taps = tuple(taps)
        for unset in (self.class_token, self.positions):  # left unset by timm when its slow initialisation is skipped
            nn.init.zeros_(unset)

    def forward(self, x: Tensor) -> tuple[list[Tensor], tuple[int, int]]:
        patches = self.project(x)
        n, _, height, width = patches.shape
        tokens = torch.cat((self.class_token.expand(n, -1, -1), patches.flatten(2).mT), 1)
        tokens = tokens + self._positions(height, width)
        found = []
        for i, block in enumerate(self.blocks):
            tokens = block(tokens)
            if i in self.taps:
                found.append(tokens)
        return found, (height, width)

    def _positions(self, height: int, width: int) -> Tensor:
        """The learned positions, resized from the square grid they were learned on."""
        token, square = self.positions[:, :1], self.positions[:, 1:]
        side = round(square.shape[1] ** 0.5)
        grid = self.resize_positions(square.mT.unflatten(2, (side, side)), height, width)
        return torch.cat((token, grid.flatten(2).mT), 1)

    def resize_positions(self, grid: Tensor, height: int, width: int) -> Tensor:
        """(1, C, side, side) → (1, C, height, width), bilinearly."""
        return F.interpolate(grid, (height, width), mode="bilinear", align_corners=False)


class Reassemble(nn.Module):
    """Tokens back to a map (Ranftl et al. 2021, section 3): join the class token to each, project, resample.

    Shape: (N, 1 + h·w, width) and (h, w) → (N, channels, …), resampled by ``resample``.
    """

    def __init__(self, width: int, channels: int, resample: nn.Module) -> None:
        super().__init__()
        self.readout = nn.Linear(2 * width, width)
        self.project = nn.Conv2d(width, channels, 1)
        self.resample = resample

    def forward(self, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        patches = tokens[:, 1:]
        joined = torch.cat((patches, tokens[:, :1].expand_as(patches)), 2)
        h = F.gelu(self.readout(joined)).mT.unflatten(2, grid)
        y: Tensor = self.resample(self.project(h))
        return y
