"""DepthNet: a small network for monocular relative inverse depth, trained on rendered scenes (see training/).

A residual U-Net (He et al., arXiv:1512.03385; Ronneberger et al., arXiv:1505.04597) with two self-attention blocks at
its coarsest level, where a picture has at most 6x6 tokens, so that every output depends on the whole scene.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from spnst_core.models.embedded.blocks import Attention, Conv, Residual, Up, longest_side, positions

WEIGHTS = Path(__file__).with_name("depth.safetensors")


class DepthNet(nn.Module):
    """Relative inverse depth (larger = nearer) of RGB pictures, known up to a scale and a shift.

    The picture is resized so that its long side is ``size``, and the prediction is resized back. It is the mean of the
    predictions for the picture and for its mirror image, which is more accurate than either. Nothing is normalised over
    a batch, so the result for a picture doesn't depend on the others.

    Shape: (N, 3, H, W) in [0, 1] → (N, 1, H, W), any H and W, differentiable with respect to the input.
    """

    size = 144

    def __init__(self) -> None:
        super().__init__()
        self.down2 = Conv(3, 16, stride=2)
        self.down4 = nn.Sequential(Conv(16, 32, stride=2), Residual(32))
        self.down8 = nn.Sequential(Conv(32, 64, stride=2), Residual(64), Residual(64))
        self.down16 = nn.Sequential(Conv(64, 104, stride=2), Residual(104), Residual(104))
        self.down32 = Conv(104, 144, stride=2)
        self.place = nn.Conv2d(2, 144, 1)
        self.context = nn.Sequential(Attention(144), Attention(144))
        self.up16 = Up(144, 104, 80)
        self.up8 = Up(80, 64, 48)
        self.up4 = Up(48, 32, 32)
        self.up2 = Up(32, 16, 16)
        self.head = nn.Conv2d(16, 1, 3, padding=1, padding_mode="replicate")

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) RGB in [0, 1] → (N, 1, H, W) relative inverse depth, any scale."""
        small = F.interpolate(x, longest_side(x, self.size), mode="bilinear", antialias=True)
        mirrored = self.predict(torch.cat([small, small.flip(3)]))
        left, right = mirrored[: len(x)], mirrored[len(x) :].flip(3)
        return F.interpolate(((left + right) / 2).to(x.dtype), x.shape[2:], mode="bicubic", align_corners=False)

    def predict(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) → (N, 1, ⌈H/2⌉, ⌈W/2⌉), without any resizing."""
        x2 = self.down2(4.0 * x - 2.0)
        x4 = self.down4(x2)
        x8 = self.down8(x4)
        x16 = self.down16(x8)
        y = self.down32(x16)
        y = self.context(y + self.place(positions(y)))
        y = self.up16(y, x16)
        y = self.up8(y, x8)
        y = self.up4(y, x4)
        return self.head(self.up2(y, x2))


def load_depth(weights: Path = WEIGHTS) -> DepthNet:
    """The trained network in float32 and evaluation mode, with frozen weights."""
    net = DepthNet()
    net.load_state_dict({name: weight.float() for name, weight in load_file(weights).items()})
    return net.eval().requires_grad_(False)
