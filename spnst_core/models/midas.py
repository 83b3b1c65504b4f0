"""MiDaS: the part shared by the depth networks derived from it, and the small convolutional network.

Ranftl et al., "Towards Robust Monocular Depth Estimation: Mixing Datasets for Zero-shot Cross-dataset Transfer",
TPAMI 2022, arXiv:1907.01341. The decoder is RefineNet's (Lin et al., arXiv:1611.06612). The transformers are in `dpt`
and `depth_anything`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spnst_core.imaging import io as image_io


class DepthNetwork(nn.Module, ABC):
    """Relative inverse depth (larger = nearer) of RGB pictures, of any scale and shift, never negative before resizing.

    A picture is resized, with antialiasing, so that its long side is the one the network was trained at and both sides
    are multiples of ``multiple``, the nearest to its own aspect; the prediction is resized back.

    Shape: (N, 3, H, W) in [0, 1] → (N, 1, H, W), any H and W, differentiable.

    Args:
        size: long side in pixels that the network was trained at.
        mean, std: of its training pictures, RGB in [0, 1].
        channels: of the four maps of `pyramid`, fine to coarse.
        widths: of the decoder at those four scales.
        align_corners: how the head enlarges its map, a choice that the published networks disagree on.
        multiple: what the sides of the network's input are multiples of; 32 for one that halves it five times.
        upsampling: how many times larger than the decoder's map the network's input is.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        size: int,
        mean: Sequence[float],
        std: Sequence[float],
        channels: Sequence[int],
        widths: Sequence[int],
        align_corners: bool,
        multiple: int = 32,
        upsampling: float = 2.0,
    ) -> None:
        super().__init__()
        self.size, self.multiple, self.upsampling = size, multiple, upsampling
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.decoder = RefineNet(channels, widths)
        self.head = nn.Sequential(
            nn.Conv2d(widths[0], widths[0] // 2, 3, padding=1),
            nn.Upsample(scale_factor=upsampling, mode="bilinear", align_corners=align_corners),
            nn.Conv2d(widths[0] // 2, 32, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 1, 1),
            nn.ReLU(),
        )

    @abstractmethod
    def pyramid(self, x: Tensor) -> list[Tensor]:
        """Four maps of the network's input (N, 3, h, w), fine to coarse, each half as large as the one before.

        The finest has the input's sides divided by twice ``upsampling``: quarters of them in MiDaS.
        """

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) RGB in [0, 1] → (N, 1, H, W) relative inverse depth."""
        height, width = x.shape[2:]
        depth = self.predict(self.network_input(x)).to(x.dtype)
        depth = centre(depth, *working_size(height, width, self.size, self.multiple))
        return F.interpolate(depth, (height, width), mode="bicubic", align_corners=False)

    def network_input(self, x: Tensor) -> Tensor:
        """RGB in [0, 1] at any size → resized and normalised as the network was trained."""
        height, width = working_size(x.shape[2], x.shape[3], self.size, self.multiple)
        return (image_io.resize(x, height, width) - self.mean) / self.std

    def predict(self, x: Tensor) -> Tensor:
        """The network itself, without any resizing: its own input (N, 3, h, w) → (N, 1, h, w), non-negative."""
        depth: Tensor = self.head(self.decoder(self.pyramid(x)))
        return depth

    def features(self, x: Tensor) -> Tensor:
        """Features of the decoder before the head: (N, 3, H, W) RGB in [0, 1] → (N, C, h, w), of the working size.

        h and w are its sides divided by ``upsampling``.
        """
        height, width = working_size(x.shape[2], x.shape[3], self.size, self.multiple)
        found = self.decoder(self.pyramid(self.network_input(x)))
        return centre(found, round(height / self.upsampling), round(width / self.upsampling))


def working_size(height: int, width: int, size: int, multiple: int) -> tuple[int, int]:
    """The multiples nearest to a picture's shape at long side ``size``, at least one of them.

    >>> working_size(480, 640, 384, 32)
    (288, 384)
    """
    scale = size / max(height, width) / multiple
    return max(1, round(height * scale)) * multiple, max(1, round(width * scale)) * multiple


def centre(x: Tensor, height: int, width: int) -> Tensor:
    """The middle (height, width) of (N, C, H, W)."""
    top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
    return x[:, :, top : top + height, left : left + width]


class RefineNet(nn.Module):
    """Merges four maps from coarse to fine: at each scale refine, enlarge to the next map's size, narrow to its width.

    Shape: (N, channels[i], ⌈h/2ⁱ⌉, ⌈w/2ⁱ⌉) for i = 0 … 3 → (N, widths[0], 2h, 2w).
    """

    def __init__(self, channels: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        outs = (widths[0], *widths[:-1])
        self.reduce = nn.ModuleList(
            nn.Conv2d(c, w, 3, padding=1, bias=False) for c, w in zip(channels, widths, strict=True)
        )
        self.skip = nn.ModuleList(ResidualUnit(w) for w in widths[:-1])
        self.refine = nn.ModuleList(ResidualUnit(w) for w in widths)
        self.narrow = nn.ModuleList(nn.Conv2d(w, out, 1) for w, out in zip(widths, outs, strict=True))

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        coarsest = len(maps) - 1
        h: Tensor = self.reduce[coarsest](maps[coarsest])
        for i in range(coarsest, -1, -1):
            if i < coarsest:
                h = h + self.skip[i](self.reduce[i](maps[i]))
            h = self.refine[i](h)
            size = maps[i - 1].shape[2:] if i else (2 * h.shape[2], 2 * h.shape[3])
            h = F.interpolate(h, size, mode="bilinear", align_corners=True)
            h = self.narrow[i](h)
        return h


class ResidualUnit(nn.Module):
    """x + conv(relu(conv(relu(x)))), the widths kept."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv2(F.relu(self.conv1(F.relu(x))))
        return x + y


class MidasSmall(DepthNetwork):
    """MiDaS v2.1 small, 256 px: an EfficientNet-Lite3 with the decoder widening from 64 to 512 channels."""

    def __init__(self) -> None:
        super().__init__(
            size=256,
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
            channels=(32, 48, 136, 384),
            widths=(64, 128, 256, 512),
            align_corners=False,
        )
        self.backbone = timm.create_model(
            "tf_efficientnet_lite3", pretrained=False, features_only=True, out_indices=(1, 2, 3, 4)
        )

    def pyramid(self, x: Tensor) -> list[Tensor]:
        """EfficientNet's maps at 1/4, 1/8, 1/16 and 1/32, with 32, 48, 136 and 384 channels."""
        maps: list[Tensor] = self.backbone(x)
        return maps
