"""A small blur for gradients and for the input of the depth network, so that single pixels can't satisfy them."""

import torch.nn.functional as F
from torch import Tensor


def soften(x: Tensor) -> Tensor:
    """Blur (N, C, H, W) by [1 2 1]/4 in both directions, with replicated borders."""
    # Two means over two pixels: a convolution would take ten times the memory of the picture.
    return F.avg_pool2d(F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 2, stride=1), 2, stride=1)
